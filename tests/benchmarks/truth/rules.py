"""What is concluded of equals, and of two that differ: `experiments.analysis.conclusions` on simulated runs.

The true ratio is that of medians. An effect lies to either side in half of the runs.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from functools import cache, partial
from typing import NamedTuple

import numpy as np

from experiments.analysis.conclusions import MARGIN, Conclusion, conclude
from tests.benchmarks.truth.distributions import Array, Distribution
from tests.benchmarks.truth.simulating import Ends, by_blocks, drawn, ends, equals

SCALES = (0.01, 0.04, 0.15)
"""How much ratios differ between blocks: about as in a quarter, a half and three quarters of the reference's pairs."""
EFFECT = math.log(1.12)


class Compared(NamedTuple):
    """Runs of comparisons: the cautious ``low`` and ``high`` ends of log ratios, and the noise ``floor`` of each."""

    low: Array
    high: Array
    floor: Array

    def concluded(self, scale: float, effects: Array | float = 0.0) -> list[Conclusion]:
        """Return what is concluded of each run, with noise of that scale and a true log ratio."""
        low, high = (np.exp(scale * end + effects) for end in (self.low, self.high))
        columns = zip(low.tolist(), high.tolist(), (scale * self.floor).tolist(), strict=True)
        return [conclude(lowest, highest, "lower", floor) for lowest, highest, floor in columns]


def alike(count: int) -> Iterator[str]:
    """Say how often two are called alike that are not, and that are."""
    margin = f"{math.expm1(MARGIN):.0%}"
    yield f"Equivalence by itself: of 100 runs, how many have the cautious interval within ± {margin}, where the true"
    yield "mean lies at the margin / the true median lies there / the true median is 1. At the margin a skewed"
    yield "distribution is seen from the side that is worse"
    for scale in SCALES[:2]:
        yield f"the scale of noise is {scale:.0%}"
        yield from by_blocks(partial(called_alike, count=count, scale=scale))


def called_alike(distribution: Distribution, blocks: int, count: int, scale: float) -> list[float]:
    """Return how many of 100 are: the true mean at the margin, the true median at the margin, no difference."""
    low, high = _noise(distribution, blocks, count)

    def within(truth: float, edge: float) -> float:
        inside = (edge + scale * (low - truth) >= -MARGIN) & (edge + scale * (high - truth) <= MARGIN)
        return 100 * float(inside.mean())

    at_margin = [
        max(within(truth, MARGIN), within(truth, -MARGIN)) for truth in (distribution.mean, distribution.median)
    ]
    return [*at_margin, within(distribution.median, 0.0)]


def of_equals(count: int) -> Iterator[str]:
    """Say what is concluded of equals."""
    yield "Equals compared (A/A), with a floor from an arm of as many blocks: of 100 runs, how many are said to differ"
    yield f"(helps or hurts) / to be alike ({Conclusion.SAME}) / to be {Conclusion.BELOW}; the rest cannot be told"
    for scale in SCALES:
        yield f"the scale of noise is {scale:.0%}"
        yield from by_blocks(partial(said_of_equals, count=count, scale=scale))


def said_of_equals(distribution: Distribution, blocks: int, count: int, scale: float) -> list[float]:
    """Return how many of 100 are said to differ, to be alike, to differ by less than the floor."""
    said = _equals(distribution, blocks, count).concluded(scale)
    differ = _of_hundred(said, Conclusion.HELPS, Conclusion.HURTS)
    return [differ, _of_hundred(said, Conclusion.SAME), _of_hundred(said, Conclusion.BELOW)]


def with_an_effect(count: int) -> Iterator[str]:
    """Say how often the conclusion is wrong where there is an effect."""
    margin = f"{math.expm1(MARGIN):.0%}"
    yield "An effect, and one subject of the pair has the noise: of 100 runs, how many conclusions are wrong with a"
    yield f"true ratio at the noise floor / at the margin of {margin} / of 12 %; and how many say rightly that"
    yield "the one of 12 % helps or hurts. Wrong are: the other side; beyond a floor that the effect is not beyond;"
    yield "no difference though the effect reaches the margin; smaller than a floor that the effect is beyond"
    for scale in SCALES:
        yield f"the scale of noise is {scale:.0%}"
        yield from by_blocks(partial(said_of_an_effect, count=count, scale=scale))


def said_of_an_effect(distribution: Distribution, blocks: int, count: int, scale: float) -> list[float]:
    """Return how many of 100 are wrong at the floor, at the margin, with the effect; and right with the effect."""
    compared = _differing(distribution, blocks, count)
    sides = np.where(np.arange(len(compared.low)) % 2, 1.0, -1.0)
    floors = scale * compared.floor
    wrong, right = [], []
    for sizes in (floors, np.full_like(sides, MARGIN), np.full_like(sides, EFFECT)):
        said = compared.concluded(scale, sides * sizes)
        judged = list(zip(said, sides.tolist(), sizes.tolist(), floors.tolist(), strict=True))
        wrong.append(100 * float(np.mean([_is_wrong(*one) for one in judged])))
        right.append(100 * float(np.mean([size > floor and one is _side(side) for one, side, size, floor in judged])))
    return [*wrong, right[-1]]


def _is_wrong(conclusion: Conclusion, side: float, size: float, floor: float) -> bool:
    if conclusion in (Conclusion.HELPS, Conclusion.HURTS):
        return conclusion is not _side(side) or size <= floor
    if conclusion is Conclusion.SAME:
        return size >= MARGIN
    return conclusion is Conclusion.BELOW and size > floor


def _side(side: float) -> Conclusion:
    return Conclusion.HURTS if side > 0 else Conclusion.HELPS


def _equals(distribution: Distribution, blocks: int, count: int) -> Compared:
    return Compared(*_intervals(distribution, blocks, count, 5), _floors(distribution, blocks, count))


def _differing(distribution: Distribution, blocks: int, count: int) -> Compared:
    low, high = _noise(distribution, blocks, count)
    return Compared(low - distribution.median, high - distribution.median, _floors(distribution, blocks, count))


@cache
def _noise(distribution: Distribution, blocks: int, count: int) -> Ends:
    return ends(drawn(distribution, count, blocks, 4))["cautious"]


@cache
def _intervals(distribution: Distribution, blocks: int, count: int, use: int) -> Ends:
    return ends(equals(distribution, count, blocks, use))["cautious"]


def _floors(distribution: Distribution, blocks: int, count: int) -> Array:
    """Return noise floors as `experiments.analysis.noise` finds them in A/A arms: the farther ends of intervals."""
    low, high = _intervals(distribution, blocks, count, 7)
    return np.maximum(-low, high)


def _of_hundred(said: list[Conclusion], *wanted: Conclusion) -> float:
    counted = Counter(said)
    return 100 * sum(counted[conclusion] for conclusion in wanted) / len(said)
