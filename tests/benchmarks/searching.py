"""Successive halving: many are tried for a short while, and the best of them for longer, until one is left."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")

_KEPT = 3  # one in so many goes on, and two at least until the last round


def best(candidates: Sequence[T], rounds: int, rate: Callable[[T, int, float], float]) -> T:
    """Return the candidate that is best in the last of ``rounds`` rounds.

    ``rate`` takes a candidate, the number of the round and the best rate in it so far, and returns how good it is: more
    is better, and 0 is that it cannot be had. It may give up on one that stays far below the best. Of two that are
    equal the earlier one is better. Raises `ValueError` if none can be had.
    """
    left = list(candidates)
    for number in range(rounds):
        found: list[float] = []
        for each in left:
            found.append(rate(each, number, max(found, default=0.0)))
        order = sorted((place for place, value in enumerate(found) if value > 0), key=lambda place: -found[place])
        if not order:
            raise ValueError("None of what was tried can be had.")
        last = number == rounds - 1
        left = [left[place] for place in order[: 1 if last else max(2, len(left) // _KEPT)]]
        if len(left) == 1:
            break
    return left[0]
