"""Where the work of making relevance is done: in the event loop, or on a thread."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod

from systems.errors import SystemClosed
from systems.mechanisms.isolation import Executors
from systems.research.embedding.work import RelevanceWork, RelevanceWorker


class Workplace(ABC):
    """Does pieces of work for one event loop, at most ``lanes`` at once; whoever else asks waits, in order.

    A caller who is cancelled while waiting leaves the row. The piece that is being done for one who is cancelled is
    done to its end, and takes its place until then: whoever cuts work into pieces bounds that time.
    """

    def __init__(self, lanes: int) -> None:
        self.lanes = lanes
        self.closed = False
        self.places = asyncio.Semaphore(lanes)

    @abstractmethod
    async def start(self) -> None:
        """Make ready what the work needs, which the first piece would do otherwise. Raises as `do`."""

    async def do(self, work: RelevanceWork) -> bytes:
        """Return what `RelevanceWorker.do` returns.

        Raises `ModelError` and its like for an encoder that cannot be had, `EngineError` for work that failed,
        `EngineBusy` where a process ended while it did it, and `SystemClosed`.
        """
        async with self.places:
            self.require_open()
            return await self.done(work)

    @abstractmethod
    async def done(self, work: RelevanceWork) -> bytes:
        """Do ``work``, which has a place. Raises as `do`."""

    @abstractmethod
    async def close(self) -> None:
        """End everything that was started; who waits for a place then is told `SystemClosed`."""

    def require_open(self) -> None:
        """Raise `SystemClosed` where nothing more is done here."""
        if self.closed:
            raise SystemClosed("Relevance is not made any more.")


class InLoop(Workplace):
    """The traditional way: the work is done where it is asked for, and the event loop does nothing else meanwhile."""

    def __init__(self, encoder: str | None, threads: int) -> None:
        super().__init__(1)
        self._worker = RelevanceWorker(encoder, threads)

    async def start(self) -> None:
        """Load the encoder."""
        self.require_open()
        self._worker.load()

    async def done(self, work: RelevanceWork) -> bytes:
        """Do ``work`` at once."""
        return self._worker.do(work)

    async def close(self) -> None:
        """Free the encoder."""
        self.closed = True
        self._worker.close()


class OnThread(Workplace):
    """A thread of this process, so long as the work is not Python that holds the interpreter's lock."""

    def __init__(self, encoder: str | None, threads: int) -> None:
        super().__init__(1)
        self._worker = RelevanceWorker(encoder, threads)
        self._executors = Executors({"relevance": 1})

    async def start(self) -> None:
        """Load the encoder on the thread."""
        async with self.places:
            self.require_open()
            await self._executors.run("relevance", self._worker.load)

    async def done(self, work: RelevanceWork) -> bytes:
        """Do ``work`` on the thread."""
        return await self._executors.run("relevance", self._worker.do, work)

    async def close(self) -> None:
        """Wait for what the thread is doing, end it, and free the encoder."""
        self.closed = True
        async with self.places:
            await asyncio.to_thread(self._executors.close)
            await asyncio.to_thread(self._worker.close)
