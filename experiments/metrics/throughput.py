"""Throughput: answered requests ÷ total time, per second.

Requests that failed count in the time and not in the numerator. It does not measure capacity: in a closed
loop the users wait for their replies, so a slow system is also asked less often.
"""

from __future__ import annotations

from experiments.measuring.records import Record
from experiments.metrics._reading import rows
from experiments.metrics.interface import Metric, Missing
from experiments.metrics.total_time import total_time


def throughput(record: Record) -> float | Missing:
    """Compute the metric."""
    found, total = rows(record), total_time(record)
    if isinstance(found, Missing) or isinstance(total, Missing):
        return Missing("no requests were made")
    if total <= 0:
        return Missing("the requests took no time")
    return sum(row.outcome == "ok" for row in found) / total


METRICS = (
    Metric(
        name="throughput",
        title="Throughput",
        unit="1/s",
        better="higher",
        formula="answered requests ÷ total time",
        compute=throughput,
        counts_failures=True,
    ),
)
