"""Single flight: the same question asked again while it is being answered waits for that answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

from systems.asynchronous.wanted import Wanted

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """Runs one call a key at a time; others with the key share its result or its exception. One event loop.

    A waiter that is cancelled leaves the call to the others; when the last one leaves, the call is cancelled. What the
    first caller's `Wanted` says holds for the call, and is extended by whoever joins.
    """

    def __init__(self) -> None:
        self._flights: dict[str, tuple[asyncio.Task[T], Wanted, list[None]]] = {}

    async def do(self, key: str, wanted: Wanted, call: Callable[[], Coroutine[Any, Any, T]]) -> tuple[T, bool]:
        """Return the result of ``call`` and whether this caller led (true) or joined another's call (false)."""
        flight = self._flights.get(key)
        leads = flight is None
        if flight is None:
            task = asyncio.create_task(call())
            flight = self._flights[key] = (task, wanted, [])
            task.add_done_callback(lambda done: self._landed(key, done))
        task, shared, waiters = flight
        waiters.append(None)
        shared.join(wanted)
        try:
            return await asyncio.shield(task), leads
        finally:
            waiters.pop()
            if not waiters and not task.done():
                # Nobody waits any more: a later caller with this key must start afresh.
                self._landed(key, task)
                task.cancel()

    def _landed(self, key: str, task: asyncio.Task[T]) -> None:
        if self._flights.get(key, (None,))[0] is task:
            del self._flights[key]
