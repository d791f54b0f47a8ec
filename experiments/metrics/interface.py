"""What a metric is: a name, a unit, a direction, a formula in words, and the function that computes it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import msgspec

from experiments.measuring.records import Outcome, Record


class Missing(msgspec.Struct, frozen=True):
    """The record holds nothing this metric could be computed from; ``reason`` says why in one line."""

    reason: str


class Metric(msgspec.Struct, frozen=True, kw_only=True):
    """One measure of a trial. ``unit`` is "s", "1/s", "bytes", "bytes/turn", "tokens/turn", "ratio" or "count".

    ``traced`` metrics are read from trials under a tracer and from no others; all the rest never are.
    ``comparable`` says whether one value over another means something: it does not for a slope around zero. ``exact``
    is what no clock and no machine can change, such as hits on a given trace: equals are equal in it, so it needs no
    noise floor. ``counts_failures`` says that requests which failed are in the value: any other is of what was left.
    ``part`` is the part of a study whose trials alone have it, where other parts note something else under a name that
    the formula reads; empty: any trial may have it.
    """

    name: str
    title: str
    unit: str
    better: Literal["lower", "higher", "neither"]
    formula: str
    compute: Callable[[Record], float | Missing]
    traced: bool = False
    comparable: bool = True
    exact: bool = False
    counts_failures: bool = False
    part: str = ""

    def of(self, record: Record) -> float | Missing:
        """Return this metric of ``record``: only of a trial that ended well, traced as the metric asks."""
        if record.outcome is not Outcome.OK:
            return Missing(f"the trial ended {record.outcome}")
        if record.spec.traced is not self.traced:
            return Missing("the trial ran under a tracer" if record.spec.traced else "no tracer watched the trial")
        if self.part and record.spec.condition.get("part") != self.part:
            return Missing(f"it is a measure of the part {self.part} alone")
        value = self.compute(record)
        if isinstance(value, Missing) or math.isfinite(value):
            return value
        return Missing("the formula gives no finite number")
