"""Reading again what the limit pushed out: refaults of the trial's group, and bytes its processes read from the disk.

A refault is a page (4 KiB on most machines) of the page cache that was dropped and then needed again; the group's
whole life counts. Disk reads include the first reading of every file, the model above all, and leave out what the page
cache held; they count up to the moment the subject stopped measuring.
"""

from __future__ import annotations

from experiments.measuring.records import Record
from experiments.metrics._reading import number
from experiments.metrics.interface import Metric, Missing


def refaults(record: Record) -> float | Missing:
    """Compute the metric."""
    found = record.outside.group.refaults
    return float(found) if found is not None else Missing("this backend cannot know the group's refaults")


METRICS = (
    Metric(
        name="refaults",
        title="Refaults",
        unit="count",
        better="lower",
        formula="pages of the trial's group that were read again because the limit had pushed them out",
        compute=refaults,
        comparable=False,
    ),
    Metric(
        name="disk_reads",
        title="Read from the disk",
        unit="bytes",
        better="lower",
        formula="bytes the subject's processes made the disk deliver, from its start to the end of its measurement",
        compute=lambda record: number(record, "disk_read_bytes"),
    ),
)
