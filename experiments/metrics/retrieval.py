"""Memory retrieval: time of each lookup, its 50th and 95th percentile in seconds; and recall, found ÷ asked.

The time is that of the lookup alone, in the subject's process: extracting keywords before it and using the
memories after it are not included. Recall says how many queries found the memory they were made from; a
fast lookup that finds nothing is no gain, so read the two together.
"""

from __future__ import annotations

from experiments.measuring.records import Record
from experiments.metrics._reading import number, percentile, subject
from experiments.metrics.interface import Metric, Missing


def retrieval(record: Record, percent: float) -> float | Missing:
    """Compute one percentile of the lookup time."""
    part = subject(record)
    if isinstance(part, Missing):
        return part
    return percentile(part.series.get("retrieval_s", []), percent, "retrieval time")


def recall(record: Record) -> float | Missing:
    """Compute the recall."""
    recalled, queries = number(record, "recalled"), number(record, "queries")
    if isinstance(recalled, Missing) or isinstance(queries, Missing) or queries <= 0:
        return Missing("no queries were noted")
    return recalled / queries


def _metric(percent: int) -> Metric:
    return Metric(
        name=f"retrieval_p{percent}",
        title=f"Retrieval time, P{percent}",
        unit="s",
        better="lower",
        formula=f"{percent}th percentile of the time of a lookup",
        compute=lambda record: retrieval(record, percent),
    )


METRICS = (
    _metric(50),
    _metric(95),
    Metric(
        name="recall",
        title="Recall",
        unit="ratio",
        better="higher",
        formula="queries that found their memory ÷ queries",
        compute=recall,
        exact=True,
    ),
)
