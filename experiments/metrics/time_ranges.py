"""Ranges of time: how long asking for one takes, how much is read for it, and what the way costs beside time.

A time is the median of five ranges of the same width in a trial, from the call until the answer (a count and a sum) is
there; the ranges are the same for every way. What is asked for was read before, so nothing waits for a disk. Blocks are
counted by the server, once, of tables and indexes, whether they were in its own memory or the system's.
"""

from __future__ import annotations

from functools import partial

from experiments.metrics._reading import number
from experiments.metrics.interface import Metric
from experiments.workloads.events import RANGES

_WIDTHS = {
    "1h": "an hour",
    "6h": "six hours",
    "1d": "a day",
    "2d": "two days",
    "7d": "a week",
    "35d": "all 35 days",
}


def _of(name: str) -> tuple[Metric, Metric]:
    width = _WIDTHS[name]
    return (
        Metric(
            name=f"range_time_{name}",
            title=f"Time to ask for the events of {width}",
            unit="s",
            better="lower",
            formula=f"median of five ranges of {width}, from the call to its answer",
            compute=partial(number, name=f"range_s_{name}"),
        ),
        Metric(
            name=f"range_blocks_{name}",
            title=f"Blocks read for the events of {width}",
            unit="count",
            better="lower",
            formula=f"blocks of 8 KiB, of table and index, that the server reads for one range of {width}",
            compute=partial(number, name=f"range_blocks_{name}"),
        ),
    )


METRICS = (
    *(metric for name in RANGES for metric in _of(name)),
    Metric(
        name="range_index_bytes",
        title="Size of the index",
        unit="bytes",
        better="lower",
        formula="bytes of the index's main file, before anything is added to it",
        compute=partial(number, name="range_index_bytes"),
        comparable=False,  # without an index there is none
    ),
    Metric(
        name="range_preparing_time",
        title="Time to fill the table and make it ready to be asked",
        unit="s",
        better="lower",
        formula="from an empty database to a table that is filled, indexed, vacuumed and analysed",
        compute=partial(number, name="range_preparing_s"),
    ),
    Metric(
        name="range_append_time",
        title="Time to add a day's events",
        unit="s",
        better="lower",
        formula="one statement that adds a 35th of the rows, until its commit is on the disk",
        compute=partial(number, name="range_append_s"),
    ),
)
