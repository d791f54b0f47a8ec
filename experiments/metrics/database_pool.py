"""Database connections: how long until one is had, and what all processes hold while so many are open.

The time is from asking for a connection until it can be used: for a new one the server's process, the proof of the
password and the settings; for one of a pool the waiting until one is free. Giving it back, or closing it, is not in it;
that stands between a user's requests, and so in the throughput.
"""

from __future__ import annotations

from functools import partial

from experiments.measuring.records import Record
from experiments.metrics._reading import number, percentile, subject
from experiments.metrics.interface import Metric, Missing


def waited(record: Record, percent: float) -> float | Missing:
    """Compute one percentile."""
    part = subject(record)
    if isinstance(part, Missing):
        return part
    return percentile(part.series.get("connection_s", []), percent, "connection")


METRICS = (
    Metric(
        name="database_connection_time",
        title="Time until a connection is had",
        unit="s",
        better="lower",
        formula="median, over requests, of the time from asking for a connection until it can be used",
        compute=partial(waited, percent=50),
    ),
    Metric(
        name="database_connection_p95",
        title="Time until a connection is had, P95",
        unit="s",
        better="lower",
        formula="95th percentile, over requests, of the time from asking for a connection until it can be used",
        compute=partial(waited, percent=95),
    ),
    Metric(
        name="database_pool_memory",
        title="Anonymous memory with as many connections open as there are at most",
        unit="bytes",
        better="lower",
        formula="anonymous bytes of all processes, the server's included, with every connection open that the way has",
        compute=partial(number, name="database_held_bytes"),
    ),
)
