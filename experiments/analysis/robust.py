"""What the true median of a few numbers may be, whatever they are drawn from: an interval between two of the numbers.

The sign test's interval: each number lies above the median as often as below it, so how many lie below is a throw of so
many coins. It asks only that the numbers are independent. Neither skew nor a number that stands apart shortens it, as
they shorten an interval of the mean. Below six numbers it is infinite at 95 %: five on one side happen too easily.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy import special  # not scipy.stats: two seconds to import

Array = npt.NDArray[np.float64]


def rank(count: int, level: float = 0.95) -> int:
    """Return which number, counted from either end, is the interval's end; 0 where no number is far enough out."""
    return int((special.bdtr(np.arange(count), count, 0.5) <= (1 - level) / 2).sum())


def interval(numbers: Array, level: float = 0.95) -> tuple[Array, Array]:
    """Return the ends of the interval that holds the median with probability ``level`` or more.

    The numbers lie along the last axis.
    """
    count = numbers.shape[-1]
    end = rank(count, level)
    if not end:
        return np.full(numbers.shape[:-1], -math.inf), np.full(numbers.shape[:-1], math.inf)
    ordered = np.sort(numbers, axis=-1)
    return ordered[..., end - 1], ordered[..., count - end]
