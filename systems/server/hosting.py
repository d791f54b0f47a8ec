"""Where a system runs: one asynchronous face for blocking and asynchronous systems alike.

Hosted *alone*, a blocking system runs on one thread behind a queue, one request at a time, so that connections,
pings and timers stay alive and what is measured is the agent. Hosted *in the loop*, the published sense of
"traditional", it stalls everything while it answers.
"""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

from systems.errors import BadInput, DeadlineExceeded, SystemClosed
from systems.interface import (
    AsyncSystem,
    BlockingSystem,
    Counters,
    Keeper,
    Reply,
    Request,
    System,
    SystemMetric,
    Telling,
    TokenSink,
)

Hosting = Literal["alone", "in-loop"]


class Host(ABC):
    """A running system. Use as an asynchronous context manager: entering starts it, leaving closes it."""

    async def __aenter__(self) -> Host:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @abstractmethod
    async def start(self) -> None:
        """Start the system."""

    @abstractmethod
    async def answer(self, request: Request, on_token: TokenSink | None = None) -> Reply:
        """Answer one request; ``on_token`` is called in the event loop, in order."""

    @abstractmethod
    def counters(self) -> Counters:
        """Return the system's counters."""

    def metrics(self) -> list[SystemMetric]:
        """Return what else the system tells of itself."""
        return []

    @property
    def keeper(self) -> Keeper | None:
        """The system, if one may look into what it keeps of conversations."""
        return None

    @abstractmethod
    async def close(self) -> None:
        """Close the system."""


def host(system: System, hosting: Hosting | None = None) -> Host:
    """Return a host for ``system``; ``hosting`` matters to blocking systems only, and is "alone" by default."""
    if isinstance(system, AsyncSystem):
        return _AsyncHost(system)
    if isinstance(system, BlockingSystem):
        return _InLoopHost(system) if hosting == "in-loop" else _AloneHost(system)
    raise BadInput(f"{type(system).__name__} is neither a BlockingSystem nor an AsyncSystem.")


def into_loop(on_token: TokenSink | None) -> TokenSink | None:
    """Return a sink that may be called from any thread and passes tokens on in the event loop."""
    if on_token is None:
        return None
    loop = asyncio.get_running_loop()
    waiting: deque[str] = deque()

    def pass_on() -> None:
        while waiting:
            on_token(waiting[0])
            waiting.popleft()

    def hand_over(token: str) -> None:
        waiting.append(token)
        # Waking the loop costs a system call; it is awake until it has found nothing waiting.
        if len(waiting) == 1:
            loop.call_soon_threadsafe(pass_on)

    return hand_over


def _in_time(system: BlockingSystem, request: Request, on_token: TokenSink | None, arrived: float) -> Reply:
    """Answer within the request's deadline: a caller who has left is not served, and a late reply is no reply."""

    def check() -> None:
        if request.deadline_s is not None and time.perf_counter() - arrived > request.deadline_s:
            raise DeadlineExceeded(f"No reply within {request.deadline_s:g} s.")

    check()
    reply = system.answer(request, on_token)
    check()
    return reply


class _AsyncHost(Host):
    def __init__(self, system: AsyncSystem) -> None:
        self._system = system

    async def start(self) -> None:
        await self._system.start()

    async def answer(self, request: Request, on_token: TokenSink | None = None) -> Reply:
        return await self._system.answer(request, into_loop(on_token))

    def counters(self) -> Counters:
        return self._system.counters()

    def metrics(self) -> list[SystemMetric]:
        return self._system.metrics() if isinstance(self._system, Telling) else []

    @property
    def keeper(self) -> Keeper | None:
        return self._system if isinstance(self._system, Keeper) else None

    async def close(self) -> None:
        await self._system.close()


class _InLoopHost(Host):
    def __init__(self, system: BlockingSystem) -> None:
        self._system = system

    async def start(self) -> None:
        self._system.start()

    async def answer(self, request: Request, on_token: TokenSink | None = None) -> Reply:
        return _in_time(self._system, request, on_token, time.perf_counter())

    def counters(self) -> Counters:
        return self._system.counters()

    async def close(self) -> None:
        self._system.close()


class _AloneHost(Host):
    def __init__(self, system: BlockingSystem) -> None:
        self._system = system
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="system")
        self._closed = False

    async def start(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self._system.start)

    async def answer(self, request: Request, on_token: TokenSink | None = None) -> Reply:
        if self._closed:
            raise SystemClosed("The system is closed.")
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._thread, _in_time, self._system, request, into_loop(on_token), time.perf_counter()
        )

    def counters(self) -> Counters:
        return self._system.counters()

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._system.close)
        finally:
            self._thread.shutdown()
