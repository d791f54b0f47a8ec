"""Prompt tokens read: the mean over those requests whose prompt an engine read.

Tokens are the engine's: without a model they are words. Replies that came from no prompt, and those that were said at
once, count nowhere.
"""

from __future__ import annotations

from statistics import fmean

from experiments.measuring.records import Record
from experiments.metrics._reading import ok_rows
from experiments.metrics.interface import Metric, Missing


def prompt_tokens_read(record: Record) -> float | Missing:
    """Compute the mean."""
    found = ok_rows(record)
    if isinstance(found, Missing):
        return found
    read = [row.prompt_tokens for row in found if row.prompt_tokens]
    return fmean(read) if read else Missing("no prompt was read")


METRICS = (
    Metric(
        name="prompt_tokens_read",
        title="Prompt tokens read for a request",
        unit="count",
        better="lower",
        formula="prompt tokens ÷ requests whose prompt was read",
        compute=prompt_tokens_read,
    ),
)
