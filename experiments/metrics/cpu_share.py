"""Processor share: processor seconds of the subject's processes ÷ (total time of the requests × processors).

The processor seconds are those of `cpu_per_request`: of everything inside the limits, from before the client begins
until after its last request. The time is that of the requests alone, and the processors are the profile's. So what it
takes to be told the plan and to be connected to counts too, which makes the share too large where all requests together
take a second or less. One is that no processor of the limits was ever idle; users who think make it small. It is no
measure of how well a system uses what it has.
"""

from __future__ import annotations

from experiments.measuring.looks import SERVED, SERVING
from experiments.measuring.records import Record
from experiments.metrics.interface import Metric, Missing
from experiments.metrics.total_time import total_time


def cpu_share(record: Record) -> float | Missing:
    """Compute the metric."""
    looks = record.outside.looks
    if SERVING not in looks or SERVED not in looks:
        return Missing("nobody looked at the trial before its first request and after its last")
    before, after, passed_s = looks[SERVING].cpu_seconds, looks[SERVED].cpu_seconds, total_time(record)
    if before is None or after is None:
        return Missing("this backend cannot know the group's processor time")
    if isinstance(passed_s, Missing):
        return passed_s
    if passed_s <= 0:
        return Missing("the requests took no time")
    return (after - before) / (passed_s * record.spec.profile.cpus)


METRICS = (
    Metric(
        name="cpu_share",
        title="Processor share",
        unit="ratio",
        better="neither",
        formula="processor seconds of the subject's processes ÷ (total time of the requests × processors)",
        compute=cpu_share,
    ),
)
