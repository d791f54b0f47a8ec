"""I/O isolation: blocking work leaves the event loop for bounded executors, one per kind of work.

One pool for everything, as published, lets ten slow generations starve a one-millisecond lookup. A pool a kind
bounds each, and none can take another's threads.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Executors:
    """Runs blocking functions on threads: at most ``threads[kind]`` of each kind at once, the rest wait in order.

    With ``isolated`` false the function runs where it is called, in the event loop: the traditional way.
    """

    def __init__(self, threads: Mapping[str, int], *, isolated: bool = True) -> None:
        self._threads = dict(threads)
        self._isolated = isolated
        self._pools: dict[str, ThreadPoolExecutor] = {}

    async def run(self, kind: str, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return ``function(*args, **kwargs)``, computed on a thread of ``kind``; its exceptions pass through."""
        if not self._isolated:
            return function(*args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self._pool(kind), partial(function, *args, **kwargs))

    def close(self) -> None:
        """Wait for running work, drop what has not begun, and end the threads."""
        for pool in self._pools.values():
            pool.shutdown(wait=True, cancel_futures=True)
        self._pools.clear()

    def _pool(self, kind: str) -> ThreadPoolExecutor:
        # Threads are made on first use: an idle kind costs nothing.
        if kind not in self._pools:
            self._pools[kind] = ThreadPoolExecutor(self._threads[kind], thread_name_prefix=kind)
        return self._pools[kind]
