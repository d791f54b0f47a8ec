"""Time to first token: first streamed token − intended start; its 50th and 95th percentile, in seconds.

Only answered requests that streamed a token count: a reply that came whole (a command, some cache hits) has
no first token. It does not measure how fast the rest of the reply follows.
"""

from __future__ import annotations

from experiments.measuring.records import Record
from experiments.metrics._reading import ok_rows, percentile
from experiments.metrics.interface import Metric, Missing


def time_to_first_token(record: Record, percent: float) -> float | Missing:
    """Compute one percentile."""
    found = ok_rows(record)
    if isinstance(found, Missing):
        return found
    waits = [row.first_token_s - row.intended_s for row in found if row.first_token_s is not None]
    return percentile(waits, percent, "first token")


def _metric(percent: int) -> Metric:
    return Metric(
        name=f"time_to_first_token_p{percent}",
        title=f"Time to first token, P{percent}",
        unit="s",
        better="lower",
        formula=f"{percent}th percentile of first token − intended start, answered requests that streamed",
        compute=lambda record: time_to_first_token(record, percent),
    )


METRICS = tuple(_metric(percent) for percent in (50, 95))
