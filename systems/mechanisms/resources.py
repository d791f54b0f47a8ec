"""Lazy loading: a resource is loaded when it is first used, once, however many first uses race."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Resource(Generic[T]):
    """A value that costs time and memory to load. Used from one event loop.

    Uses that arrive while it loads wait for the same load. A failed load is reported to all who waited for it, and
    tried again by the next use. A waiter that is cancelled does not cancel the load.
    """

    def __init__(self, name: str, load: Callable[[], Coroutine[Any, Any, T]]) -> None:
        self.name = name
        self._load = load
        self._loading: asyncio.Task[T] | None = None

    @property
    def loaded(self) -> bool:
        """Whether the value is there, so that using it costs nothing."""
        task = self._loading
        return task is not None and task.done() and not task.cancelled() and task.exception() is None

    async def finish(self) -> None:
        """Wait for a load that is under way, whatever comes of it."""
        if self._loading is not None:
            await asyncio.wait([self._loading])

    async def get(self) -> T:
        """Return the value, loading it first if nobody has."""
        if self._loading is None or (self._loading.done() and not self.loaded):
            self._loading = asyncio.create_task(self._load(), name=f"load {self.name}")
        if self._loading.done():
            return self._loading.result()
        return await asyncio.shield(self._loading)
