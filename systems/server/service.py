"""What every endpoint shares: the hosted system, the bounds on its users, and the turns under way."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from systems.engines.scripted import Scripts
from systems.errors import Refused
from systems.interface import TokenSink
from systems.logs import event, session_digest
from systems.mechanisms.draining import UnderWay
from systems.server.conversation import Conversations
from systems.server.direct import EngineHost
from systems.server.embedding import EmbeddingHost
from systems.server.hosting import Host
from systems.server.metrics import Metrics
from systems.server.responses.store import KeptResponses
from systems.server.settings import ServerSettings
from systems.server.wire.guard import ANYONE, Guard
from systems.turn import commands

log = logging.getLogger(__name__)

T = TypeVar("T")

# When a client may try again, in seconds: at a server that stops, for it may be started anew; where memory is short.
_STOPPING_S, _SHORT_OF_MEMORY_S = 10.0, 5.0


class ServedSystem:
    """A hosted system, under the name ``model``, for the endpoints. Raises what `Guard` raises.

    ``memory_used`` says how much is taken of the memory that this process may use, from 0 to 1. ``scripts`` are those
    of the hosted engine; clients of a server made for experiments may add to them. ``context_tokens`` is how long a
    prompt and its reply may be together, None where that is not known. ``embeddings`` makes vectors for clients that
    ask for them. With ``random_weights`` clients are told that what is said means nothing.
    """

    def __init__(
        self,
        host: Host,
        settings: ServerSettings,
        model: str,
        memory_used: Callable[[], float] | None = None,
        scripts: Scripts | None = None,
        context_tokens: int | None = None,
        embeddings: EmbeddingHost | None = None,
        *,
        random_weights: bool = False,
    ) -> None:
        self.embeddings = embeddings
        self.random_weights = random_weights
        self.host = host
        self.context_tokens = context_tokens
        self.settings = settings
        self.model = model
        self.scripts = scripts
        self.guard = Guard(settings)
        self.conversations = Conversations()
        self.responses = KeptResponses()
        self.metrics = Metrics(host.counters, host.metrics, lambda: (self.connections, self.turns, self.memory))
        if embeddings is not None:
            self.metrics.add(embeddings)
        self.connections = 0
        self.stopping = False
        self.memory = 0.0
        self._memory_used = memory_used
        self._turns = UnderWay()
        self._forms = ThreadPoolExecutor(1, thread_name_prefix="forms")
        self._turns_of: Counter[str] = Counter()
        self._rates: dict[str, _Rate] = {}

    @property
    def turns(self) -> int:
        """How many turns are under way."""
        return self._turns.count

    @property
    def short_of_memory(self) -> bool:
        """Whether work is refused for want of memory."""
        return self.memory > self.settings.shed_above

    @contextmanager
    def connection(self) -> Iterator[None]:
        """Count a WebSocket as open."""
        self.connections += 1
        try:
            yield
        finally:
            self.connections -= 1

    @contextmanager
    def turn(self, user: str, text: str = "") -> Iterator[None]:
        """Count a turn of ``user`` as under way; ``text`` is what an agent is asked.

        Raises `Refused`, and `NotAllowed` for a command that takes an administrator.
        """
        with self.metrics.turn():
            if commands.concerns_everyone(text) and not isinstance(self.host, EngineHost):
                self.guard.check_administrator(user)
            with self.work(user):
                yield

    async def forming(self, user: str, make: Callable[[], T]) -> T:
        """Return what ``make`` returns, which makes a grammar for ``user``: on a thread, one after another.

        It is part of an ask, which is counted when it begins. Raises `Refused`, and what ``make`` raises.
        """
        with self.work(user, part=True):
            return await asyncio.get_running_loop().run_in_executor(self._forms, make)

    @contextmanager
    def work(self, user: str, *, part: bool = False) -> Iterator[None]:
        """Count work for ``user`` as under way, of whatever kind; a ``part`` is no ask more. Raises `Refused`."""
        self._admit(user, part=part)
        self._turns_of[user] += 1
        try:
            with self._turns:
                yield
        finally:
            self._turns_of[user] -= 1

    def bounded(self, max_tokens: int | None) -> int | None:
        """Return how long a reply may be for a client that asks for ``max_tokens``; None is no bound."""
        return min((most for most in (max_tokens, self.settings.max_tokens) if most is not None), default=None)

    def said(self, session: str, text: str, reply: str) -> None:
        """Log what was said, if the server was asked to."""
        if self.settings.log_text:
            event(log, logging.INFO, "said", session=session_digest(session), text=text, reply=reply)

    async def finish(self) -> None:
        """Take no more turns, and wait for those under way."""
        self.stopping = True
        await self._turns.end()
        self._forms.shutdown(wait=False, cancel_futures=True)

    async def watch_memory(self, every_s: float = 0.5) -> None:
        """Look at the memory in use again and again, until cancelled."""
        while self._memory_used is not None:
            before, self.memory = self.short_of_memory, self._memory_used()
            if self.short_of_memory != before:
                name = "memory is short: requests are refused" if not before else "memory suffices again"
                event(log, logging.WARNING, name, used=round(self.memory, 3))
            await asyncio.sleep(every_s)

    def _admit(self, user: str, *, part: bool) -> None:
        if self.stopping:
            raise Refused("the server is stopping", _STOPPING_S)
        if self.short_of_memory:
            raise Refused("memory is short", _SHORT_OF_MEMORY_S)
        if user == ANYONE:  # the machine's own users share no token that could be blamed
            return
        if self._turns_of[user] >= self.settings.asks_per_user:
            raise Refused(f"at most {self.settings.asks_per_user} unanswered asks a user", 1.0)
        rate = self._rates.setdefault(user, _Rate(self.settings.asks_per_minute))
        if (wait_s := rate.take(0 if part else 1)) > 0:
            raise Refused(f"at most {self.settings.asks_per_minute} asks a minute", wait_s)


class _Rate:
    """A token bucket: ``per_minute`` asks at once, and as many each minute."""

    def __init__(self, per_minute: int) -> None:
        self._capacity = self._left = float(per_minute)
        self._per_second = per_minute / 60
        self._at = time.monotonic()

    def take(self, asks: int) -> float:
        """Take so many, one or none, and return 0; or return how many seconds it takes until there is one."""
        now = time.monotonic()
        self._left = min(self._capacity, self._left + (now - self._at) * self._per_second)
        self._at = now
        if self._left < 1:
            return (1 - self._left) / self._per_second
        self._left -= asks
        return 0.0


async def streamed(answer: Callable[[TokenSink], Awaitable[T]], send: Callable[[str], Awaitable[None]]) -> T:
    """Return what ``answer`` returns after everything it streamed was sent; pieces that wait together go as one."""
    pieces: asyncio.Queue[str | None] = asyncio.Queue()

    async def pass_on() -> None:
        piece: str | None = ""
        while piece is not None:
            piece, waiting = await pieces.get(), []
            while piece is not None:
                waiting.append(piece)
                if pieces.empty():
                    break
                piece = pieces.get_nowait()
            if waiting:
                await send("".join(waiting))

    sender = asyncio.create_task(pass_on())
    try:
        try:
            return await answer(pieces.put_nowait)
        finally:
            # Pieces handed over during the last step of the answer are still on their way into the loop.
            await asyncio.sleep(0)
            pieces.put_nowait(None)
            await sender
    finally:
        sender.cancel()
