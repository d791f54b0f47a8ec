"""The largest number that holds, by strides that double and then by bisection."""

from __future__ import annotations

from collections.abc import Callable

import msgspec


class Largest(msgspec.Struct, frozen=True):
    """The largest number that held; ``settled`` says that a larger one failed, else it is "at least" this many."""

    number: int
    settled: bool


def largest(
    holds: Callable[[int], bool],
    first: int,
    stride: int,
    ceiling: int,
    within: float = 0.0,
    expected: Callable[[], int] = lambda: 0,
) -> Largest:
    """Return the largest number up to ``ceiling`` that ``holds``; each is tried once at most.

    The search begins at ``first``, and tries next what that lets be ``expected``, where it is still open. It goes up
    while numbers hold, or down while none does, by a ``stride`` that doubles from its second step on: who begins near
    is not led past. Then it bisects, until the number that failed is larger by 1, or by at most the share ``within``.
    Numbers are taken to hold up to some point and not beyond: where chance decides near it, blocks tell how much.
    """
    low, high, number = 0, ceiling + 1, min(first, ceiling)
    following, begins = stride, True
    while high > ceiling or high - low > max(1.0, within * low):
        if holds(number):
            low = number
        else:
            high = number
        if low == ceiling:
            return Largest(low, settled=False)
        lead = min(expected(), ceiling) if begins else 0
        begins = False
        if low < lead < high:
            number = lead
            continue
        if high > ceiling:
            number = min(low + stride, ceiling)
        elif not low:
            number = max(high - stride, 1)
        else:
            number = (low + high) // 2
        stride, following = following, 2 * following
    return Largest(low, settled=True)
