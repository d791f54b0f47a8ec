"""How the last turns went, and what they took: the numbers that targets are judged by."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

from systems.engines.calibration.machine import usable_cpus


class Readings(NamedTuple):
    """What the last ``turns`` were like; None where no turn, or no clock, tells.

    Latencies in seconds, from a request's arrival at the agent to its reply, of turns that were answered.
    ``throughput`` counts answered turns a second since the first of these; ``success`` is the share of turns that were
    answered. ``processor`` is the share of all usable processors that this process took meanwhile, ``memory`` that of
    the memory it may use.
    """

    turns: int = 0
    p50_s: float | None = None
    p95_s: float | None = None
    p99_s: float | None = None
    throughput: float | None = None
    success: float | None = None
    processor: float | None = None
    memory: float | None = None


class _Ended(NamedTuple):
    at: float
    seconds: float
    answered: bool
    processor_s: float


class Window:
    """The turns that ended in the last ``seconds``, of which at most ``most`` are remembered.

    ``memory`` says how much of it is in use, 0 to 1; ``clock`` and ``processor`` tell seconds, each from any zero.
    """

    def __init__(
        self,
        seconds: float,
        most: int,
        memory: Callable[[], float],
        *,
        clock: Callable[[], float] = time.monotonic,
        processor: Callable[[], float] = time.process_time,
    ) -> None:
        self._seconds = seconds
        self._memory = memory
        self._clock = clock
        self._processor = processor
        self._ended: deque[_Ended] = deque(maxlen=most)

    def ended(self, seconds: float, *, answered: bool) -> None:
        """Note a turn that took ``seconds`` and ends now."""
        self._ended.append(_Ended(self._clock(), seconds, answered, self._processor()))

    def read(self) -> Readings:
        """Return what the turns were like."""
        now = self._clock()
        while self._ended and self._ended[0].at < now - self._seconds:
            self._ended.popleft()
        if not self._ended:
            return Readings(memory=self._memory())
        first = self._ended[0]
        # From when the first of these began: one turn alone has a throughput too.
        elapsed = now - first.at + first.seconds
        latencies = sorted(each.seconds for each in self._ended if each.answered)
        since = now - first.at
        return Readings(
            turns=len(self._ended),
            p50_s=quantile(latencies, 0.5),
            p95_s=quantile(latencies, 0.95),
            p99_s=quantile(latencies, 0.99),
            throughput=len(latencies) / elapsed if elapsed > 0 else None,
            success=len(latencies) / len(self._ended),
            processor=(self._processor() - first.processor_s) / since / usable_cpus() if since > 0 else None,
            memory=self._memory(),
        )


def quantile(ordered: Sequence[float], share: float) -> float | None:
    """Return the smallest of ``ordered`` that ``share`` of them do not exceed; None of none."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else None
