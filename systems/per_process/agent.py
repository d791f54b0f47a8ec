"""The agents that have a process each: whoever asks for a session is passed on to its process."""

from __future__ import annotations

import asyncio
import pickle
import time
from collections import OrderedDict
from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

import msgspec

from systems.engines.interface import Engine
from systems.errors import BadInput, DeadlineExceeded, SystemClosed
from systems.interface import AsyncSystem, Counters, Reply, Request, TokenSink
from systems.mechanisms.sessions import Sessions
from systems.per_process import frames
from systems.per_process.description import DESCRIPTION
from systems.per_process.process import AgentProcess
from systems.per_process.settings import PerProcessSettings


class PerProcess(AsyncSystem):
    """Starts a process for a session on its first turn: the traditional agent, on an engine of its own.

    The engine that is injected here is never loaded: each process makes its own by the same settings. They share the
    memory file, each using the rows of its session, and whatever files they map: a model's weights above all.
    """

    summary = DESCRIPTION.summary
    Settings: ClassVar[type[msgspec.Struct]] = PerProcessSettings

    def __init__(self, settings: PerProcessSettings, engine: Engine, data_dir: Path) -> None:
        self._settings = settings
        self._engine = engine
        self._data_dir = data_dir
        self._made = b""
        self._agents: OrderedDict[str, AgentProcess] = OrderedDict()
        self._starts = Sessions()
        self._left: list[Counters] = []
        self._deadlines_exceeded = 0
        self._running = False

    async def start(self) -> None:
        """Make ready to start processes. Raises `BadInput` for an engine that no other process can be given."""
        try:
            self._made = frames.packed(frames.AgentMade(self._settings, self._engine, self._data_dir))
        except (TypeError, AttributeError, pickle.PicklingError) as error:
            name = self._engine.name
            raise BadInput(f"The engine {name} cannot be made again in another process: {error}.") from error
        self._running = True

    async def answer(self, request: Request, on_token: TokenSink | None = None) -> Reply:
        """Answer one request in the process of its session, which is started if it does not run.

        Raises what the agent raises, `DeadlineExceeded`, and `SystemFailed` if the process ends meanwhile: the next
        turn of the session starts another.
        """
        arrived = time.perf_counter()
        try:
            async with asyncio.timeout(request.deadline_s):
                agent = await self._agent(request.session)
                asked_s = time.perf_counter() - arrived
                reply = await agent.answer(request, on_token)
        except TimeoutError as error:
            self._deadlines_exceeded += 1
            raise DeadlineExceeded(f"No reply within {request.deadline_s:g} s.") from error
        first = None if reply.first_token_s is None else asked_s + reply.first_token_s
        return msgspec.structs.replace(reply, first_token_s=first, total_s=time.perf_counter() - arrived)

    def counters(self) -> Counters:
        """Return what all processes counted, also those that have ended."""
        total = _sum([*self._left, *(agent.counters for agent in self._agents.values())])
        total.deadline_exceeded += self._deadlines_exceeded
        return total

    async def close(self) -> None:
        """Close every agent and wait until its process has ended; every turn was saved before it was acknowledged."""
        self._running = False
        while self._agents:
            agents = [self._agents.popitem()[1] for _ in range(len(self._agents))]
            await asyncio.gather(*(self._close(agent) for agent in agents))

    async def _agent(self, session: str) -> AgentProcess:
        async with self._starts.turn(session):
            self._require_running()
            agent = self._agents.get(session)
            if agent is None or not agent.runs:
                if agent is not None:
                    await self._close(agent)
                agent = await AgentProcess.start(self._made)
                if not self._running:  # everything was closed meanwhile, but for this one
                    await agent.close()
                self._require_running()
                self._agents[session] = agent
            self._agents.move_to_end(session)
        await self._make_room()
        return agent

    def _require_running(self) -> None:
        if not self._running:
            raise SystemClosed("The agents are not running.")

    async def _make_room(self) -> None:
        """End the agents that were asked least recently, as long as there are too many and nobody waits for them."""
        for session, agent in list(self._agents.items()):
            if len(self._agents) <= self._settings.sessions:
                return
            if not agent.is_asked and self._agents.get(session) is agent:
                del self._agents[session]
                await self._close(agent)

    async def _close(self, agent: AgentProcess) -> None:
        await agent.close()
        self._left = [_sum([*self._left, agent.counters])]


def _sum(counted: Iterable[Counters]) -> Counters:
    total = Counters()
    for each in counted:
        for name in Counters.__struct_fields__:
            setattr(total, name, getattr(total, name) + getattr(each, name))
    return total
