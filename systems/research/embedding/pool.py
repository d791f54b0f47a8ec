"""A pool of processes, as the standard library has it: each brings an interpreter and an encoder of its own."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from functools import partial

from systems.errors import EngineBusy
from systems.research.embedding import pooled
from systems.research.embedding.work import RelevanceWork, file_of
from systems.research.embedding.workplace import Workplace

_ENDED = "A process that was to make relevance ended while it started."


class InProcesses(Workplace):
    """So many processes, started when the first work comes; an encoder has one thread in each.

    They are spawned: a fork would copy whatever locks this process's threads hold. None is replaced for its age, which
    deadlocks in the library. When one dies, the library ends them all and fails what all of them did; the next work has
    a new pool. All end with `close`, and with this process, however it ends.
    """

    def __init__(self, encoder: str | None, processes: int) -> None:
        super().__init__(processes)
        self._named, self._processes = encoder, processes
        self._encoder: str | None = None
        self._pool: ProcessPoolExecutor | None = None
        self._starting: asyncio.Task[ProcessPoolExecutor] | None = None
        self._ending: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Start the processes, and wait until each has loaded its encoder."""
        self.require_open()
        await self._running()

    async def done(self, work: RelevanceWork) -> bytes:
        """Do ``work`` in whichever process is free."""
        while True:
            pool = await self._running()
            try:
                doing = asyncio.get_running_loop().run_in_executor(pool, pooled.done, self._encoder, work)
                break
            except BrokenProcessPool:  # one died while there was nothing to do
                self._let_go(pool, kill=True)
        try:
            return await doing
        except BrokenProcessPool as error:
            self._let_go(pool, kill=True)
            raise EngineBusy("A process that made relevance ended by itself; whoever asks again has others.") from error

    async def close(self) -> None:
        """Wait for what the processes are doing, and end them."""
        self.closed = True
        if self._starting is not None:
            await asyncio.wait({self._starting})
        if self._pool is not None:
            self._let_go(self._pool)
        if self._ending:
            await asyncio.wait(self._ending)

    async def _running(self) -> ProcessPoolExecutor:
        """Return the pool, whose processes are ready. Of many who wait for it, one who leaves takes it from nobody."""
        if self._pool is not None:
            return self._pool
        if self._starting is None or self._starting.done():
            self._starting = asyncio.create_task(self._started(), name="start of a pool")
            self._starting.add_done_callback(_seen)
        pool = await asyncio.shield(self._starting)
        self.require_open()
        return pool

    async def _started(self) -> ProcessPoolExecutor:
        self._encoder = await asyncio.to_thread(file_of, self._named)
        pool, first = await asyncio.to_thread(self._spawned)
        if len(first) < self._processes:
            self._let_go(pool, kill=True)
            raise EngineBusy(_ENDED)
        try:
            seen = set(await asyncio.gather(*map(asyncio.wrap_future, first)))
            loop = asyncio.get_running_loop()
            while len(seen) < self._processes:
                more = [loop.run_in_executor(pool, pooled.ready, self._encoder) for _ in range(self._processes)]
                seen.update(await asyncio.gather(*more))
        except BrokenProcessPool as error:
            self._let_go(pool, kill=True)
            raise EngineBusy(_ENDED) from error
        except BaseException:
            self._let_go(pool, kill=True)
            raise
        self._pool = pool
        return pool

    def _spawned(self) -> tuple[ProcessPoolExecutor, list[Future[int]]]:
        """Return a new pool, and what each of its processes will say when it is ready; fewer if one died."""
        pool = ProcessPoolExecutor(
            self._processes,
            multiprocessing.get_context("spawn"),
            initializer=pooled.begin,
            initargs=(os.getpid(), self._encoder),
        )
        # An interrupt from a terminal is this process's to hear: who is started while it is blocked never hears one.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        first: list[Future[int]] = []
        try:
            # Where one has died already the library may find its own pipe closed.
            with suppress(BrokenProcessPool, OSError):
                while len(first) < self._processes:
                    first += [pool.submit(pooled.ready, self._encoder)]
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return pool, first

    def _let_go(self, pool: ProcessPoolExecutor, *, kill: bool = False) -> None:
        """End ``pool`` beside whatever comes next, and its processes whatever they do; `close` waits for that."""
        if self._pool is pool:
            self._pool = None
        end = partial(_kill, pool) if kill else pool.shutdown
        ending = asyncio.create_task(asyncio.to_thread(end), name="end of a pool")
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)


def _kill(pool: ProcessPoolExecutor) -> None:
    """End a pool of which a process died, with the others.

    The library ends those that it knows of at that moment and then waits for all: for one that was just being started
    it would wait for ever.
    """
    for process in list((pool._processes or {}).values()):
        process.kill()
    pool.shutdown()


def _seen(task: asyncio.Task[ProcessPoolExecutor]) -> None:
    """Look at how ``task`` ended: those who waited for it may all have left."""
    if not task.cancelled():
        task.exception()
