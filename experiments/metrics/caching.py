"""Looking things up through a cache: how long it takes, how often what comes is stale, and how near the optimum it is.

A read's time is from the call to its return, whether the cache had the thing or the origin was asked. A read is stale
if what came is older than a change that was over when the read began, whoever made it. The optimum is Belady's: it
knows every access beforehand, begins with what the cache began with, and has room for as many things. Memory is that
of the agent and, where it is inside the limits, of the server, with interpreter and client: what one of them holds
besides stands in the record of an uncached agent.
"""

from __future__ import annotations

from functools import partial

from experiments.measuring.probes.histogram import Histogram
from experiments.measuring.records import Record
from experiments.metrics._reading import number, subject
from experiments.metrics.interface import Metric, Missing


def percentile(record: Record, percent: float) -> float | Missing:
    """Compute one percentile of the reads' times."""
    part = subject(record)
    if isinstance(part, Missing):
        return part
    if "read_s" not in part.histograms:
        return Missing("no reads were timed")
    return Histogram(part.histograms["read_s"]).percentile(percent)


def stale_reads(record: Record) -> float | Missing:
    """Compute the share of reads that were stale."""
    stale, reads = number(record, "stale"), number(record, "accesses")
    if isinstance(stale, Missing) or isinstance(reads, Missing) or not reads:
        return Missing("nothing was read that may have changed")
    return stale / reads


def hits_of_optimum(record: Record) -> float | Missing:
    """Compute hits over those of the optimum."""
    hits, most = number(record, "hits"), number(record, "optimum_hits")
    if isinstance(hits, Missing) or isinstance(most, Missing):
        return hits if isinstance(hits, Missing) else most
    return hits / most if most else Missing("even the optimum has no hit")


def hit_rate_of_optimum(record: Record) -> float | Missing:
    """Compute the optimum's hit rate."""
    most, reads = number(record, "optimum_hits"), number(record, "accesses")
    if isinstance(most, Missing) or isinstance(reads, Missing) or not reads:
        return Missing("no optimum was noted")
    return most / reads


def _percentile(percent: int) -> Metric:
    return Metric(
        name=f"access_time_p{percent}",
        title=f"Time of a read, P{percent}",
        unit="s",
        better="lower",
        formula=f"{percent}th percentile of the time of a read, from its call to its return",
        compute=partial(percentile, percent=percent),
    )


METRICS = (
    Metric(
        name="access_time",
        title="Time of a read, mean",
        unit="s",
        better="lower",
        formula="mean time of a read, from its call to its return",
        compute=partial(number, name="read_mean_s"),
    ),
    _percentile(50),
    _percentile(95),
    Metric(
        name="stale_reads",
        title="Stale reads",
        unit="ratio",
        better="lower",
        formula="reads older than a change that was over when they began ÷ reads",
        compute=stale_reads,
        comparable=False,
    ),
    Metric(
        name="hits_of_optimum",
        title="Hits, of those of the optimum",
        unit="ratio",
        better="higher",
        formula="hits ÷ hits of a cache that knows the future",
        compute=hits_of_optimum,
    ),
    Metric(
        name="hit_rate_of_optimum",
        title="Hit rate of the optimum",
        unit="ratio",
        better="neither",
        formula="hits of a cache that knows the future ÷ reads",
        compute=hit_rate_of_optimum,
    ),
    Metric(
        name="change_time",
        title="Time of a change, mean",
        unit="s",
        better="lower",
        formula="mean time of a change, from its call until the cache knows",
        compute=partial(number, name="change_mean_s"),
    ),
    Metric(
        name="cache_memory",
        title="Anonymous memory with a cache",
        unit="bytes",
        better="lower",
        formula="anonymous bytes of all processes inside the limits, after the last access",
        compute=partial(number, name="cache_anonymous_bytes"),
    ),
    Metric(
        name="origin_reads",
        title="Reads of the origin",
        unit="count",
        better="lower",
        formula="reads that the origin answered, those of warming among them",
        compute=partial(number, name="origin_reads"),
    ),
    Metric(
        name="warming_time",
        title="Time to warm a cache",
        unit="s",
        better="lower",
        formula="time to read what was popular the day before, before the first access",
        compute=partial(number, name="warming_s"),
    ),
)
