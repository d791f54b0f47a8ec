"""The rules by which a claim is judged, stated before any run: what an interval says of a published figure.

They stand in words at the head of the ledger ``claims.toml``, and as a table in docs/measuring/statistics.md. Noise
never makes a verdict easier: it widens the published range only as far as the margin for *reproduced*, and wholly for
*contradicted*.
"""

from __future__ import annotations

import math
from enum import StrEnum
from typing import NamedTuple

from experiments.analysis.claims import Claim
from experiments.analysis.conclusions import MARGIN
from experiments.analysis.scales import LEVEL, POINTS, RATIO, Scale


class Verdict(StrEnum):
    """What the data say of a claim in one condition."""

    REPRODUCED = "reproduced"
    PARTLY = "partly"
    CONTRADICTED = "contradicted"
    INCONCLUSIVE = "inconclusive"
    NOT_MEASURED = "not measured"


Region = tuple[float, float]


class Ruling(NamedTuple):
    """A verdict, and the region in which the interval lies for it; none where no test decided it."""

    verdict: Verdict
    region: Region | None = None
    why: str = ""


def scale(claim: Claim) -> Scale:
    """Return the scale on which a claim is judged."""
    if not claim.is_effect:
        return LEVEL
    return POINTS if claim.unit == "percentage points" else RATIO


def criterion(claim: Claim) -> Region:
    """Return the ends between which a level meets the claim's criterion."""
    least = -math.inf if claim.at_least is None else claim.at_least
    most = math.inf if claim.at_most is None else claim.at_most
    return least, most


def claimed(claim: Claim) -> Region:
    """Return the ends of a claimed effect, on the claim's scale; of one published as "up to", from none on."""
    assert claim.low is not None and claim.high is not None
    write = scale(claim).write
    if claim.up_to:
        return min(0.0, write(claim.low)), max(0.0, write(claim.high))
    return write(claim.low), write(claim.high)


def judge(claim: Claim, interval: Region, floor: float | None = None) -> Ruling:
    """Return what an interval says of ``claim``; both it and the noise ``floor`` are on the claim's scale."""
    if not claim.is_effect:
        return _of_level(claim, interval)
    low, high = claimed(claim)
    margin = MARGIN if scale(claim) is RATIO else 100 * math.expm1(MARGIN)
    if low <= 0 <= high and not claim.up_to:
        return _of_no_effect((low, high), interval, floor or 0.0)
    if high > 0:
        return _of_effect((low, high), interval, floor or 0.0, margin)
    # A fall is judged as the rise that it is on the other side of no effect.
    start, end = interval
    judged = _of_effect((-high, -low), (-end, -start), floor or 0.0, margin)
    region = None if judged.region is None else (-judged.region[1], -judged.region[0])
    return judged._replace(region=region)


def _of_level(claim: Claim, interval: Region) -> Ruling:
    """Judge a criterion. What passes it, and nowhere by more than its tolerance, meets it partly."""
    least, most = criterion(claim)
    start, end = interval
    met = (least - claim.tolerance, most + claim.tolerance)
    for missed in ((-math.inf, met[0]), (met[1], math.inf)):
        if missed[0] < start and end < missed[1]:
            return Ruling(Verdict.CONTRADICTED, missed)
    if met[0] <= start and end <= met[1]:
        passes = end < least or start > most
        return Ruling(Verdict.PARTLY if passes else Verdict.REPRODUCED, met)
    return Ruling(Verdict.INCONCLUSIVE, why="the interval crosses the edge of the criterion")


def _of_no_effect(published: Region, interval: Region, floor: float) -> Ruling:
    """Judge a claim that an effect lies in a range around none: as a test of equivalence, not widened by noise."""
    (low, high), (start, end) = published, interval
    for missed in ((-math.inf, low - floor), (high + floor, math.inf)):
        if missed[0] < start and end < missed[1]:
            return Ruling(Verdict.CONTRADICTED, missed)
    if floor > min(-low, high):
        return Ruling(Verdict.INCONCLUSIVE, why="the noise floor is wider than the published range")
    if low <= start and end <= high:
        return Ruling(Verdict.REPRODUCED, published)
    return Ruling(Verdict.INCONCLUSIVE, why="the interval crosses the edge of the published range")


def _of_effect(published: Region, interval: Region, floor: float, margin: float) -> Ruling:
    """Judge a claimed rise.

    ======================  ======================  ==========================  ==========================
    the interval            beyond the noise floor  excludes no effect, within  holds no effect, or lies
                                                    the floor or across it      on its other side
    ======================  ======================  ==========================  ==========================
    in the published range  reproduced              inconclusive                inconclusive
    across its edge         inconclusive            inconclusive                inconclusive
    wholly outside          partly                  inconclusive                contradicted
    ======================  ======================  ==========================  ==========================
    """
    (low, high), (start, end) = published, interval
    seen = start > floor
    widened = min(floor, margin)
    inside = low - widened <= start and end <= high + widened
    below, above = end < low - floor, start > high + floor
    if seen and inside:
        return Ruling(Verdict.REPRODUCED, (max(low - widened, floor), high + widened))
    if seen and (below or above):
        return Ruling(Verdict.PARTLY, (floor, low - floor) if below else (max(high + floor, floor), math.inf))
    if below and start <= 0:
        return Ruling(Verdict.CONTRADICTED, (-math.inf, low - floor))
    if below:
        why = "the published figure is excluded; whether there is an effect in its direction is lost in the noise"
    elif seen:
        why = "an effect in its direction, but the interval crosses the edge of the published range"
    elif floor >= high:
        why = "the noise floor is wider than the claimed effect"
    else:
        why = "the interval holds both the published figure and no effect beyond noise"
    return Ruling(Verdict.INCONCLUSIVE, why=why)
