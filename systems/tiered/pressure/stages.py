"""Acting before memory ends: the agent degrades by stages, comes back by stages, and refuses work last."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress

from systems.errors import Refused
from systems.logs import event, swallowed
from systems.mechanisms.memory_in_use import Reading
from systems.tiered.pressure.forecast import Forecast
from systems.tiered.pressure.judging import ByForecast, ByUse, Judge, Stage

Reclaim = Callable[[Stage, int], Awaitable[None]]
"""Acts on a stage: called with it and how many bytes too many there are, on entering it and again while it is held."""

log = logging.getLogger(__name__)

_FULL = 0.95  # of the limit: what the kernel keeps for itself, and what the last look has not seen, need the rest
_SHORTEST_S, _LONGEST_S = 0.5, 60.0  # what a refused caller may be told to wait


class Pressure:
    """Looks at memory every ``every_s`` seconds, and moves the agent from stage to stage.

    ``read`` returns a reading (`Meter.read`). ``judge`` names the stage called for; the default judges by ``forecast``
    if there is one, else by use. ``reclaim`` is awaited on every change of stage, and again every ``reclaim_every_s``
    while a stage is held whose work is to free memory. A higher stage is entered at once; a lower one only after
    ``calm_s`` without a call for more, one stage at a time. Refusal begins only after a reclamation of the stage
    before it has been tried. ``target`` is the share of the limit down to which memory is to be freed: what is in use,
    or with a ``forecast`` what is expected at its horizon. ``reclaim`` should take no longer than a few looks: until it
    returns, none is taken.

    Used from one event loop; `look` may also be called alone, with a clock of the caller's.
    """

    def __init__(
        self,
        read: Callable[[], Reading],
        reclaim: Reclaim,
        *,
        judge: Judge | None = None,
        forecast: Forecast | None = None,
        refuses: bool = True,
        every_s: float = 0.1,
        calm_s: float = 2.0,
        reclaim_every_s: float = 0.5,
        target: float = 0.75,
    ) -> None:
        self._read = read
        self._reclaim = reclaim
        self._foresees = forecast is not None
        self._forecast = forecast or Forecast()
        self._judge = judge or (ByForecast(forecast) if forecast else ByUse())
        self._refuses = refuses
        self._every_s = every_s
        self._calm_s = calm_s
        self._reclaim_every_s = reclaim_every_s
        self._target = target
        self.stage = Stage.NORMAL
        self.transitions: Counter[tuple[Stage, Stage]] = Counter()
        """How often the agent went from one stage to another."""
        self.refused = 0
        """Turns that were not let in."""
        self.reclaimed_bytes = 0
        """By how much memory in use was less after reclamations than before, summed over those after which it was."""
        self.last: Reading | None = None
        self.highest = 0
        """The most bytes in use at any look."""
        self._seconds = dict.fromkeys(Stage, 0.0)
        self._looked_s: float | None = None
        self._asked_s = 0.0
        self._reclaimed_s: float | None = None
        self._relief = 0.0
        self._refusing_since_s: float | None = None
        self._reserved = 0
        self._task: asyncio.Task[None] | None = None

    @property
    def seconds(self) -> dict[Stage, float]:
        """How long each stage was held, in seconds, up to the last look."""
        return dict(self._seconds)

    def start(self) -> None:
        """Begin to look, in a task of its own."""
        self._task = self._task or asyncio.create_task(self._run(), name="memory pressure")

    async def close(self) -> None:
        """Stop looking."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    def admit(self, expected_bytes: int = 0) -> None:
        """Let a turn in that is expected to need ``expected_bytes`` more. Raises `Refused` under too much pressure."""
        if not self._refuses or self.last is None:
            return
        # Turns that have entered may still be waiting: what they will need is as good as used.
        expected = self.last.used + self._reserved + expected_bytes
        if self.stage < Stage.REFUSING and (not expected_bytes or expected < _FULL * self.last.limit):
            return
        self.refused += 1
        raise Refused("memory is short", self.retry_after_s())

    @contextmanager
    def turn(self, expected_bytes: int = 0) -> Iterator[None]:
        """Let a turn in as `admit` does, and keep ``expected_bytes`` for it until it ends."""
        self.admit(expected_bytes)
        self._reserved += expected_bytes
        try:
            yield
        finally:
            self._reserved -= expected_bytes

    def retry_after_s(self) -> float:
        """Return in how many seconds memory should be free again, as the trend or the last reclamations have it.

        While nothing falls, it is guessed that what has lasted so long will last as long again.
        """
        if self.last is None or self._looked_s is None:
            return _SHORTEST_S
        excess = self.last.used - self._target * self.last.limit
        falling = max(-self._forecast.trend, self._relief)
        if excess <= 0:
            wait_s = self._calm_s
        elif falling > 0:
            wait_s = self._calm_s + excess / falling
        else:
            since_s = self._looked_s if self._refusing_since_s is None else self._refusing_since_s
            wait_s = max(self._calm_s, self._looked_s - since_s)
        return min(max(wait_s, _SHORTEST_S), _LONGEST_S)

    async def look(self, at_s: float | None = None) -> Stage:
        """Look once, at the moment ``at_s`` of a monotonic clock, act on what is seen, and return the stage then."""
        at_s = time.monotonic() if at_s is None else at_s
        reading = self._see(at_s)
        wanted = self._judge.stage(reading, at_s, self.stage)
        if not (self._refuses and self._tried(at_s)):
            wanted = min(wanted, Stage.COMPRESSING)
        if wanted >= self.stage:
            self._asked_s = at_s
        if wanted > self.stage:
            # One after another, so that whoever acts on a stage has acted on those before it.
            for stage in range(self.stage + 1, wanted + 1):
                await self._enter(Stage(stage), at_s)
        elif wanted < self.stage and at_s - self._asked_s >= self._calm_s:
            self._asked_s = at_s  # the next one is left after as long a calm
            await self._enter(Stage(self.stage - 1), at_s)
        elif self.stage >= Stage.SMALLER_CACHES and self._due(at_s):
            await self._act(at_s)
        return self.stage

    def _see(self, at_s: float) -> Reading:
        reading = self._read()
        if self._looked_s is not None and at_s > self._looked_s:
            passed_s = at_s - self._looked_s
            self._seconds[self.stage] += passed_s
            if self.last is not None and self.stage >= Stage.SMALLER_CACHES:
                rate = max(0.0, (self.last.used - reading.used) / passed_s)
                self._relief += 0.2 * (rate - self._relief)
        self._looked_s, self.last = at_s, reading
        self.highest = max(self.highest, reading.used)
        self._forecast.add(at_s, reading.used)
        return reading

    def _tried(self, at_s: float) -> bool:
        """Say whether memory was freed as hard as it can be, some moments ago: only then is refusal what is left."""
        return self.stage >= Stage.COMPRESSING and self._reclaimed_s is not None and at_s > self._reclaimed_s

    def _due(self, at_s: float) -> bool:
        return self._reclaimed_s is None or at_s - self._reclaimed_s >= self._reclaim_every_s

    async def _enter(self, stage: Stage, at_s: float) -> None:
        before, self.stage = self.stage, stage
        self._refusing_since_s = at_s if stage is Stage.REFUSING else None
        self.transitions[before, stage] += 1
        event(log, logging.INFO, "pressure", before=before.name, stage=stage.name)
        await self._act(at_s)

    async def _act(self, at_s: float) -> None:
        reading = self.last or self._read()
        self._reclaimed_s = at_s
        before = reading.used
        try:
            heading = max(before, self._forecast.expected()) if self._foresees else before
            await self._reclaim(self.stage, max(0, int(heading - self._target * reading.limit)))
        except Exception as error:  # noqa: BLE001 - an agent whose caches cannot shrink must still be able to refuse
            swallowed(log, "reclamation", error, stage=self.stage.name)
        if self.stage >= Stage.SMALLER_CACHES:
            self.reclaimed_bytes += max(0, before - self._read().used)

    async def _run(self) -> None:
        while True:
            try:
                await self.look()
            except OSError as error:  # the kernel's files went away; they may come back
                swallowed(log, "memory reading", error)
            await asyncio.sleep(self._every_s)
