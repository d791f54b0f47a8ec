"""Processor time a request: processor seconds of the subject's processes ÷ answered requests, in seconds.

It counts every thread of every process inside the limits (workers, a separate engine and services that run there too)
from before the client begins, which first tells the plan of what the model will say, until after its last request, the
failed requests' share included: the difference of what the trial's group had used at two looks from outside. Where the
backend has no group of the trial's own it is that of the subject's process tree, in hundredths of a second, in which a
process that ended counts once its parent has waited for it. It does not count the client, nor what runs outside the
limits.

Records from before there were such looks count the subject's own process alone.
"""

from __future__ import annotations

from experiments.measuring.looks import SERVED, SERVING
from experiments.measuring.records import Record
from experiments.metrics._reading import number, ok_rows
from experiments.metrics.interface import Metric, Missing


def cpu_per_request(record: Record) -> float | Missing:
    """Compute the metric."""
    cpu, answered = _cpu_seconds(record), ok_rows(record)
    if isinstance(cpu, Missing):
        return cpu
    return answered if isinstance(answered, Missing) else cpu / len(answered)


def _cpu_seconds(record: Record) -> float | Missing:
    looks = record.outside.looks
    if SERVING not in looks or SERVED not in looks:
        return number(record, "cpu_s")
    before, after = looks[SERVING].cpu_seconds, looks[SERVED].cpu_seconds
    if before is None or after is None:
        return Missing("this backend cannot know the group's processor time")
    return after - before


METRICS = (
    Metric(
        name="cpu_per_request",
        title="Processor time a request",
        unit="s",
        better="lower",
        formula="processor seconds of the subject's processes ÷ answered requests",
        compute=cpu_per_request,
    ),
)
