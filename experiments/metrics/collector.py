"""A tuned collector: requests a second, pauses and memory of a service that answers the same requests in every way.

A pause is one collection, timed by the runtime's own hook (``gc.callbacks`` of Python, Node's performance entries). In
Node some of a collection runs beside the program, so its share may count what nobody waited for. Memory is the most
that was resident, the program's own files included.
"""

from __future__ import annotations

from functools import partial

from experiments.metrics._reading import number
from experiments.metrics.interface import Metric
from experiments.metrics.saving_turns import share
from experiments.metrics.spawning import latency

METRICS = (
    Metric(
        name="collector_throughput",
        title="Requests a second",
        unit="1/s",
        better="higher",
        formula="requests answered one after another ÷ seconds",
        compute=partial(share, part="requests", whole="wall_s"),
    ),
    Metric(
        name="collector_peak",
        title="Most resident memory",
        unit="bytes",
        better="lower",
        formula="most resident bytes of the service in its life",
        compute=partial(number, name="peak_bytes"),
    ),
    Metric(
        name="collector_pause_max",
        title="Longest collection",
        unit="s",
        better="lower",
        formula="longest single collection while requests are answered; 0 where there was none",
        compute=partial(number, name="longest_pause_s"),
    ),
    Metric(
        name="collector_share",
        title="Share of the time in collections",
        unit="ratio",
        better="lower",
        formula="seconds of all collections ÷ seconds of all requests",
        compute=partial(share, part="collecting_s", whole="wall_s"),
    ),
    *(
        Metric(
            name=f"collector_latency_p{percent}",
            title=f"Time of a request, P{percent}",
            unit="s",
            better="lower",
            formula=f"{percent}th percentile of the time of a request",
            compute=partial(latency, percent=percent),
            part="collector",
        )
        for percent in (50, 99)
    ),
)
