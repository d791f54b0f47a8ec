"""I/O isolation: blocking work leaves the event loop for bounded executors, one per kind of work.

One pool for everything, as published, lets ten slow generations starve a one-millisecond lookup. A pool a kind
bounds each, and none can take another's threads.

Waking a thread or the event loop costs more than most of the work that leaves it. A thread is woken by the one woken
before it, if there is still a call to take; results that are ready before the loop has answered one wake-up come back
with it.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Executors:
    """Runs blocking functions on threads: at most ``threads[kind]`` of each kind at once, the rest wait in order.

    With ``isolated`` false the function runs where it is called, in the event loop: the traditional way.
    """

    def __init__(self, threads: Mapping[str, int], *, isolated: bool = True) -> None:
        self._threads = dict(threads)
        self._isolated = isolated
        self._pools: dict[str, _Pool] = {}

    async def run(self, kind: str, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return ``function(*args, **kwargs)``, computed on a thread of ``kind``; its exceptions pass through.

        A call that was cancelled before a thread took it up is never made.
        """
        if not self._isolated:
            return function(*args, **kwargs)
        if kind not in self._pools:
            self._pools[kind] = _Pool(kind, self._threads[kind], asyncio.get_running_loop())
        result: T = await self._pools[kind].submit(partial(function, *args, **kwargs))
        return result

    def close(self) -> None:
        """Wait for running work, cancel what has not begun, and end the threads."""
        for pool in self._pools.values():
            pool.close()
        self._pools.clear()


class _Call(NamedTuple):
    future: asyncio.Future[Any]
    function: Callable[[], Any]


class _Result(NamedTuple):
    future: asyncio.Future[Any]
    value: Any
    error: BaseException | None


class _Pool:
    """Threads that take calls from one queue and hand their results to one event loop.

    The queue, the results and the idle threads' bells need no lock: each is changed by single operations that the
    interpreter does not interrupt. The thread that went to sleep last is woken first.
    """

    def __init__(self, name: str, most: int, loop: asyncio.AbstractEventLoop) -> None:
        self._name = name
        self._most = most
        self._loop = loop
        self._calls: deque[_Call] = deque()
        self._results: deque[_Result] = deque()
        self._threads: list[threading.Thread] = []
        self._idle: list[threading.Lock] = []
        self._unfinished = 0
        self._rousing = False
        self._waking = False
        self._closed = False

    def submit(self, function: Callable[[], Any]) -> asyncio.Future[Any]:
        future = self._loop.create_future()
        self._unfinished += 1
        self._calls.append(_Call(future, function))
        # Threads are made when they are needed: an idle kind costs nothing.
        if len(self._threads) < min(self._most, self._unfinished):
            thread = threading.Thread(target=self._work, name=f"{self._name}_{len(self._threads)}", daemon=True)
            self._threads.append(thread)
            thread.start()
        elif not self._rousing:
            self._rouse()
        return future

    def close(self) -> None:
        self._closed = True
        while self._idle:
            self._rouse()
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        bell = threading.Lock()
        bell.acquire()
        while True:
            try:
                call = self._calls.popleft()
            except IndexError:
                if self._closed:
                    return
                self._sleep(bell)
                continue
            if self._calls and not self._rousing:
                self._rouse()
            self._results.append(_made(call, cancelled=self._closed or call.future.cancelled()))
            if not self._waking:
                self._waking = True
                with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                    self._loop.call_soon_threadsafe(self._hand_over)

    def _rouse(self) -> None:
        with suppress(IndexError):  # nobody sleeps
            bell = self._idle.pop()
            self._rousing = True
            bell.release()

    def _sleep(self, bell: threading.Lock) -> None:
        self._idle.append(bell)
        # What came before the bell was there rang none.
        if self._calls or self._closed:
            self._rouse()
        bell.acquire()
        self._rousing = False

    def _hand_over(self) -> None:
        # Before the first is taken: a result that comes after the last was taken must wake the loop again.
        self._waking = False
        while self._results:
            future, value, error = self._results.popleft()
            self._unfinished -= 1
            if future.cancelled():
                continue
            if error is None:
                future.set_result(value)
            elif isinstance(error, asyncio.CancelledError):
                future.cancel()
            else:
                future.set_exception(error)


def _made(call: _Call, *, cancelled: bool) -> _Result:
    if cancelled:
        return _Result(call.future, None, asyncio.CancelledError())
    try:
        return _Result(call.future, call.function(), None)
    except StopIteration as error:
        # A future refuses this one, because it would end whatever generator awaits it.
        return _Result(call.future, None, RuntimeError(f"The call raised {error!r}."))
    except BaseException as error:  # noqa: BLE001 - whatever the function raises belongs to its caller
        return _Result(call.future, None, error)
