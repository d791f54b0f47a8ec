"""What the agent is held to, with the guide's figures (source 4, "Target Performance Benchmarks").

Of each target a reading is excellent, good, or misses it. Throughput needs somebody who asks so much: on a server that
few people use it says how much was asked, not how much could be.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from systems.pooled.monitoring.window import Readings

Status = Literal["excellent", "good", "missed"]


class Target(NamedTuple):
    """A row of the guide's table: ``claim`` names it in the ledger, ``reading`` is the field of `Readings` it judges.

    A reading is good beyond ``good``, excellent beyond ``excellent``: below them, or where ``more`` is better, above.
    """

    claim: str
    reading: str
    good: float
    excellent: float
    more: bool = False

    def status(self, value: float) -> Status:
        """Return what ``value`` is."""
        if self._beyond(value, self.excellent):
            return "excellent"
        return "good" if self._beyond(value, self.good) else "missed"

    def _beyond(self, value: float, bound: float) -> bool:
        return value > bound if self.more else value < bound


TARGETS = (
    Target("S4-p50", "p50_s", 0.100, 0.050),
    Target("S4-p95", "p95_s", 0.500, 0.200),
    Target("S4-p99", "p99_s", 1.0, 0.500),
    Target("S4-tps", "throughput", 1_000, 5_000, more=True),
    Target("S4-success", "success", 0.99, 0.999, more=True),
    Target("S4-resources", "processor", 0.70, 0.50),
    Target("S4-resources", "memory", 0.80, 0.60),
)


class JudgedTarget(NamedTuple):
    """A target, what was read, and what that is."""

    target: Target
    value: float
    status: Status


def judged(readings: Readings) -> Iterator[JudgedTarget]:
    """Yield every target of which there is a reading."""
    for target in TARGETS:
        value = getattr(readings, target.reading)
        if value is not None:
            yield JudgedTarget(target, value, target.status(value))
