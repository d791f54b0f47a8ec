"""Workers that die and are started again: how much of what was asked was answered, and what it took.

A request is answered if its answer came within the deadline; one that waited in the socket for a new worker may be. An
outage is the time from a request that was not answered to the next that was, by when they were due. Processor time is
that of the supervisor and of all workers, dead ones included.
"""

from __future__ import annotations

from functools import partial

from experiments.metrics._reading import number
from experiments.metrics.interface import Metric
from experiments.metrics.saving_turns import share

METRICS = (
    Metric(
        name="restarts_available",
        title="Requests answered in time while workers die",
        unit="ratio",
        better="higher",
        formula="requests answered within the deadline ÷ requests that were due",
        compute=partial(share, part="answered", whole="probes"),
        counts_failures=True,
    ),
    Metric(
        name="restarts_longest_outage",
        title="Longest outage",
        unit="s",
        better="lower",
        formula="longest time from a request that was not answered to the next that was; 0 where all were",
        compute=partial(number, name="longest_outage_s"),
        counts_failures=True,
    ),
    Metric(
        name="restarts_back",
        title="Time from the repair to the next answer",
        unit="s",
        better="lower",
        formula="from when workers start well again to the first request that is answered; missing if none is",
        compute=partial(number, name="back_s"),
        counts_failures=True,
    ),
    Metric(
        name="restarts_starts",
        title="Workers started anew",
        unit="count",
        better="neither",
        formula="workers that the supervisor started after the first ones served",
        compute=partial(number, name="starts"),
        part="restarts",
    ),
    Metric(
        name="restarts_cpu",
        title="Processor time of the service",
        unit="s",
        better="lower",
        formula="processor seconds of the supervisor and all its workers",
        compute=partial(number, name="service_cpu_s"),
    ),
)
