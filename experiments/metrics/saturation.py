"""Saturation: the highest rate of arrivals, per second, that met the objective together with every lower one offered.

Found by the load study's search, each rate offered for a window of time that the condition names, so that a queue which
grows more slowly than that window shows may still pass: the rate is that of the window, not of a whole day. The
latency beside it counts from the intended start, of the requests answered at that rate.
"""

from __future__ import annotations

import math
from functools import partial

from experiments.measuring.probes.histogram import Histogram
from experiments.measuring.records import Part, Record
from experiments.metrics.interface import Metric, Missing
from experiments.metrics.objective import ENOUGH


def saturation_rate(record: Record) -> float | Missing:
    """Compute the rate."""
    found = _highest(record)
    return found if isinstance(found, Missing) else found[0]


def saturation_latency(record: Record, percent: float) -> float | Missing:
    """Compute a percentile of the latency at that rate."""
    found = _highest(record)
    return found if isinstance(found, Missing) else Histogram([found[1]]).percentile(percent)


def highest(part: Part) -> tuple[float, str] | None:
    """Return the highest rate that a search found to hold, with its encoded latencies; None if none held."""
    offered = list(zip(part.series["rate"], part.series["share"], part.histograms["latency_s"], strict=True))
    failing = min((rate for rate, share, _ in offered if share < ENOUGH), default=math.inf)
    holding = [(rate, latencies) for rate, share, latencies in offered if share >= ENOUGH and rate < failing]
    return max(holding, default=None)


def _highest(record: Record) -> tuple[float, str] | Missing:
    part = record.part("client")
    if part is None or "share" not in part.series:
        return Missing("no search was made")
    return highest(part) or Missing("no rate that was offered met the objective")


METRICS = (
    Metric(
        name="saturation_rate",
        title="Highest rate within the objective",
        unit="1/s",
        better="higher",
        formula=f"highest rate offered of which {ENOUGH:.0%} met the objective, as did every lower one",
        compute=saturation_rate,
    ),
    Metric(
        name="saturation_latency_p99",
        title="Latency at that rate, P99",
        unit="s",
        better="lower",
        formula="99th percentile of finish − intended start at the highest rate within the objective",
        compute=partial(saturation_latency, percent=99),
    ),
)
