"""Texts that a machine of finitely many states accepts: what patterns come to, alone or several at once, with a length.

Each state has one way on for each character, so llama.cpp follows one reading of a text, whatever the pattern was.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Hashable, Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from systems.errors import BadInput

Ranges = tuple[tuple[int, int], ...]
"""Characters by number: ranges, both ends included, in order and apart."""

_MOST_STATES, _MOST_PIECES, _MOST_WORK = 1500, 4000, 1_000_000


class Node:
    """A state of a machine that may be in several at once: where it goes on characters, and where without one."""

    __slots__ = ("free", "number", "on")

    def __init__(self, number: int) -> None:
        self.number = number
        self.on: list[tuple[Ranges, Node]] = []
        self.free: list[Node] = []


class Pieces:
    """Makes nodes, not without end: raises `BadInput` that names ``whose`` they are."""

    def __init__(self, whose: str) -> None:
        self.whose = whose
        self._count = 0

    def node(self) -> Node:
        """Return a new node."""
        self._count += 1
        if self._count > _MOST_PIECES:
            raise BadInput(f"The {self.whose} is too large to hold a reply to it.")
        return Node(self._count)


class Machine(NamedTuple):
    """States by number, the first first: where each goes, and whether a text may end in it. All lead to an end."""

    ways: Sequence[Sequence[tuple[Ranges, int]]]
    ends: Sequence[bool]

    def accepts(self, text: str) -> bool:
        """Return whether ``text`` is one of the texts."""
        state = 0
        for letter in map(ord, text):
            found = (to for ranges, to in self.ways[state] if any(low <= letter <= high for low, high in ranges))
            state = next(found, -1)
            if state < 0:
                return False
        return bool(self.ways) and self.ends[state]


def machine(patterns: Iterable[tuple[Node, Node]], least: int, most: int | None) -> Machine:
    """Return the machine of the texts that all of ``patterns``, from a first to a last node, accept.

    They have ``least`` to ``most`` characters. It has no state if there is none. Raises `BadInput` for too many states.
    """
    lasts = [last for _, last in patterns]
    counted = least if most is None else most  # how far characters need be counted
    work = 0
    closures: dict[frozenset[Node], frozenset[Node]] = {}
    start = (tuple(_closed([first]) for first, _ in patterns), 0)
    numbers: dict[Hashable, int] = {start: 0}
    ways: list[dict[int, list[tuple[int, int]]]] = []
    ends: list[bool] = []
    waiting = deque([start])
    while waiting:
        sets, length = waiting.popleft()
        ends.append(length >= least and all(last in found for last, found in zip(lasts, sets, strict=True)))
        ways.append({})
        if most is not None and length >= most:
            continue
        edges = sorted({edge for found in sets for node in found for ranges, _ in node.on for low, high in ranges
                        for edge in (low, high + 1)})  # fmt: skip
        work += len(edges) * sum(map(len, sets))
        for low, after in pairwise(edges):
            reached = [frozenset(_after(found, low)) for found in sets]
            for each in reached:
                if each not in closures:
                    closures[each] = _closed(each)
                    work += len(closures[each])
            if work > _MOST_WORK:
                raise BadInput("The pattern or grammar has too many ways to go on to hold a reply to it.")
            then = tuple(map(closures.__getitem__, reached))
            if not all(then):
                continue
            state = (then, min(length + 1, counted))
            if state not in numbers:
                numbers[state] = len(numbers)
                if len(numbers) > _MOST_STATES:
                    raise BadInput("The pattern or grammar has too many ways to go on to hold a reply to it.")
                waiting.append(state)
            ways[-1].setdefault(numbers[state], []).append((low, after - 1))
    return _trimmed(ways, ends)


def _after(nodes: Iterable[Node], letter: int) -> list[Node]:
    return [to for node in nodes for ranges, to in node.on if _holds(ranges, letter)]


def _holds(ranges: Ranges, letter: int) -> bool:
    place = bisect_right(ranges, (letter, 1 << 30)) - 1
    return place >= 0 and letter <= ranges[place][1]


def _closed(nodes: Iterable[Node]) -> frozenset[Node]:
    """Return ``nodes`` and all that are reached from them without a character."""
    found, waiting = set(nodes), list(nodes)
    while waiting:
        for node in waiting.pop().free:
            if node not in found:
                found.add(node)
                waiting.append(node)
    return frozenset(found)


def _trimmed(ways: Sequence[dict[int, list[tuple[int, int]]]], ends: Sequence[bool]) -> Machine:
    """Return the machine without the states from which no end is reached."""
    before: list[list[int]] = [[] for _ in ways]
    for state, onward in enumerate(ways):
        for to in onward:
            before[to].append(state)
    useful, waiting = {state for state, end in enumerate(ends) if end}, [state for state, end in enumerate(ends) if end]
    while waiting:
        for state in before[waiting.pop()]:
            if state not in useful:
                useful.add(state)
                waiting.append(state)
    if 0 not in useful:
        return Machine((), ())
    kept = {state: number for number, state in enumerate(sorted(useful))}
    return Machine(
        [[(joined(ranges), kept[to]) for to, ranges in ways[state].items() if to in kept] for state in kept],
        [ends[state] for state in kept],
    )


def joined(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """Return ``ranges`` in order, and those that meet as one."""
    found: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if found and low <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], high))
        else:
            found.append((low, high))
    return tuple(found)


def without(ranges: Iterable[tuple[int, int]], less: Iterable[tuple[int, int]]) -> Ranges:
    """Return the characters of ``ranges`` that are not in ``less``."""
    found = []
    for low, high in joined(ranges):
        for first, last in joined(less):
            if low <= last and first <= high:
                if low < first:
                    found.append((low, first - 1))
                low = last + 1
        if low <= high:
            found.append((low, high))
    return tuple(found)
