"""What the true centre of a few numbers may be: intervals and p-values that suit how many there are.

Of the mean: below twenty numbers Student's t, since bootstrap intervals are too short there; from twenty on the
bootstrap-t (Efron and Tibshirani 1993, section 12.5), which does not need the numbers to be normal and whose coverage
is second-order exact, unlike the percentile bootstrap's and, in small samples, BCa's. Of the median: an
interval that needs no such assumption (`experiments.analysis.robust`). The two centres differ where numbers are skewed,
and a conclusion must hold for both: it rests on the *cautious* interval, which spans both.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache, cached_property

import numpy as np
import numpy.typing as npt
from scipy import special  # not scipy.stats: two seconds to import

from experiments.analysis import robust

ENOUGH_FOR_BOOTSTRAP = 20
RESAMPLES = 9_999

Array = npt.NDArray[np.float64]


class Estimate:
    """The mean of values along the last axis, and where the true mean and the true median may be.

    Leading axes are samples of their own, so that thousands of simulated runs are judged at once. ``error`` is the
    standard error. The same values give the same estimate: the bootstrap's resamples come from ``seed``.
    """

    def __init__(self, values: Sequence[float] | Array, seed: int = 0) -> None:
        numbers = np.asarray(values, dtype=float)
        self.count = numbers.shape[-1]
        self.mean: Array = numbers.mean(axis=-1)
        self.error: Array = numbers.std(axis=-1, ddof=1) / math.sqrt(self.count)
        self._numbers = numbers
        self._seed = seed

    def interval(self, level: float = 0.95) -> tuple[Array, Array]:
        """Return the lower and the upper end of the interval that holds the true mean with probability ``level``."""
        lower, upper = self._quantiles((1 - level) / 2, (1 + level) / 2)
        return self.mean - self.error * upper, self.mean - self.error * lower

    def robust(self, level: float = 0.95) -> tuple[Array, Array]:
        """Return the ends of the interval that holds the true median, infinite where the numbers are too few."""
        return robust.interval(self._numbers, level)

    def cautious(self, level: float = 0.95) -> tuple[Array, Array]:
        """Return the ends of what the intervals of the mean and of the median span together."""
        low, high = self.interval(level)
        lowest, highest = self.robust(level)
        return np.minimum(low, lowest), np.maximum(high, highest)

    def inside(self, low: float | Array, high: float | Array) -> Array:
        """Return the p-value of "the mean is not between ``low`` and ``high``"; either end may be infinite.

        It is at most 1 − level just where the mean's interval of that level lies between them: twice the larger of two
        one-sided p-values. The median has no part in it: no six numbers say of it with a p-value below 1/32 where
        it is, and among many comparisons such a p-value hardly ever passes.
        """
        tails = np.maximum(self._tail(self.mean - low, 1), self._tail(high - self.mean, -1))
        return np.asarray(np.minimum(1.0, 2 * tails))

    @cached_property
    def _pivots(self) -> Array | None:
        if self.count < ENOUGH_FOR_BOOTSTRAP:
            return None
        return _pivots(self._numbers - self.mean[..., np.newaxis], self._seed)

    def _quantiles(self, *shares: float) -> Array:
        student = special.stdtrit(self.count - 1, np.asarray(shares)).reshape(-1, *[1] * self.mean.ndim)
        if self._pivots is None:
            return np.asarray(student)
        # Where resamples hold one number only they have no spread, and say nothing of the tail they fall into.
        resampled = np.quantile(self._pivots, shares, axis=-1, method="nearest")
        return np.where(np.isfinite(resampled), resampled, student)

    def _tail(self, depth: float | Array, side: int) -> Array:
        """Return how likely a mean this deep inside an end is, if the truth is that end."""
        certain = np.where(np.asarray(depth) >= 0, math.inf, -math.inf)  # without any spread
        pivot = np.where(self.error > 0, depth / np.where(self.error > 0, self.error, 1.0), certain)
        if self._pivots is None:
            return np.asarray(special.stdtr(self.count - 1, -pivot))
        return np.asarray((1 + (side * self._pivots >= pivot[..., np.newaxis]).sum(axis=-1)) / (1 + RESAMPLES))


def _pivots(centred: Array, seed: int) -> Array:
    """Return the studentized means of resamples, along the last axis."""
    count = centred.shape[-1]
    drawn = _resamples(count, seed)
    means, squares = centred @ drawn / count, centred**2 @ drawn / count
    spread = np.sqrt(np.maximum(squares - means**2, 0.0) * count / (count - 1))
    some = spread > 1e-9 * np.abs(centred).max(axis=-1, keepdims=True)
    unbounded = np.where(means == 0, 0.0, np.copysign(math.inf, means))
    return np.where(some, means * math.sqrt(count) / np.where(some, spread, 1.0), unbounded)


@cache
def _resamples(count: int, seed: int) -> Array:
    """Return how often each of ``count`` numbers is drawn, a column a resample."""
    drawn = np.random.default_rng(seed).multinomial(count, [1 / count] * count, size=RESAMPLES)
    return np.ascontiguousarray(drawn.T, dtype=float)
