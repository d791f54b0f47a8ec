"""Event-loop delay: how late timers on the subject's event loop fired; maximum and P99, in seconds.

It says how long connections, pings and timers stood still. It does not measure a request's latency: a loop
can stay free while every request waits in a queue. Ticks are due every 20 ms on an absolute schedule, and each
tick that a stall swallowed counts with its own delay, so a long stall weighs in the percentile as long as it was.
"""

from __future__ import annotations

from experiments.measuring.records import Record
from experiments.metrics._reading import percentile, subject
from experiments.metrics.interface import Metric, Missing


def loop_delay(record: Record, percent: float) -> float | Missing:
    """Compute one percentile; the hundredth is the maximum."""
    part = subject(record)
    if isinstance(part, Missing):
        return part
    return percentile(part.loop_delay_s, percent, "event-loop delay")


METRICS = (
    Metric(
        name="loop_delay_max",
        title="Event-loop delay, longest",
        unit="s",
        better="lower",
        formula="largest delay of a timer on the subject's event loop",
        compute=lambda record: loop_delay(record, 100),
    ),
    Metric(
        name="loop_delay_p99",
        title="Event-loop delay, P99",
        unit="s",
        better="lower",
        formula="99th percentile of the delays of a timer on the subject's event loop",
        compute=lambda record: loop_delay(record, 99),
    ),
)
