"""The smallest effect that a comparison could have shown, and how many blocks would settle an open comparison.

Both ask of the cautious interval, which a conclusion rests on, and take the blocks to be normal.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from scipy import special

from experiments.analysis import robust
from experiments.analysis.conclusions import MARGIN
from experiments.analysis.intervals import Array, Estimate

POWER = 0.80
SIMULATED = 20_000
"""How many samples the power is found from: it has no formula, as two intervals must leave the floor at once."""

MOST_BLOCKS = 200
"""More blocks than anyone runs: a comparison that needs more cannot be settled by blocks."""


def smallest_effect(estimate: Estimate, floor: float = 0.0, level: float = 0.95) -> float:
    """Return the smallest |log ratio| that a comparison with this spread would tell apart from the noise floor.

    The floor, plus the distance at which the cautious interval leaves it with probability `POWER`.
    """
    return floor + _distance(estimate.count, level) * float(estimate.error) * math.sqrt(estimate.count)


def blocks_to_settle(estimate: Estimate, floor: float = 0.0, level: float = 0.95) -> int | None:
    """Return how many blocks in all bring the cautious interval to one side of the floor's nearest edge.

    If the mean and the spread stay as seen, that is: beyond the floor there is an effect, within it none that counts.
    None where even `MOST_BLOCKS` would not do, and within a floor wider than the margin, where blocks show no more than
    that the noise is larger.
    """
    seen = abs(float(estimate.mean))
    if seen <= floor and floor > MARGIN:
        return None
    spread = float(estimate.error) * math.sqrt(estimate.count)
    return blocks_for_reach(spread, abs(seen - floor), estimate.count, level)


def blocks_for_reach(spread: float, reach: float, least: int, level: float = 0.95) -> int | None:
    """Return how many blocks, more than ``least``, make a cautious interval go less than ``reach`` to either side.

    ``spread`` is the standard deviation between blocks. None where even `MOST_BLOCKS` would not do.
    """
    counts = range(max(least, 2) + 1, MOST_BLOCKS + 1)
    return next((count for count in counts if _half_width(count, level) * spread < reach), None)


def _student(count: int, level: float) -> float:
    """Return how far the mean's interval goes to either side, in standard deviations as seen."""
    return float(special.stdtrit(count - 1, (1 + level) / 2)) / math.sqrt(count)


@cache
def _half_width(count: int, level: float) -> float:
    """Return how far the wider of both intervals goes to either side, in standard deviations as seen."""
    # Where so many normal numbers are expected, the smallest to the largest (Blom 1958).
    expected = special.ndtri((np.arange(1, count + 1) - 0.375) / (count + 0.25))
    return max(_student(count, level), float(robust.interval(expected, level)[1]))


@cache
def _distance(count: int, level: float) -> float:
    """Return how many standard deviations from the truth the cautious interval ends, with probability `POWER`."""
    numbers: Array = np.random.default_rng(count).normal(size=(SIMULATED, count))
    # Student's t for any number of blocks: among normal ones the bootstrap-t says the same, and takes minutes here.
    of_mean = numbers.mean(axis=-1) - _student(count, level) * numbers.std(axis=-1, ddof=1)
    of_median, _ = robust.interval(numbers, level)
    return -float(np.quantile(np.minimum(of_mean, of_median), 1 - POWER))
