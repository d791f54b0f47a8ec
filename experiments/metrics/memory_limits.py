"""Agents that want more memory than there is: who died of it, and which of the other requests were answered.

A crash is an agent that ended by itself while it was asked: killed by the kernel, or ended by its runtime at a limit.
An agent that its parent replaces between requests has not crashed, nor one that refuses a request and goes on. Ordinary
requests are those that ask for no more than an agent may have.
"""

from __future__ import annotations

from functools import partial

from experiments.metrics._reading import number
from experiments.metrics.interface import Metric
from experiments.metrics.saving_turns import share

METRICS = (
    Metric(
        name="limits_crash_share",
        title="Crashes for each time that memory would not have sufficed",
        unit="ratio",
        better="lower",
        formula="agents that ended while they were asked ÷ times that more memory was wanted than all may have",
        compute=partial(share, part="crashes", whole="faults"),
        counts_failures=True,
    ),
    Metric(
        name="limits_answered",
        title="Ordinary requests answered",
        unit="ratio",
        better="higher",
        formula="ordinary requests that were answered ÷ ordinary requests",
        compute=partial(share, part="ordinary_answered", whole="ordinary"),
        counts_failures=True,
    ),
    Metric(
        name="limits_starts",
        title="Agents started again",
        unit="count",
        better="lower",
        formula="agents that were started after the first ones, for one that crashed or was replaced",
        compute=partial(number, name="starts"),
        part="memory-limits",
    ),
)
