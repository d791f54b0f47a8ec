"""The smallest effect that a comparison could have shown, and how many blocks would settle an open comparison."""

from __future__ import annotations

import math

import numpy as np
from scipy import special

from experiments.analysis.intervals import Estimate

POWER = 0.80
MOST_BLOCKS = 200
"""More blocks than anyone runs: a comparison that needs more cannot be settled by blocks."""


def smallest_effect(estimate: Estimate, floor: float = 0.0, level: float = 0.95) -> float:
    """Return the smallest |log ratio| that a comparison with this spread would tell apart from the noise floor.

    The floor, plus the distance at which the interval leaves it with probability `POWER`, by the noncentral t.
    """
    degrees = estimate.count - 1
    needed = special.nctdtrinc(degrees, 1 - POWER, special.stdtrit(degrees, (1 + level) / 2))
    return floor + float(needed) * float(estimate.error)


def blocks_to_settle(estimate: Estimate, floor: float = 0.0, level: float = 0.95) -> int | None:
    """Return how many blocks in all bring the interval to one side of the floor's nearest edge.

    If the mean and the spread stay as seen, that is. None where even `MOST_BLOCKS` would not do.
    """
    distance = min(abs(float(estimate.mean) - edge) for edge in (-floor, floor))
    return blocks_for_reach(float(estimate.error) * math.sqrt(estimate.count), distance, estimate.count, level)


def blocks_for_reach(spread: float, reach: float, least: int, level: float = 0.95) -> int | None:
    """Return how many blocks, more than ``least``, make an interval that goes less than ``reach`` to either side.

    ``spread`` is the standard deviation between blocks. None where even `MOST_BLOCKS` would not do.
    """
    counts = np.arange(max(least, 2) + 1, MOST_BLOCKS + 1)
    enough = counts[special.stdtrit(counts - 1, (1 + level) / 2) * spread / np.sqrt(counts) < reach]
    return int(enough[0]) if len(enough) else None
