"""Many comparisons at once: how many of those that seem to show something do so by chance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

FALSE_SHARE = 0.05
"""The share of false conclusions that is allowed among all that are drawn together."""


def adjusted(p_values: Sequence[float]) -> list[float]:
    """Return for each p-value the smallest share of false conclusions at which its own would still be drawn.

    Benjamini and Hochberg's step-up procedure (1995): it holds for independent comparisons and for those that rise and
    fall together, as measures of the same trials do.
    """
    values = np.asarray(p_values, dtype=float)
    if not len(values):
        return []
    order = np.argsort(values)[::-1]
    shares = np.minimum.accumulate(values[order] * (len(values) / np.arange(len(values), 0, -1)))
    adjusted_values = np.empty_like(values)
    adjusted_values[order] = np.minimum(shares, 1.0)
    return [float(share) for share in adjusted_values]
