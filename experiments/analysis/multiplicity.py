"""Many comparisons at once: how many of those that seem to say something do so by chance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

FALSE_SHARE = 0.05
"""The share of false ones that is allowed among all that are told."""


def adjusted(p_values: Sequence[float]) -> list[float]:
    """Return each p-value as the smallest share of false ones at which it would still be told.

    Benjamini and Hochberg's step-up procedure (1995): it holds for independent comparisons and for those that rise and
    fall together, as measures of the same trials do.
    """
    values = np.asarray(p_values, dtype=float)
    if not len(values):
        return []
    order = np.argsort(values)[::-1]
    shares = np.minimum.accumulate(values[order] * (len(values) / np.arange(len(values), 0, -1)))
    found = np.empty_like(values)
    found[order] = np.minimum(shares, 1.0)
    return [float(share) for share in found]
