"""The pool of agents. An agent is a live conversation: its history as objects, ready for the next turn.

What else a turn needs (the model, the memory file, the dictionaries) belongs to all agents, so to make one costs
microseconds. What a pool brings are bounds: on turns at work, on conversations that are live, on how long one waits.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from systems.errors import Refused
from systems.mechanisms.admission import Admitting


class AgentPool:
    """At most ``agents`` turns at work, of those that ``inside`` lets in; a turn waits ``wait_s`` at most for a place.

    Places are given in the order in which they are asked for. Used from one event loop. Not ``noting``, nobody will ask
    who is idle. ``clock`` tells seconds since the epoch.
    """

    def __init__(
        self,
        inside: Admitting,
        agents: int,
        wait_s: float,
        *,
        noting: bool = True,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.agents = agents
        self._inside = inside
        self._wait_s = wait_s
        self._noting = noting
        self._clock = clock
        self._places = asyncio.Semaphore(agents)
        self._used: dict[str, float] = {}
        self.at_work = 0
        self.waiting = 0
        self.most_at_work = 0
        self.waited_s = 0.0
        self.refused = 0

    def turn(self) -> AbstractAsyncContextManager[None]:
        """Count one turn in, from arrival to reply. Raises `Refused` where there is no room."""
        return self._inside.turn()

    @asynccontextmanager
    async def place(self, talk: str) -> AsyncIterator[None]:
        """Be at work on a turn of the conversation ``talk``. Raises `Refused` if no place is free in time."""
        await self._place()
        self.at_work += 1
        self.most_at_work = max(self.most_at_work, self.at_work)
        try:
            yield
        finally:
            self.at_work -= 1
            self._places.release()
            if self._noting:  # at the end, when the conversation is live
                self.use(talk)

    def slot(self) -> AbstractAsyncContextManager[None]:
        """Hold one of the engine's places."""
        return self._inside.slot()

    def use(self, talk: str) -> None:
        """Note that the conversation ``talk`` is used now."""
        self._used[talk] = self._clock()

    def idle(self, seconds: float, least: int, live: Callable[[str], bool]) -> set[str]:
        """Return the live conversations that nobody used for ``seconds``; ``least`` live ones at least are left."""
        self._used = {talk: at for talk, at in self._used.items() if live(talk)}
        before = self._clock() - seconds
        spare = sorted(self._used, key=lambda talk: self._used[talk])[: max(0, len(self._used) - least)]
        return {talk for talk in spare if self._used[talk] <= before}

    async def _place(self) -> None:
        began = time.perf_counter()
        self.waiting += 1
        try:
            async with asyncio.timeout(self._wait_s):
                await self._places.acquire()
        except TimeoutError:
            self.refused += 1
            raise Refused(f"all {self.agents} agents are at work", self._wait_s) from None
        finally:
            self.waiting -= 1
            self.waited_s += time.perf_counter() - began
