"""Processor share: processor seconds of the subject's processes ÷ (seconds passed × processors of the profile).

Both are counted between two looks from outside: before the client begins, and after its last request. The processor
seconds are those of `cpu_per_request`, of everything inside the limits. One is that no processor of the limits was ever
idle meanwhile; a client that leaves its users waiting, or thinking, makes the share small. It is no measure of how well
a system uses what it has.
"""

from __future__ import annotations

from experiments.measuring.looks import SERVED, SERVING
from experiments.measuring.records import Record
from experiments.metrics.interface import Metric, Missing


def cpu_share(record: Record) -> float | Missing:
    """Compute the metric."""
    looks = record.outside.looks
    if SERVING not in looks or SERVED not in looks:
        return Missing("nobody looked at the trial before its first request and after its last")
    begin, end = looks[SERVING], looks[SERVED]
    if begin.cpu_seconds is None or end.cpu_seconds is None:
        return Missing("this backend cannot know the group's processor time")
    passed_s = end.at_s - begin.at_s
    if passed_s <= 0:
        return Missing("no time passed between the two looks")
    return (end.cpu_seconds - begin.cpu_seconds) / (passed_s * record.spec.profile.cpus)


METRICS = (
    Metric(
        name="cpu_share",
        title="Processor share",
        unit="ratio",
        better="neither",
        formula="processor seconds of the subject's processes ÷ (seconds from first request to last × processors)",
        compute=cpu_share,
    ),
)
