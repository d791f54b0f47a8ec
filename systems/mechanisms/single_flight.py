"""Single flight: the same question asked again while it is being answered waits for that answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from functools import partial
from typing import Any, Generic, NamedTuple, TypeVar

from systems.mechanisms.wanted import Wanted

T = TypeVar("T")


class _Flight(NamedTuple, Generic[T]):
    task: asyncio.Task[T]
    wanted: Wanted
    waiters: list[asyncio.Future[T]]


class SingleFlight(Generic[T]):
    """Runs one call a key at a time; others with the key share its result or its exception. One event loop.

    A waiter that is cancelled leaves the call to the others; when the last one leaves, the call is cancelled. What the
    first caller's `Wanted` says holds for the call, and is extended by whoever joins.
    """

    def __init__(self) -> None:
        self._flights: dict[Hashable, _Flight[T]] = {}

    async def do(self, key: Hashable, wanted: Wanted, call: Callable[[], Coroutine[Any, Any, T]]) -> tuple[T, bool]:
        """Return the result of ``call`` and whether this caller led (true) or joined another's call (false)."""
        flight = self._flights.get(key)
        leads = flight is None
        if flight is None:
            flight = self._flights[key] = _Flight(asyncio.create_task(call()), wanted, [])
            flight.task.add_done_callback(partial(self._landed, key, flight))
        flight.wanted.join(wanted)
        result: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        flight.waiters.append(result)
        try:
            return await result, leads
        finally:
            flight.waiters.remove(result)
            if not flight.waiters and not flight.task.done():
                # Nobody waits any more: a later caller with this key must start afresh.
                self._forget(key, flight)
                flight.task.cancel()

    def _landed(self, key: Hashable, flight: _Flight[T], task: asyncio.Task[T]) -> None:
        self._forget(key, flight)
        error = None if task.cancelled() else task.exception()
        for result in flight.waiters:
            if result.done():
                continue
            if task.cancelled():
                result.cancel()
            elif error is not None:
                result.set_exception(error)
            else:
                result.set_result(task.result())

    def _forget(self, key: Hashable, flight: _Flight[T]) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]
