"""Where the mean of answers may lie that come in clusters: questions about one conversation share its luck.

The mean of all answers is a ratio of two sums over conversations, and its interval that of as many numbers as there are
conversations (linearization: Cochran, "Sampling Techniques", 1977, section 9A). Of a single conversation nothing says
how much another would differ: the interval is that over its questions.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np

from experiments.analysis.intervals import Estimate

# Beyond so many numbers a resample of each is a great table, and Student's t is as good.
_RESAMPLED = 1_000


def interval(values: Sequence[float], clusters: Sequence[Hashable]) -> tuple[float, float] | None:
    """Return the ends of the 95 % interval of the mean of ``values`` between 0 and 1; ``clusters`` says whose each is.

    None where nothing varies, or there is one value only: then the numbers say nothing of how far off they are.
    """
    mean = float(np.mean(values))
    names = list(dict.fromkeys(clusters))
    if len(names) == 1:
        each = np.asarray(values, dtype=float)
    else:
        place = {name: number for number, name in enumerate(names)}
        sums, counts = np.zeros(len(names)), np.zeros(len(names))
        for value, cluster in zip(values, clusters, strict=True):
            sums[place[cluster]] += value
            counts[place[cluster]] += 1
        each = mean + (sums - mean * counts) / counts.mean()
    if len(each) < 2 or np.ptp(each) < 1e-9:
        return None
    estimate = Estimate(each)
    if len(each) > _RESAMPLED:
        low, high = mean - 1.96 * float(estimate.error), mean + 1.96 * float(estimate.error)
    else:
        low, high = (float(end) for end in estimate.interval())
    return max(0.0, low), min(1.0, high)
