"""Choosing a model: how many answers are right, how long one takes, and whose they are.

An answer is right if it says the value that was asked for and no other of the same kind; where nobody knows, if it
declines. The time is from asking the first model until the answer that counts is whole: with a cascade that of both
models where both were asked. For the best choice it is that of the model whose answer counts, although both were asked.
It does not count choosing by a rule, which takes microseconds.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from experiments.measuring.records import Record
from experiments.metrics._reading import number, percentile, subject
from experiments.metrics.interface import Metric, Missing


def _seconds(record: Record) -> list[float] | Missing:
    part = subject(record)
    if isinstance(part, Missing):
        return part
    return part.series.get("choice_s") or Missing("no model was chosen")


def mean_time(record: Record) -> float | Missing:
    """Compute the mean time of an answer."""
    found = _seconds(record)
    return found if isinstance(found, Missing) else float(np.mean(found))


def late_time(record: Record) -> float | Missing:
    """Compute the 95th percentile of the time of an answer."""
    found = _seconds(record)
    return found if isinstance(found, Missing) else percentile(found, 95, "answer")


def _right(name: str, of: str) -> Metric:
    return Metric(
        name=name,
        title=f"Right answers{of and ', '}{of}",
        unit="ratio",
        better="higher",
        formula=f"right answers ÷ questions{of and ' about what was told '}{of}",
        compute=partial(number, name=name),
        counts_failures=True,
    )


METRICS = (
    _right("choice_right", ""),
    _right("choice_right_plain", "in plain sentences"),
    _right("choice_right_natural", "in natural ones"),
    Metric(
        name="choice_time",
        title="Time to an answer, mean",
        unit="s",
        better="lower",
        formula="sum of the times from asking the first model until the answer that counts ÷ questions",
        compute=mean_time,
    ),
    Metric(
        name="choice_time_p95",
        title="Time to an answer, P95",
        unit="s",
        better="lower",
        formula="95th percentile of the same time",
        compute=late_time,
    ),
    Metric(
        name="choice_small",
        title="Answers of the small model",
        unit="ratio",
        better="neither",
        formula="questions whose answer that counts is the small model's ÷ questions",
        compute=partial(number, name="choice_small"),
    ),
)
