"""The rules by which a claim is judged, stated before any run: where the interval must lie for each verdict.

They stand in words at the head of the ledger ``claims.toml``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from enum import StrEnum

import msgspec

from experiments.analysis.claims import Claim


class Verdict(StrEnum):
    """What the data say of a claim in one condition."""

    REPRODUCED = "reproduced"
    PARTLY = "partly"
    CONTRADICTED = "contradicted"
    INCONCLUSIVE = "inconclusive"
    NOT_MEASURED = "not measured"


class Scale(msgspec.Struct, frozen=True):
    """How a block's two values become a number whose mean is judged, and how that is read and written in the unit."""

    of: Callable[[float, float], float]
    read: Callable[[float], float]
    write: Callable[[float], float]


RATIO = Scale(
    lambda ours, theirs: math.log(ours / theirs), lambda log: 100 * math.expm1(log), lambda x: math.log1p(x / 100)
)
_POINTS = Scale(lambda ours, theirs: 100 * (ours - theirs), float, float)
_LEVEL = Scale(lambda ours, _: ours, float, float)


Region = tuple[Verdict, tuple[float, float]]
"""A verdict, and the two ends between which an interval must lie for it."""


def scale(claim: Claim) -> Scale:
    """Return the scale on which a claim is judged."""
    if not claim.is_effect:
        return _LEVEL
    return _POINTS if claim.unit == "percentage points" else RATIO


def criterion(claim: Claim) -> tuple[float, float]:
    """Return the ends between which a level meets the claim's criterion."""
    least = -math.inf if claim.at_least is None else claim.at_least
    most = math.inf if claim.at_most is None else claim.at_most
    return least, most


def claimed(claim: Claim) -> tuple[float, float]:
    """Return the ends of a claimed effect, on the claim's scale."""
    assert claim.low is not None and claim.high is not None
    write = scale(claim).write
    return write(claim.low), write(claim.high)


def regions(claim: Claim, floor: float) -> list[Region]:
    """Return where an interval must lie for each verdict, the first that fits counting, on the claim's scale.

    ``floor`` is the noise floor on that scale.
    """
    return _effect_regions(claim, floor) if claim.is_effect else _criterion_regions(claim)


def _criterion_regions(claim: Claim) -> list[Region]:
    """Return the regions of a level. A criterion over a trend is missed only by what lies wholly beyond it."""
    least, most = criterion(claim)
    missed: list[Region] = []
    if least > -math.inf:
        missed.append((Verdict.CONTRADICTED, (-math.inf, least)))
    if most < math.inf:
        missed.append((Verdict.CONTRADICTED, (most, math.inf)))
    if claim.trend:
        return [*missed, (Verdict.REPRODUCED, (-math.inf, math.inf))]
    return [(Verdict.REPRODUCED, (least, most)), *missed]


def _effect_regions(claim: Claim, floor: float) -> list[Region]:
    low, high = claimed(claim)
    below, above = (-math.inf, low - floor), (high + floor, math.inf)
    if low <= 0 <= high:
        missed: list[Region] = [(Verdict.CONTRADICTED, below), (Verdict.CONTRADICTED, above)]
        if floor >= max(-low, high):
            return missed
        return [(Verdict.REPRODUCED, (low - floor, high + floor)), *missed]
    # What is not beyond the floor is no effect that was seen, whatever range it lies in.
    if low > 0:
        seen, opposite = (floor, math.inf), (-math.inf, 0.0)
    else:
        seen, opposite = (-math.inf, -floor), (0.0, math.inf)
    ordered: list[Region] = [(Verdict.REPRODUCED, _shared((low - floor, high + floor), seen))]
    if low > floor or high < -floor:
        ordered.append((Verdict.CONTRADICTED, (-floor, floor)))
    ordered.append((Verdict.CONTRADICTED, opposite))
    return [*ordered, (Verdict.PARTLY, _shared(below, seen)), (Verdict.PARTLY, _shared(above, seen))]


def _shared(region: tuple[float, float], other: tuple[float, float]) -> tuple[float, float]:
    return max(region[0], other[0]), min(region[1], other[1])
