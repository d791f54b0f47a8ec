"""What a metric is: a name, a unit, a direction, a formula in words, and the function that computes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import msgspec

from experiments.records import Record


class Missing(msgspec.Struct, frozen=True):
    """The record holds nothing this metric could be computed from; ``reason`` says why in one line."""

    reason: str


class Metric(msgspec.Struct, frozen=True, kw_only=True):
    """One measure of a trial. ``unit`` is "s", "1/s", "bytes", "ratio" or "count"."""

    name: str
    title: str
    unit: str
    better: Literal["lower", "higher", "neither"]
    formula: str
    compute: Callable[[Record], float | Missing]
