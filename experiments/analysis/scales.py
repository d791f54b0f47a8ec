"""Scales: how the values of a block become one number, whose mean over blocks is judged, and how that is read."""

from __future__ import annotations

import math
from collections.abc import Callable

import msgspec


class Scale(msgspec.Struct, frozen=True):
    """How a block's values become a number, and how numbers are read from and written to the unit people use.

    ``of`` gives None where the values have no number: 0 has no ratio to anything. ``show`` writes a number in a word.
    """

    of: Callable[[float, float], float | None]
    read: Callable[[float], float]
    write: Callable[[float], float]
    show: Callable[[float], str]


_FARTHEST = 300.0


def ratio(log: float) -> float:
    """Return a ratio by its logarithm; what lies beyond 10 to the power of 130 is kept there, so that it has a size."""
    return math.exp(max(-_FARTHEST, min(_FARTHEST, log)))


def _log_ratio(ours: float, theirs: float) -> float | None:
    return math.log(ours) - math.log(theirs) if ours > 0 and theirs > 0 else None


RATIO = Scale(
    of=_log_ratio,
    read=lambda log: 100 * (ratio(log) - 1) if abs(log) > 1 else 100 * math.expm1(log),
    write=lambda percent: math.log1p(percent / 100),
    show=lambda log: f"× {ratio(log):.3g}",
)
"""The logarithm of one value over the other; read as percent of change."""

POINTS = Scale(
    of=lambda ours, theirs: 100 * (ours - theirs), read=float, write=float, show=lambda points: f"{points:+.3g} points"
)
"""The difference of two shares, in percentage points."""

LEVEL = Scale(of=lambda ours, _: ours, read=float, write=float, show=lambda level: f"{level:.3g}")
"""One value by itself, in its metric's unit."""
