"""Total time: last finish − first intended start, over all requests of a trial, in seconds.

It does not measure what one user waits for, nor how many requests succeeded: a system that fails fast ends
early. Read it beside the success rate.
"""

from __future__ import annotations

from experiments.measuring.records import Record
from experiments.metrics._reading import rows
from experiments.metrics.interface import Metric, Missing


def total_time(record: Record) -> float | Missing:
    """Compute the metric."""
    found = rows(record)
    if isinstance(found, Missing):
        return found
    return max(row.finished_s for row in found) - min(row.intended_s for row in found)


METRICS = (
    Metric(
        name="total_time",
        title="Total time",
        unit="s",
        better="lower",
        formula="last finish − first intended start, all requests",
        compute=total_time,
    ),
)
