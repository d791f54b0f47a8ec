"""Admission: how many generations run at once, how many may wait, and for how long.

More callers than the engine can serve at once only cost memory and order, so the default limit is what the engine
can use. A request that cannot be queued is refused with a type and a time to come back, never with a reply.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any, Protocol

from systems.errors import DeadlineExceeded, Refused


class Admitting(Protocol):
    """Lets turns in, and generations start."""

    def turn(self) -> AbstractAsyncContextManager[None]:
        """Count one turn in, from arrival to reply. Raises `Refused` where there is no room."""
        ...

    def place(self, talk: str) -> AbstractAsyncContextManager[None]:
        """Be at work on a turn of the conversation ``talk``, when those before it have ended. Raises `Refused`."""
        ...

    def slot(self) -> AbstractAsyncContextManager[None]:
        """Hold one of the engine's places."""
        ...


class Admission:
    """At most ``limit`` holders of `slot` at once and ``queue_limit`` waiting, first come first served."""

    def __init__(self, limit: int, queue_limit: int) -> None:
        self._most = limit + queue_limit
        self._semaphore = asyncio.Semaphore(limit)
        self._inside = 0
        self._typical_s = 1.0

    def turn(self) -> AbstractAsyncContextManager[None]:
        """Count one turn in, from arrival to reply. Raises `Refused` when running and waiting turns fill the bound."""
        return _Turn(self)

    def place(self, talk: str) -> AbstractAsyncContextManager[None]:  # noqa: ARG002 - as `Admitting`
        """Be at work on a turn: as many are as were counted in."""
        return nullcontext()

    def slot(self) -> AbstractAsyncContextManager[None]:
        """Hold one of the engine's places, waiting for it in order of arrival."""
        return _Slot(self)


# Classes, because every turn enters each once, and a generator's context takes three times as long.


class _Turn(AbstractAsyncContextManager[None]):
    __slots__ = ("_admission",)

    def __init__(self, admission: Admission) -> None:
        self._admission = admission

    async def __aenter__(self) -> None:
        admission = self._admission
        if admission._inside >= admission._most:
            raise Refused("the queue is full", admission._typical_s)
        admission._inside += 1

    async def __aexit__(self, *_: object) -> None:
        self._admission._inside -= 1


class _Slot(AbstractAsyncContextManager[None]):
    __slots__ = ("_admission", "_began")

    def __init__(self, admission: Admission) -> None:
        self._admission = admission

    async def __aenter__(self) -> None:
        await self._admission._semaphore.acquire()
        self._began = time.perf_counter()

    async def __aexit__(self, *_: object) -> None:
        admission = self._admission
        # A moving average is enough to tell a refused caller when to come back.
        admission._typical_s += 0.2 * (time.perf_counter() - self._began - admission._typical_s)
        admission._semaphore.release()


class Unbounded:
    """No admission: every turn enters, every generation is started at once."""

    def turn(self) -> AbstractAsyncContextManager[None]:
        """Let the turn in."""
        return nullcontext()

    def place(self, talk: str) -> AbstractAsyncContextManager[None]:  # noqa: ARG002 - as `Admitting`
        """Let the turn be at work."""
        return nullcontext()

    def slot(self) -> AbstractAsyncContextManager[None]:
        """Let the generation start."""
        return nullcontext()


class deadline(AbstractAsyncContextManager[None]):  # noqa: N801 - as `asyncio.timeout`
    """Bound what runs inside to ``seconds``. Raises `DeadlineExceeded`."""

    __slots__ = ("_scope", "_seconds")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._scope = asyncio.timeout(seconds)

    async def __aenter__(self) -> None:
        await self._scope.__aenter__()

    async def __aexit__(self, *raised: Any) -> None:
        try:
            await self._scope.__aexit__(*raised)
        except TimeoutError as error:
            raise DeadlineExceeded(f"No reply within {self._seconds:g} s.") from error
