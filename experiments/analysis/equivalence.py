"""Whether a comparison shows that two subjects are alike, which is more than failing to show that they differ."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from experiments.analysis.intervals import Estimate

MARGIN = math.log(1.05)
"""The |log ratio| below which a difference does not matter: 5 %, stated beforehand. It does not grow with noise."""


def equivalent(estimate: Estimate, margin: float = MARGIN, level: float = 0.95) -> npt.NDArray[np.bool_]:
    """Return whether the true ratio lies within the margin on either side: whether the cautious interval does.

    ``estimate`` is of log ratios. Two one-sided tests (Schuirmann 1987) of the mean and of the median, both at 2.5 %
    by default: stricter than the usual 5 %, so that a difference and its absence are judged by one interval.
    """
    low, high = estimate.cautious(level)
    return np.asarray((-margin <= low) & (high <= margin))
