"""Short task's latency: finish − intended start of the short task that is asked right after a long one, in seconds.

Of trials of the published load isolation only. It does not say how long the long task took: read it beside the
total time.
"""

from __future__ import annotations

from experiments.measuring.records import Record
from experiments.metrics._reading import rows
from experiments.metrics.interface import Metric, Missing


def short_task_latency(record: Record) -> float | Missing:
    """Compute the metric."""
    if record.spec.condition.get("work") != "load isolation":
        return Missing("no short task ran beside a long one")
    found = rows(record)
    if isinstance(found, Missing):
        return found
    short = found[-1]
    return short.finished_s - short.intended_s if short.outcome == "ok" else Missing(f"it ended {short.outcome}")


METRICS = (
    Metric(
        name="short_task_latency",
        title="Short task's latency",
        unit="s",
        better="lower",
        formula="finish − intended start of the short task beside a long one",
        compute=short_task_latency,
    ),
)
