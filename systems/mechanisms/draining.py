"""Draining: who stops waits until everything under way has ended."""

from __future__ import annotations

import asyncio


class UnderWay:
    """Counts what is under way: ``with`` counts one. Used from one event loop."""

    __slots__ = ("_idle", "count")

    def __init__(self) -> None:
        self.count = 0
        self._idle = asyncio.Event()
        self._idle.set()

    def __enter__(self) -> None:
        self.count += 1
        self._idle.clear()

    def __exit__(self, *_: object) -> None:
        self.count -= 1
        if not self.count:
            self._idle.set()

    async def end(self) -> None:
        """Wait until nothing is under way; what begins meanwhile is waited for too."""
        await self._idle.wait()
