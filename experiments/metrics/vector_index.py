"""An index of vectors: how long it takes to build, what it finds, and what a filter and removals do to that.

The recall is of the rows that a comparison with all of them, in whole numbers of 32 bits, finds nearest; what lies as
near as the tenth counts. It does not say whether an encoder was right. A graph that several threads build is another
one each time, so its recall differs a little between equals. With the filter the ten nearest of one of ten categories
are looked for; after the removal of a fifth of the rows, the ten nearest of those that are left: what was removed is
never right.
"""

from __future__ import annotations

from functools import partial

from experiments.measuring.records import Record
from experiments.metrics._reading import number, percentile, subject
from experiments.metrics.interface import Metric, Missing


def filtered(record: Record) -> float | Missing:
    """Compute the median time of a lookup with the filter."""
    part = subject(record)
    if isinstance(part, Missing):
        return part
    return percentile(part.series.get("filtered_s", []), 50, "lookup with a filter")


def _recall(name: str, title: str, formula: str) -> Metric:
    return Metric(
        name=name,
        title=title,
        unit="ratio",
        better="higher",
        formula=f"rows found that are among the ten nearest{formula} ÷ ten a question",
        compute=partial(number, name=name),
    )


METRICS = (
    _recall("index_recall", "Recall of the nearest ten by an index", ""),
    Metric(
        name="index_build_time",
        title="Time to build an index of vectors",
        unit="s",
        better="lower",
        formula="from rows in a file until they can be looked for",
        compute=partial(number, name="index_build_s"),
    ),
    Metric(
        name="index_filtered_p50",
        title="Time to find the nearest of a category, P50",
        unit="s",
        better="lower",
        formula="median of the time of finding the ten nearest rows of one of ten categories",
        compute=filtered,
    ),
    _recall("index_filtered_recall", "Recall of the nearest ten of a category", " of the category"),
    Metric(
        name="index_removing_time",
        title="Time to remove a fifth of the rows of an index",
        unit="s",
        better="lower",
        formula="of one call that removes them all",
        compute=partial(number, name="index_removing_s"),
    ),
    _recall("index_recall_removed", "Recall of the nearest ten after removals", " of those left"),
)
