"""Numbers between bounds, as what their digits may be: rules of llama.cpp's GBNF."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

Bound = tuple[Decimal, bool] | None
"""A bound, and whether it is itself left out."""


def between(
    low: Bound, high: Bound, decimals: int, digits: int, lowest: int | None = None, highest: int | None = None
) -> Iterator[str]:
    """Yield the ways to write a number between ``low`` and ``high`` with so many ``decimals``; none if there is none.

    It has at most ``digits`` digits in all. ``lowest`` and ``highest`` are bounds too.
    """
    most = 10**digits - 1
    first = -most if low is None else _scaled(*low, decimals, up=True)
    last = most if high is None else _scaled(*high, decimals, up=False)
    first = max(-most, first, -most if lowest is None else lowest)
    last = min(most, last, most if highest is None else highest)
    if last >= 0:
        yield from _natural(max(first, 0), last, decimals, "")
    if first < 0:
        yield from _natural(max(1, -last), -first, decimals, "-")


def _scaled(bound: Decimal, left_out: bool, decimals: int, *, up: bool) -> int:
    """Return the first or last number that may be written, in units of the last of its ``decimals``."""
    if bound.adjusted() > 40:  # beyond any digits there are: it need not be exact
        return 10**40 if bound > 0 else -(10**40)
    if bound.adjusted() < -40 and bound:
        bound = Decimal(1 if bound > 0 else -1).scaleb(-40)
    sign, figures, exponent = bound.as_tuple()
    numerator, power = int("".join(map(str, figures))) * (-1 if sign else 1), int(exponent) + decimals
    if power >= 0:
        whole, rest = numerator * int(10**power), 0
    else:
        whole, rest = divmod(numerator, int(10**-power))
    if up:
        return whole + 1 if rest or left_out else whole
    return whole - 1 if left_out and not rest else whole


def _natural(first: int, last: int, decimals: int, sign: str) -> Iterator[str]:
    """Yield the ways to write a number from ``first`` to ``last``, in units of the last decimal."""
    for length in range(max(len(str(first)), decimals + 1), max(len(str(last)), decimals + 1) + 1):
        # No number begins with nought, but for one that has only this before its point.
        low = max(first, 0 if length == decimals + 1 else 10 ** (length - 1))
        high = min(last, 10**length - 1)
        if low <= high:
            for way in _ways(f"{low:0{length}}", f"{high:0{length}}"):
                written = [f"[{a}-{b}]" if a != b else f'"{a}"' for a, b in way]
                if decimals:
                    written.insert(length - decimals, '"."')
                yield " ".join([f'"{sign}"', *written] if sign else written)


def _ways(low: str, high: str) -> Iterator[list[tuple[str, str]]]:
    """Yield, digit by digit, what those from ``low`` to ``high`` of their length may be."""
    if not low:
        yield []
        return
    rest = len(low) - 1
    least, most = "0" * rest, "9" * rest
    first, last = int(low[0]), int(high[0])
    if first == last:
        yield from ([(low[0], high[0]), *way] for way in _ways(low[1:], high[1:]))
        return
    if low[1:] != least:
        yield from ([(low[0], low[0]), *way] for way in _ways(low[1:], most))
        first += 1
    if high[1:] != most:
        yield from ([(high[0], high[0]), *way] for way in _ways(least, high[1:]))
        last -= 1
    if first <= last:
        yield [(str(first), str(last)), *[("0", "9")] * rest]
