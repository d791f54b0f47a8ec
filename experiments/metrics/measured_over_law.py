"""Measured over law: total time ÷ what N sleeps of d seconds take on W threads, without unit.

The law is ⌈N/W⌉·d for "offloaded-W" and N·d for "serial": threads overlap sleeps perfectly, so whatever
exceeds 1 is overhead. It exists for sleeps only: inference saturates the processors and obeys no such law.
"""

from __future__ import annotations

import math

from experiments.measuring.records import Record, Scalar
from experiments.metrics.interface import Metric, Missing
from experiments.metrics.total_time import total_time


def law_s(requests: int, workers: int, sleep_s: float) -> float:
    """Return how long ``requests`` sleeps take on ``workers`` threads if nothing else takes time."""
    return math.ceil(requests / workers) * sleep_s


def change_by_law(requests: int, workers: int) -> float:
    """Return by how many percent the law has ``workers`` threads change the total time of as many requests in turn."""
    return (law_s(requests, workers, 1.0) / law_s(requests, 1, 1.0) - 1) * 100


def measured_over_law(record: Record) -> float | Missing:
    """Compute the metric."""
    condition, total = record.spec.condition, total_time(record)
    if condition.get("work") != "sleep":
        return Missing("the law holds for sleeps only")
    if isinstance(total, Missing):
        return total
    requests, sleep_ms = _positive(condition.get("requests")), _positive(condition.get("sleep_ms"))
    workers = 1.0 if record.spec.subject == "serial" else _positive(record.spec.settings.get("workers"))
    if requests is None or sleep_ms is None or workers is None:
        return Missing("the condition does not say how many sleeps of what length ran on how many workers")
    return total / law_s(int(requests), int(workers), sleep_ms / 1000)


def _positive(value: Scalar) -> float | None:
    return value if isinstance(value, int | float) and value > 0 else None


METRICS = (
    Metric(
        name="measured_over_law",
        title="Measured over law",
        unit="ratio",
        better="neither",
        formula="total time ÷ (⌈N/W⌉·d); serial: ÷ (N·d)",
        compute=measured_over_law,
    ),
)
