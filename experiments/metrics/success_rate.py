"""Success rate: answered requests ÷ all requests of a trial.

It does not measure whether an answer was good, only that it was one. Trials that did not end well have
none: the report counts them apart.
"""

from __future__ import annotations

from experiments.measuring.records import Record
from experiments.metrics._reading import rows
from experiments.metrics.interface import Metric, Missing


def success_rate(record: Record) -> float | Missing:
    """Compute the metric."""
    found = rows(record)
    if isinstance(found, Missing):
        return found
    return sum(row.outcome == "ok" for row in found) / len(found)


METRICS = (
    Metric(
        name="success_rate",
        title="Success rate",
        unit="ratio",
        better="higher",
        formula="answered requests ÷ all requests",
        compute=success_rate,
        counts_failures=True,
    ),
)
