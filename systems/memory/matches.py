"""What candidates have of a question, by themselves and next to each other, and which are the best of them."""

from __future__ import annotations

from collections.abc import Sequence
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
    """What of a question each candidate has: a row each, a column for each word, in it the word's weight there."""

    def __init__(self, weights: Floats) -> None:
        self._weights = weights
        self._turns: list[Candidate] = []
        self._at: dict[int, int] = {}
        self._parts: Floats = np.zeros((0, len(weights)))

    def __contains__(self, number: int) -> bool:
        return number in self._at

    def add(self, turns: Sequence[Candidate], has: NDArray[np.bool_]) -> None:
        """Take in ``turns``; ``has`` tells of each, in a row, which words are in it."""
        self._at.update({turn.number: at for at, turn in enumerate(turns, len(self._turns))})
        self._turns.extend(turns)
        share = np.array([turn.share for turn in turns])
        self._parts = np.concatenate((self._parts, has * (share[:, None] * self._weights)))

    def best(self, count: int) -> list[Candidate]:
        """Return the ``count`` turns that match best by themselves."""
        own = zip(self._parts.sum(axis=1).tolist(), self._at, self._turns, strict=True)
        return [turn for _, _, turn in sorted(own, key=lambda one: one[:2], reverse=True)[:count]]

    def lend(self, hits: Sequence[Candidate], beside: Sequence[tuple[int | None, int | None]]) -> None:
        """Give the short neighbours of ``hits`` what these have of the question, at a lower weight.

        ``beside`` tells of each hit the numbers of the turn before and of the one after.
        """
        own = self._parts.sum(axis=1).tolist()
        has = [part > 0 for part in own]
        least = _LEAST * float(self._weights.sum())
        # A turn is before one other at most, and after one: in either list it gets something once.
        lent: tuple[list[tuple[int, float, int]], ...] = ([], [])
        for hit, numbers in zip(hits, beside, strict=True):
            giver = self._at[hit.number]
            # What an assistant answered is not answered by what its user says next.
            then = _AFTER if not hit.marked else 0.0 if hit.answered else _ANSWER
            for number, weight, some in zip(numbers, (_BEFORE, then), lent, strict=True):
                if not weight or number is None or (at := self._at.get(number)) is None:
                    continue
                turn = self._turns[at]
                share = weight * turn.free
                if share <= 0 or abs(turn.created - hit.created) > _SITTING_S:
                    continue
                if has[at] or share * own[giver] >= least:
                    has[at] = True
                    some.append((at, share, giver))
        had = self._parts.copy()
        for some in lent:
            if some:
                takers, shares, givers = map(list, zip(*some, strict=True))
                self._parts[takers] = np.maximum(self._parts[takers], np.array(shares)[:, None] * had[givers])

    def ranked(self, asked: frozenset[str], limit: int) -> list[Ranked]:
        """Return the best ``limit`` turns that say different things, best first."""
        matching = [
            (turn.created, turn.number, part, turn)
            for part, turn in zip(self._parts.sum(axis=1).tolist(), self._turns, strict=True)
            if part
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
                if not asked.issuperset(asks):
                    heappush(best, (_ASKS * score, age, turn))
                continue
            says = turn.says()
            if says not in said:
                said.add(says)
                found.append(Ranked(-score, turn))
        return found
