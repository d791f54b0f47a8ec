"""How late the event loop runs what is due: its responsiveness, from inside."""

from __future__ import annotations

import asyncio
import time
from types import TracebackType


class LoopDelay:
    """While open, wants to wake every ``interval_s`` and notes how late each wake-up is, in seconds.

    Wake-ups are due on an absolute schedule. A loop that is held for a second has missed every tick of that second,
    and each missed tick counts with its own delay: the stall cannot hide the samples it swallowed.
    """

    def __init__(self, interval_s: float = 0.02) -> None:
        self._interval_s = interval_s
        self._task: asyncio.Task[None] | None = None
        self.delays_s: list[float] = []

    async def __aenter__(self) -> LoopDelay:
        self._due = time.perf_counter() + self._interval_s
        self._task = asyncio.create_task(self._watch(), name="event-loop delay")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is not None:
            self._task.cancel()
        # A loop that was held until now has not run the watcher: its missed ticks are counted here.
        self._count_due()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._due - time.perf_counter())
            self._count_due()

    def _count_due(self) -> None:
        now = time.perf_counter()
        while self._due <= now:
            self.delays_s.append(round(now - self._due, 5))
            self._due += self._interval_s
