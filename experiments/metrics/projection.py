"""Retrieval of an agent's newest memories: how long it takes, how much comes for it, and what the asker holds at most.

A time is the median of ten, of agents chosen by chance, from the call until the ten memories are there and chosen. What
is asked for was read before. Bytes are those of the values that came from the database: of texts and vectors their
length, of every other value eight. The peak is of the process that asks, with the most memories that there were; the
interpreter and its libraries are in it.
"""

from __future__ import annotations

from functools import partial

from experiments.metrics._reading import number
from experiments.metrics.interface import Metric
from experiments.workloads.memories import SIZES


def _of(name: str, size: int) -> tuple[Metric, Metric]:
    return (
        Metric(
            name=f"retrieval_time_{name}",
            title=f"Time to an agent's newest memories, of {size:,} in all",
            unit="s",
            better="lower",
            formula="median of ten, from the call until the memories are there and chosen",
            compute=partial(number, name=f"retrieval_s_{name}"),
        ),
        Metric(
            name=f"retrieval_bytes_{name}",
            title=f"Bytes that come for an agent's newest memories, of {size:,} in all",
            unit="bytes",
            better="lower",
            formula="bytes of the values that come from the database for one agent",
            compute=partial(number, name=f"retrieval_bytes_{name}"),
            exact=True,
        ),
    )


METRICS = (
    *(metric for name, size in SIZES.items() for metric in _of(name, size)),
    Metric(
        name="retrieval_peak_memory",
        title="Most memory of the process that asks",
        unit="bytes",
        better="lower",
        formula="most resident bytes of the asking process while it asks at the largest size",
        compute=partial(number, name="retrieval_peak_bytes"),
    ),
)
