"""Hit rate: hits ÷ accesses of a cache; and the bound no cache passes, (accesses − distinct) ÷ accesses.

Where the cache is the subject, hits and accesses are the ones it noted; where a system holds the cache,
they are its counters of hits and misses. It does not measure what a hit saves, nor whether the cached
answer was the right one. The bound is that of an *unlimited* cache: each distinct key misses once.
"""

from __future__ import annotations

from experiments.measuring.records import Record
from experiments.metrics._reading import number, subject
from experiments.metrics.interface import Metric, Missing


def hit_rate(record: Record) -> float | Missing:
    """Compute the hit rate."""
    part = subject(record)
    if isinstance(part, Missing):
        return part
    if "accesses" in part.values and "hits" in part.values:
        hits, accesses = part.values["hits"], part.values["accesses"]
    else:
        hits = part.counters.get("cache_hits", 0)
        accesses = hits + part.counters.get("cache_misses", 0)
    return hits / accesses if accesses > 0 else Missing("the cache was never asked")


def unlimited_hit_rate(record: Record) -> float | Missing:
    """Compute the bound."""
    accesses, distinct = number(record, "accesses"), number(record, "distinct")
    if isinstance(accesses, Missing) or isinstance(distinct, Missing) or accesses <= 0:
        return Missing("the trace's accesses and distinct keys were not noted")
    return (accesses - distinct) / accesses


METRICS = (
    Metric(
        name="hit_rate",
        title="Hit rate",
        unit="ratio",
        better="higher",
        formula="hits ÷ (hits + misses)",
        compute=hit_rate,
        exact=True,
    ),
    Metric(
        name="unlimited_hit_rate",
        title="Hit rate of an unlimited cache",
        unit="ratio",
        better="neither",
        formula="(accesses − distinct keys) ÷ accesses",
        compute=unlimited_hit_rate,
    ),
)
