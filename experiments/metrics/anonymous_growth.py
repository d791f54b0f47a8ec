"""Growth: slope of the subject's anonymous memory over turns, by least squares, in bytes a turn.

The first third of the samples is dropped as warm-up. A slope around zero has no meaningful ratio to
another, so no ratios are drawn from it. It does not tell a leak from a cache that is still filling: a run
too short shows the latter.
"""

from __future__ import annotations

import numpy as np

from experiments.metrics._reading import subject
from experiments.metrics.interface import Metric, Missing
from experiments.records import Record


def anonymous_growth(record: Record) -> float | Missing:
    """Compute the metric."""
    part = subject(record)
    if isinstance(part, Missing):
        return part
    turns, sizes = part.series.get("turn", []), part.series.get("anonymous_bytes", [])
    if not sizes or len(turns) != len(sizes):
        return Missing("no memory was read over the turns")
    warm_up = len(turns) // 3
    if len(set(turns[warm_up:])) < 2:
        return Missing("a slope needs two turns after the warm-up")
    return float(np.polyfit(turns[warm_up:], sizes[warm_up:], 1)[0])


METRICS = (
    Metric(
        name="anonymous_growth",
        title="Growth of anonymous memory",
        unit="bytes/turn",
        better="lower",
        formula="least-squares slope of anonymous bytes over turns, first third dropped",
        compute=anonymous_growth,
        comparable=False,
    ),
)
