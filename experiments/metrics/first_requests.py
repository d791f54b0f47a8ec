"""Latency of the first and of the second request of a trial: finish − intended start, in seconds.

The first pays whatever a lazy system postponed; the second shows what remains once it is loaded. Requests
are ordered by their intended start. A request that failed has no latency. Start-up before the first request
is not included.
"""

from __future__ import annotations

from experiments.measuring.records import Record
from experiments.metrics._reading import rows
from experiments.metrics.interface import Metric, Missing


def nth_latency(record: Record, index: int) -> float | Missing:
    """Compute the latency of the request at ``index``."""
    found = rows(record)
    if isinstance(found, Missing):
        return found
    if len(found) <= index:
        return Missing(f"only {len(found)} requests were made")
    row = sorted(found, key=lambda row: row.intended_s)[index]
    return row.finished_s - row.intended_s if row.outcome == "ok" else Missing(f"the request ended {row.outcome}")


def _metric(index: int, word: str) -> Metric:
    return Metric(
        name=f"{word}_request_latency",
        title=f"Latency of the {word} request",
        unit="s",
        better="lower",
        formula=f"finish − intended start of the {word} request",
        compute=lambda record: nth_latency(record, index),
    )


METRICS = (_metric(0, "first"), _metric(1, "second"))
