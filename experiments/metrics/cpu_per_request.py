"""Processor time a request: processor seconds of the subject ÷ answered requests, in seconds.

It counts every thread of the subject's process over the whole load, the failed requests' share included. It
does not count the client, nor a separate engine.
"""

from __future__ import annotations

from experiments.measuring.records import Record
from experiments.metrics._reading import number, ok_rows
from experiments.metrics.interface import Metric, Missing


def cpu_per_request(record: Record) -> float | Missing:
    """Compute the metric."""
    cpu, answered = number(record, "cpu_s"), ok_rows(record)
    if isinstance(cpu, Missing):
        return cpu
    return answered if isinstance(answered, Missing) else cpu / len(answered)


METRICS = (
    Metric(
        name="cpu_per_request",
        title="Processor time a request",
        unit="s",
        better="lower",
        formula="processor seconds of the subject ÷ answered requests",
        compute=cpu_per_request,
    ),
)
