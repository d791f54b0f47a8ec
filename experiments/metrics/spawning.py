"""Tasks in processes: how many a second, how soon the first is answered, and what it took.

Tasks a second, the time a task takes and its processor time are counted from when every caller has had its first answer
and nothing is under way: what is started once does not count in them. It is in the time until the first answer.
Processor time is that of all processes inside the limits, until the last answer: what is kept has not ended then.
"""

from __future__ import annotations

from functools import partial

from experiments.measuring.looks import SERVED, SERVING
from experiments.measuring.probes.histogram import Histogram
from experiments.measuring.records import Record
from experiments.metrics._reading import number, subject
from experiments.metrics.interface import Metric, Missing


def throughput(record: Record) -> float | Missing:
    """Compute the tasks a second after every caller's first."""
    tasks, seconds = number(record, "tasks_after"), number(record, "after_s")
    if isinstance(tasks, Missing) or isinstance(seconds, Missing):
        return tasks if isinstance(tasks, Missing) else seconds
    return tasks / seconds if seconds > 0 else Missing("no task came after the first of every caller")


def latency(record: Record, percent: float) -> float | Missing:
    """Compute a percentile of what the subject noted as ``latency_s``: the time of each task or request."""
    part = subject(record)
    if isinstance(part, Missing):
        return part
    held = Histogram(part.histograms.get("latency_s", []))
    return held.percentile(percent) if len(held) else Missing("the subject noted no such times")


def cpu(record: Record) -> float | Missing:
    """Compute the processor seconds a task after every caller's first."""
    tasks = number(record, "tasks_after")
    if isinstance(tasks, Missing):
        return tasks
    looks = record.outside.looks
    before, after = (looks[name].cpu_seconds if name in looks else None for name in (SERVING, SERVED))
    if before is None or after is None:
        return Missing("this backend cannot know the group's processor time")
    return (after - before) / tasks


METRICS = (
    Metric(
        name="spawning_throughput",
        title="Tasks a second",
        unit="1/s",
        better="higher",
        formula="tasks answered after every caller's first ÷ the seconds that took",
        compute=throughput,
    ),
    Metric(
        name="spawning_first",
        title="Time until the first answer",
        unit="s",
        better="lower",
        formula="from the first call to the first answer of any task",
        compute=partial(number, name="first_s"),
    ),
    *(
        Metric(
            name=f"spawning_latency_p{percent}",
            title=f"Time a task takes, P{percent}",
            unit="s",
            better="lower",
            formula=f"{percent}th percentile of call to answer, of tasks answered after every caller's first",
            compute=partial(latency, percent=percent),
            part="spawning",
        )
        for percent in (50, 95)
    ),
    Metric(
        name="spawning_cpu",
        title="Processor time a task",
        unit="s",
        better="lower",
        formula="processor seconds of all processes after every caller's first answer ÷ tasks answered since",
        compute=cpu,
    ),
    Metric(
        name="spawning_processes",
        title="Processes started for tasks",
        unit="count",
        better="lower",
        formula="processes that the parent started to do tasks in",
        compute=partial(number, name="processes"),
    ),
)
