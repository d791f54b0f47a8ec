"""Requests spread over workers: how long they take from when they were due, and how unevenly the work fell.

Unevenness counts the stated time of the requests that each worker was given, whatever they took.
"""

from __future__ import annotations

from functools import partial

from experiments.metrics.interface import Metric
from experiments.metrics.saving_turns import share
from experiments.metrics.spawning import latency

METRICS = (
    *(
        Metric(
            name=f"spread_latency_p{percent}",
            title=f"Time of a request over workers, P{percent}",
            unit="s",
            better="lower",
            formula=f"{percent}th percentile of done − due, all requests",
            compute=partial(latency, percent=percent),
            part="spread",
        )
        for percent in (50, 95)
    ),
    Metric(
        name="spread_unevenness",
        title="Work of the busiest worker over the mean",
        unit="ratio",
        better="lower",
        formula="seconds of work given to the busiest worker ÷ mean over workers",
        compute=partial(share, part="busiest_s", whole="mean_busy_s"),
    ),
)
