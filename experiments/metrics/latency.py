"""Latency: finish − intended start of each answered request; its 50th, 95th and 99th percentile, in seconds.

Counted from when a request *should* have started, so a system that stalls pays for the queue it causes.
Failed requests are left out: read it beside the success rate. With few requests a high percentile is nearly
the maximum.
"""

from __future__ import annotations

from experiments.measuring.records import Record
from experiments.metrics._reading import ok_rows, percentile
from experiments.metrics.interface import Metric, Missing


def latency(record: Record, percent: float) -> float | Missing:
    """Compute one percentile."""
    found = ok_rows(record)
    if isinstance(found, Missing):
        return found
    return percentile([row.finished_s - row.intended_s for row in found], percent, "latency")


def _metric(percent: int) -> Metric:
    return Metric(
        name=f"latency_p{percent}",
        title=f"Latency, P{percent}",
        unit="s",
        better="lower",
        formula=f"{percent}th percentile of finish − intended start, answered requests",
        compute=lambda record: latency(record, percent),
    )


METRICS = tuple(_metric(percent) for percent in (50, 95, 99))
