"""Client lag: how late timers fired on the *client's* own event loop; P99, in seconds.

It measures the harness, not the subject: a client that lags adds its own delay to every latency it reports.
"""

from __future__ import annotations

from experiments.measuring.records import Record
from experiments.metrics._reading import percentile
from experiments.metrics.interface import Metric, Missing


def client_lag(record: Record) -> float | Missing:
    """Compute the metric."""
    part = record.part("client")
    return percentile(part.loop_delay_s, 99, "client lag") if part else Missing("no client drove the trial")


METRICS = (
    Metric(
        name="client_lag_p99",
        title="Client lag, P99",
        unit="s",
        better="lower",
        formula="99th percentile of the delays of a timer on the client's event loop",
        compute=client_lag,
    ),
)
