"""Tasks in processes: how many a second, how soon the first is answered, and how many processes it took.

Tasks a second are counted from the first answer on, so that the start of what is started once does not count in them;
it is in the time of the first answer. A task counts when its caller has the answer.
"""

from __future__ import annotations

from functools import partial

from experiments.measuring.records import Record
from experiments.metrics._reading import number, ok_rows
from experiments.metrics.interface import Metric, Missing


def throughput(record: Record) -> float | Missing:
    """Compute the tasks a second after the first was answered."""
    found = ok_rows(record)
    if isinstance(found, Missing):
        return found
    answered = sorted(row.finished_s for row in found)
    if answered[-1] == answered[0]:
        return Missing("one task alone has no rate")
    return (len(answered) - 1) / (answered[-1] - answered[0])


def first(record: Record) -> float | Missing:
    """Compute the seconds from the first call until any task was answered."""
    found = ok_rows(record)
    if isinstance(found, Missing):
        return found
    return min(row.finished_s for row in found) - min(row.started_s for row in found)


METRICS = (
    Metric(
        name="spawning_throughput",
        title="Tasks a second",
        unit="1/s",
        better="higher",
        formula="tasks answered after the first ÷ seconds from the first answer to the last",
        compute=throughput,
    ),
    Metric(
        name="spawning_first",
        title="Time until the first answer",
        unit="s",
        better="lower",
        formula="from the first call to the first answer of any task",
        compute=first,
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
