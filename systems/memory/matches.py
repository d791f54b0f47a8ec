"""What candidates have of a question, by themselves and next to each other, and which are the best of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from heapq import heapify, heappop, heappush
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from systems.memory.candidates import Candidate

Floats = NDArray[np.float64]

# How much of a turn's words its neighbours get: the one after a question, the one after, the one before.
_ANSWER, _AFTER, _BEFORE = 0.8, 0.5, 0.4
# A turn that says nothing of the question itself must get this share of all its words' weight.
_LEAST = 0.15
_SITTING_S = 3600.0

# A message that only asks seldom holds an answer. Of two that match about as well, the newer goes first.
_ASKS, _NEWER = 0.4, 0.15


class Ranked(NamedTuple):
    """A turn, and how well it matches: positive, comparable within one ranking only."""

    score: float
    row: Candidate


class Matches:
    """What of a question each candidate has: a sum of the weights of its words, and of what is lent to it."""

    def __init__(self, weights: Floats) -> None:
        self._weights = weights
        self._turns: list[Candidate] = []
        self._at: dict[int, int] = {}
        self._parts: list[float] = []

    def __contains__(self, number: int) -> bool:
        return number in self._at

    def add(self, turns: Sequence[Candidate], sums: Sequence[float]) -> None:
        """Take in ``turns``; ``sums`` has of each the sum of the weights of the words in it."""
        self._at.update({turn.number: at for at, turn in enumerate(turns, len(self._turns))})
        self._turns.extend(turns)
        self._parts.extend([weight * turn.share for turn, weight in zip(turns, sums, strict=True)])

    def best(self, count: int) -> list[Candidate]:
        """Return the ``count`` turns that match best by themselves."""
        own = zip(self._parts, self._at, self._turns, strict=True)
        return [turn for _, _, turn in sorted(own, reverse=True)[:count]]

    def lend(
        self,
        hits: Sequence[Candidate],
        beside: Sequence[tuple[int | None, int | None]],
        has: Callable[[Sequence[int]], NDArray[np.bool_]],
    ) -> None:
        """Give the short neighbours of ``hits`` what these have of the question, at a lower weight.

        ``beside`` tells of each hit the numbers of the turn before and of the one after, ``has`` of each number that it
        is given, in a row, which words that turn has.
        """
        parts = self._parts
        least = _LEAST * float(self._weights.sum())
        # Of each turn that gets something from whom, and how much of it.
        lent: dict[int, list[tuple[int, float]]] = {}
        for hit, (before, after) in zip(hits, beside, strict=True):
            own = parts[self._at[hit.number]]
            # What an assistant answered is not answered by what its user says next.
            then = _AFTER if not hit.marked else 0.0 if hit.answered else _ANSWER
            for number, weight in (before, _BEFORE), (after, then):
                if not weight or number is None or (at := self._at.get(number)) is None:
                    continue
                turn = self._turns[at]
                share = weight * turn.free
                if share <= 0 or abs(turn.created - hit.created) > _SITTING_S:
                    continue
                if at in lent:
                    lent[at].append((hit.number, share * hit.share))
                elif parts[at] > 0 or share * own >= least:
                    lent[at] = [(number, turn.share), (hit.number, share * hit.share)]
        if not lent:
            return
        # From itself, and from the turn before or after it or both: three each, where there are two one of them twice.
        three = [pair for pairs in lent.values() for pair in (*pairs, pairs[0])[:3]]
        givers, shares = zip(*three, strict=True)
        given = (has(givers) * np.array(shares)[:, None]).reshape(len(lent), 3, -1)
        # A word that a turn has and is lent as well counts once, where it weighs most.
        for at, part in zip(lent, (given.max(axis=1) * self._weights).sum(axis=1).tolist(), strict=True):
            parts[at] = part

    def ranked(self, asked: Sequence[str], limit: int) -> list[Ranked]:
        """Return the best ``limit`` turns that say different things, best first."""
        matching = [
            (turn.created, turn.number, part, turn) for part, turn in zip(self._parts, self._turns, strict=True) if part
        ]
        matching.sort()
        newer = _NEWER / max(1, len(matching))
        best = [(-part * (1 + newer * age), -age, turn) for age, (_, _, part, turn) in enumerate(matching, 1)]
        heapify(best)
        judged: set[int] = set()
        said: set[int] = set()
        found: list[Ranked] = []
        while best and len(found) < limit:
            score, age, turn = heappop(best)
            if turn.number not in judged and (asks := turn.asks()) is not None:
                judged.add(turn.number)
                if not asks.issubset(asked):
                    heappush(best, (_ASKS * score, age, turn))
                continue
            says = turn.says()
            if says not in said:
                said.add(says)
                found.append(Ranked(-score, turn))
        return found
