"""Group peak: the most memory the kernel ever charged to the trial's group, in bytes.

It counts the page cache, a mapped model included, so it tends to the limit wherever files are larger than
the limit: a full group is not an out-of-memory kill, and a peak near the limit is no fault. It does not
count pages that another group touched first.
"""

from __future__ import annotations

from experiments.measuring.records import Record
from experiments.metrics.interface import Metric, Missing


def group_peak_memory(record: Record) -> float | Missing:
    """Compute the metric."""
    peak = record.outside.group.peak_bytes
    return float(peak) if peak is not None else Missing("this backend cannot know the group's peak")


METRICS = (
    Metric(
        name="group_peak_memory",
        title="Group's peak memory",
        unit="bytes",
        better="lower",
        formula="the kernel's peak of the trial's group, page cache included",
        compute=group_peak_memory,
    ),
)
