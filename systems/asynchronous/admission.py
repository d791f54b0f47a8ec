"""Admission: how many generations run at once, how many may wait, and for how long.

More callers than the engine can serve at once only cost memory and order, so the default limit is what the engine
can use. A request that cannot be queued is refused with a type and a time to come back, never with a reply.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from systems.errors import DeadlineExceeded, Refused


class Admission:
    """At most ``limit`` holders of `slot` at once and ``queue_limit`` waiting, first come first served."""

    def __init__(self, limit: int, queue_limit: int) -> None:
        self._limit = limit
        self._queue_limit = queue_limit
        self._semaphore = asyncio.Semaphore(limit)
        self._inside = 0
        self._typical_s = 1.0

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Count one turn in, from arrival to reply. Raises `Refused` when running and waiting turns fill the bound."""
        if self._inside >= self._limit + self._queue_limit:
            raise Refused("the queue is full", self._typical_s)
        self._inside += 1
        try:
            yield
        finally:
            self._inside -= 1

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Hold one of the engine's places, waiting for it in order of arrival."""
        async with self._semaphore:
            began = time.perf_counter()
            try:
                yield
            finally:
                # A moving average is enough to tell a refused caller when to come back.
                self._typical_s += 0.2 * (time.perf_counter() - began - self._typical_s)


class Unbounded:
    """No admission: every turn enters, every generation is started at once."""

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Let the turn in."""
        yield

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Let the generation start."""
        yield


@asynccontextmanager
async def deadline(seconds: float) -> AsyncIterator[None]:
    """Bound what runs inside to ``seconds``. Raises `DeadlineExceeded`."""
    try:
        async with asyncio.timeout(seconds) as scope:
            yield
    except TimeoutError as error:
        if not scope.expired():
            raise
        raise DeadlineExceeded(f"No reply within {seconds:g} s.") from error
