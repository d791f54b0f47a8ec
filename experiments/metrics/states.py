"""States of sessions on disk: the file's bytes, the time until one is there again, and what was learned for them.

The bytes are those of the whole file after VACUUM, with every dictionary or model that is needed to read it. A state
is restored in a file opened anew, by the process that wrote it: its pages are in the system's cache, so the time is
that of finding and unpacking, not of a disk. An append ends when its transaction does.
"""

from __future__ import annotations

from experiments.measuring.records import Record
from experiments.metrics._reading import number, percentile, subject
from experiments.metrics.interface import Metric, Missing


def states_bytes(record: Record) -> float | Missing:
    """Compute the bytes of the file."""
    return number(record, "states_bytes")


def taken(record: Record, series: str, percent: float) -> float | Missing:
    """Compute one percentile of a ``series`` of seconds."""
    part = subject(record)
    if isinstance(part, Missing):
        return part
    return percentile(part.series.get(series, []), percent, f"time of {series}")


def _time(what: str, percent: int, title: str, formula: str) -> Metric:
    return Metric(
        name=f"{what}_p{percent}",
        title=f"{title}, P{percent}",
        unit="s",
        better="lower",
        formula=f"{percent}th percentile of the time {formula}",
        compute=lambda record: taken(record, f"{what}_s", percent),
    )


METRICS = (
    Metric(
        name="states_bytes",
        title="Bytes of the states on disk",
        unit="bytes",
        better="lower",
        formula="bytes of the file with every state, after VACUUM, and with what is needed to read them",
        compute=states_bytes,
        exact=True,
    ),
    *(_time("restore", percent, "Time to restore a state", "until it is there") for percent in (50, 95)),
    *(_time("append", percent, "Time to append a state", "until a state is stored") for percent in (50, 95)),
    Metric(
        name="training_time",
        title="Time of training",
        unit="s",
        better="lower",
        formula="duration of training a dictionary or a model on states of other sessions",
        compute=lambda record: number(record, "training_s"),
    ),
    Metric(
        name="learned_bytes",
        title="Bytes of what was learned",
        unit="bytes",
        better="lower",
        formula="bytes of the dictionary or the model in the file",
        compute=lambda record: number(record, "learned_bytes"),
        exact=True,
    ),
)
