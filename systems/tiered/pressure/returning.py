"""Memory given back to the system: what Python has freed, the C library keeps unless it is asked.

Freed blocks stay in the library's arenas for the next allocation, so that a process whose caches shrank still counts as
large against its limit. glibc's ``malloc_trim`` returns whole free pages from everywhere in its arenas.
"""

from __future__ import annotations

import asyncio
import ctypes
import time
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

from systems.mechanisms.memory_in_use import process_bytes


class Returned(NamedTuple):
    """What came of giving back: by how many bytes the process shrank, and how many seconds it took."""

    bytes: int
    seconds: float


def can_give_back() -> bool:
    """Say whether the C library can be asked: glibc can, musl and other systems' libraries cannot."""
    return _malloc_trim() is not None


def give_back() -> Returned | None:
    """Return free pages to the system and say how much came of it; None where the C library cannot.

    Takes milliseconds for each 100 MiB, without the interpreter's lock: call it off the loop.
    """
    trim = _malloc_trim()
    if trim is None:
        return None
    began, before = time.perf_counter(), process_bytes()
    trim(0)
    return Returned(max(0, before - process_bytes()), time.perf_counter() - began)


class Returning:
    """Gives back in a thread, at most once every ``every_s`` seconds, never twice at once."""

    def __init__(self, every_s: float = 5.0) -> None:
        self._every_s = every_s
        self._last_s: float | None = None
        self._running: asyncio.Task[Returned | None] | None = None
        self.times = 0
        self.bytes = 0
        """By how much the process shrank in all."""
        self.seconds = 0.0

    async def give_back(self) -> Returned | None:
        """Give back, or return None when the last time was too short ago or the C library cannot."""
        if self._running is None:
            now_s = time.monotonic()
            if not can_give_back() or (self._last_s is not None and now_s - self._last_s < self._every_s):
                return None
            self._last_s = now_s
            self._running = asyncio.create_task(asyncio.to_thread(give_back), name="give memory back")
            self._running.add_done_callback(self._finished)
        return await asyncio.shield(self._running)

    async def close(self) -> None:
        """Wait for one that is under way."""
        if self._running is not None:
            await asyncio.wait([self._running])

    def _finished(self, task: asyncio.Task[Returned | None]) -> None:
        self._running = None
        returned = None if task.cancelled() else task.result()
        if returned is not None:
            self.times += 1
            self.bytes += returned.bytes
            self.seconds += returned.seconds


@cache
def _malloc_trim() -> Callable[[int], int] | None:
    try:
        found: Callable[[int], int] = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):  # no such function, or a system that does not open itself by None
        return None
    return found
