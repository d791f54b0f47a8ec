"""Nearest vectors at a precision: how many of the ten are found, what the process takes, and the time of a lookup.

The recall is of the rows that whole numbers find nearest: it says what precision loses, not whether an encoder is
right. The peak is that of the process's resident pages, its interpreter, its libraries and mapped files included; the
anonymous bytes are those after the last lookup; the bytes of the vectors are what they alone take.
"""

from __future__ import annotations

from experiments.measuring.records import Record
from experiments.metrics._reading import number, percentile, subject
from experiments.metrics.interface import Metric, Missing


def recall(record: Record) -> float | Missing:
    """Compute the share of the nearest ten that are found."""
    right, wanted = number(record, "nearest_right"), number(record, "nearest_wanted")
    if isinstance(right, Missing) or isinstance(wanted, Missing) or wanted <= 0:
        return Missing("no vectors were asked for")
    return right / wanted


def lookup(record: Record, percent: float) -> float | Missing:
    """Compute one percentile of the lookup time."""
    part = subject(record)
    if isinstance(part, Missing):
        return part
    return percentile(part.series.get("nearest_s", []), percent, "lookup of vectors")


def _bytes(name: str, title: str, formula: str, *, exact: bool = False) -> Metric:
    return Metric(
        name=name,
        title=title,
        unit="bytes",
        better="lower",
        formula=formula,
        compute=lambda record: number(record, name),
        exact=exact,
    )


def _time(percent: int) -> Metric:
    return Metric(
        name=f"nearest_p{percent}",
        title=f"Time to find the nearest, P{percent}",
        unit="s",
        better="lower",
        formula=f"{percent}th percentile of the time of finding the ten nearest rows",
        compute=lambda record: lookup(record, percent),
    )


METRICS = (
    Metric(
        name="nearest_recall",
        title="Recall of the nearest ten",
        unit="ratio",
        better="higher",
        formula="rows found that are among the ten nearest by whole numbers ÷ ten a question",
        compute=recall,
        exact=True,
    ),
    _bytes("vectors_peak_memory", "Peak memory of the process with vectors", "peak of the process's resident bytes"),
    _bytes("vectors_anonymous", "Anonymous memory with vectors", "anonymous bytes after the last lookup"),
    _bytes("vectors_bytes", "Bytes of the vectors", "bytes of the rows and their scales in memory", exact=True),
    _time(50),
    _time(95),
)
