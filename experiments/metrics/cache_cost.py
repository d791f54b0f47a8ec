"""What a cache costs and saves: time of misses, own time of an operation, bytes held, hits that were wrong.

A miss costs what the published experiment let it cost, a sleep of 100 ms; nobody sleeps here, the misses are
multiplied. The own time is that of the whole replay, over its accesses. Bytes are those of keys and texts still held
at the end, without what Python adds to each. A hit is wrong when the entry was made for another prompt: the answer
may still be a good one, nobody can tell.
"""

from __future__ import annotations

from experiments.measuring.records import Record
from experiments.metrics._reading import number
from experiments.metrics.interface import Metric, Missing

PUBLISHED_MISS_S = 0.1


def miss_time(record: Record) -> float | Missing:
    """Compute the time of the misses."""
    accesses, hits = number(record, "accesses"), number(record, "hits")
    if isinstance(accesses, Missing) or isinstance(hits, Missing):
        return Missing("no accesses were noted")
    return (accesses - hits) * PUBLISHED_MISS_S


def operation_time(record: Record) -> float | Missing:
    """Compute the cache's own time an access."""
    accesses, seconds = number(record, "accesses"), number(record, "replay_s")
    if isinstance(accesses, Missing) or isinstance(seconds, Missing) or accesses <= 0:
        return Missing("the replay was not timed")
    return seconds / accesses


def wrong_hit_share(record: Record) -> float | Missing:
    """Compute the share of hits that were wrong."""
    hits, wrong = number(record, "hits"), number(record, "wrong")
    if isinstance(hits, Missing) or isinstance(wrong, Missing) or hits <= 0:
        return Missing("there were no hits to be wrong")
    return wrong / hits


def held_bytes(record: Record) -> float | Missing:
    """Compute the bytes held at the end."""
    return number(record, "held_bytes")


METRICS = (
    Metric(
        name="miss_time",
        title="Time of the misses",
        unit="s",
        better="lower",
        formula="misses × 100 ms",
        compute=miss_time,
    ),
    Metric(
        name="cache_operation_time",
        title="Cache's own time an access",
        unit="s",
        better="lower",
        formula="time of the replay ÷ accesses",
        compute=operation_time,
    ),
    Metric(
        name="wrong_hit_share",
        title="Wrong hits",
        unit="ratio",
        better="lower",
        formula="hits on an entry made for another prompt ÷ hits",
        compute=wrong_hit_share,
    ),
    Metric(
        name="held_bytes",
        title="Bytes held",
        unit="bytes",
        better="lower",
        formula="bytes of keys and texts held at the end",
        compute=held_bytes,
    ),
)
