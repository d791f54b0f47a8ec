"""The largest number that holds, by doubling and then by bisection."""

from __future__ import annotations

from collections.abc import Callable

import msgspec


class Largest(msgspec.Struct, frozen=True):
    """The largest number that held; ``settled`` says that a larger one failed, else it is "at least" this many."""

    number: int
    settled: bool


def largest(holds: Callable[[int], bool], first: int, ceiling: int) -> Largest:
    """Return the largest number up to ``ceiling`` that ``holds``, begun at ``first``; each is tried once at most.

    Numbers are taken to hold up to some point and not beyond: where chance decides near it, blocks tell how much.
    """
    low, high = 0, min(first, ceiling)
    while holds(high):
        low = high
        if low == ceiling:
            return Largest(low, settled=False)
        high = min(2 * high, ceiling)
    while high - low > 1:
        middle = (low + high) // 2
        if holds(middle):
            low = middle
        else:
            high = middle
    return Largest(low, settled=True)
