"""Wires: what compression takes off a WebSocket and costs, and what a connection for each request costs.

Of a trial with deflate, bytes are those that TCP brings the clients after the handshakes, frames' heads included, and
the heads of TCP and IP left out: some 40 bytes a packet, which compression leaves as they are. What a connection holds
is the server's alone: its objects, its buffers and its two windows.

Of requests to a server that does nothing, the time is the overhead itself. It is that of the requests that were
answered; the share of those says how many were.
"""

from __future__ import annotations

from experiments.measuring.records import Record
from experiments.metrics._reading import number
from experiments.metrics.interface import Metric, Missing


def client(record: Record, name: str) -> float | Missing:
    """Return the client's value called ``name``."""
    part = record.part("client")
    if part is None or name not in part.values:
        return Missing(f"no client noted {name}")
    return part.values[name]


def each(record: Record, some: str, of: str) -> float | Missing:
    """Compute one value of the client over another."""
    part, whole = client(record, some), client(record, of)
    if isinstance(part, Missing):
        return part
    if isinstance(whole, Missing):
        return whole
    return part / whole if whole else Missing(f"there were no {of}")


def grown(record: Record, first: str, last: str, of: str) -> float | Missing:
    """Compute how much a value of the subject grew, for each of the client's ``of``."""
    before, after, count = number(record, first), number(record, last), client(record, of)
    if isinstance(before, Missing):
        return before
    if isinstance(after, Missing):
        return after
    if isinstance(count, Missing) or not count:
        return Missing(f"there were no {of}")
    return (after - before) / count


def both_sides(record: Record) -> float | Missing:
    """Compute the processor time of both sides, a request."""
    server, mine = grown(record, "opened_cpu_s", "served_cpu_s", "requests"), each(record, "asking_cpu_s", "requests")
    if isinstance(server, Missing):
        return server
    return mine if isinstance(mine, Missing) else server + mine


METRICS = (
    Metric(
        name="wire_bytes",
        title="Bytes on the wire a reply",
        unit="bytes",
        better="lower",
        formula="bytes that TCP brought the clients ÷ replies",
        compute=lambda record: each(record, "wire_bytes", "replies"),
        exact=True,
    ),
    Metric(
        name="socket_memory",
        title="Memory of the server a connection",
        unit="bytes",
        better="lower",
        formula="(anonymous memory when every reply was read − before the connections were made) ÷ connections",
        compute=lambda record: grown(record, "before_bytes", "served_bytes", "connections"),
    ),
    Metric(
        name="wire_cpu",
        title="Processor time of the server a reply",
        unit="s",
        better="lower",
        formula="the server's processor time between the first question and the last reply ÷ replies",
        compute=lambda record: grown(record, "opened_cpu_s", "served_cpu_s", "replies"),
    ),
    Metric(
        name="request_overhead",
        title="Time of a request that costs its server nothing",
        unit="s",
        better="lower",
        formula="mean time from wanting a connection to the whole answer, of the requests that were answered",
        compute=lambda record: each(record, "answered_s", "answered"),
    ),
    Metric(
        name="request_overhead_p99",
        title="The same, P99",
        unit="s",
        better="lower",
        formula="99th percentile of that time, of the requests that were answered",
        compute=lambda record: client(record, "answered_p99_s"),
    ),
    Metric(
        name="request_cpu",
        title="Processor time of both sides a request",
        unit="s",
        better="lower",
        formula="processor time of client and server while requests were made ÷ requests",
        compute=both_sides,
    ),
    Metric(
        name="requests_answered",
        title="Requests answered",
        unit="ratio",
        better="higher",
        formula="requests that were answered ÷ requests made",
        compute=lambda record: each(record, "answered", "requests"),
        counts_failures=True,
    ),
    Metric(
        name="connections_opened",
        title="Connections opened a request",
        unit="ratio",
        better="lower",
        formula="connections that the client opened ÷ requests made",
        compute=lambda record: each(record, "opened", "requests"),
    ),
)
