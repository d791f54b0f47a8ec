"""Work beside the turns: looked at again and again, at once when somebody says so, and later when it fails."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from random import Random

from systems.errors import StoreError
from systems.logs import swallowed
from systems.mechanisms.retrying import Backoff
from systems.tiered.tiers.ledger import Ledger

log = logging.getLogger(__name__)

# Seconds. After a failure it waits, longer each time: an object store that is away is not asked all the time.
_RETRY_FIRST_S = 1.0


class Looking:
    """Calls ``look`` when it is woken, and every ``period_s``; what it fails at is counted in ``ledger``.

    After failures it waits ``retry_last_s`` at most.
    """

    def __init__(
        self,
        name: str,
        look: Callable[[], Awaitable[None]],
        ledger: Ledger,
        period_s: float,
        *,
        retry_last_s: float,
    ) -> None:
        self._name = name
        self._look = look
        self._ledger = ledger
        self._period_s = period_s
        self._backoff = Backoff(_RETRY_FIRST_S, retry_last_s, Random(0))
        self._work = asyncio.Event()
        self._at_once = asyncio.Event()
        self._looked = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look."""
        self._task = asyncio.create_task(self._run(), name=self._name)

    async def stop(self) -> None:
        """Look no more; what is under way ends where it waits."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    def wake(self) -> None:
        """Look soon."""
        self._work.set()

    async def settled(self) -> None:
        """Return when it has looked, and nothing woke it again meanwhile; also if it failed."""
        self._looked.clear()
        self._work.set()
        self._at_once.set()
        await self._looked.wait()

    async def _run(self) -> None:
        failures = 0
        while True:
            await _set_within(self._work, self._period_s)
            self._work.clear()
            self._at_once.clear()
            try:
                await self._look()
            except StoreError as error:  # what could not move stays where it is, and is moved later
                failures += 1
                self._ledger.failures += 1
                swallowed(log, "conversations could not be moved, to be tried again", error, retries=failures)
                if not self._at_once.is_set():
                    self._looked.set()
                await _set_within(self._at_once, self._backoff.wait_s(failures))
                continue
            failures = 0
            if not self._work.is_set():
                self._looked.set()


async def _set_within(event: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
