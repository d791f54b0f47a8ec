"""What every endpoint shares: the hosted system, its bounds, and the turns under way."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from systems.errors import Refused
from systems.interface import TokenSink
from systems.server.guard import Guard
from systems.server.hosting import Host
from systems.server.settings import ServerSettings

T = TypeVar("T")

_STOPPING_S = 10.0  # when a client may try again at a server that stops: it may be started anew


class Service:
    """A hosted system, under the name ``model``, for the endpoints. Raises what `Guard` raises."""

    def __init__(self, host: Host, settings: ServerSettings, model: str) -> None:
        self.host = host
        self.settings = settings
        self.model = model
        self.guard = Guard(settings)
        self.connections = 0
        self.stopping = False
        self._turns = 0
        self._idle = asyncio.Event()
        self._idle.set()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Count a turn as under way. Raises `Refused`."""
        if self.stopping:
            raise Refused("the server is stopping", _STOPPING_S)
        self._turns += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._turns -= 1
            if not self._turns:
                self._idle.set()

    async def finish(self) -> None:
        """Take no more turns, and wait for those under way."""
        self.stopping = True
        await self._idle.wait()


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
