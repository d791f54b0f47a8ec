"""How bytes come and go, as the reading of pages sees it: the one thing in which the patterns differ.

Everything that decides what a page costs or whether it is refused is written once, as coroutines that wait for nothing
but a `Wire`. On a wire of the event loop they are tasks. On a blocking one no wait ever gives way, so that the same
coroutines run from their first line to their last on whatever thread calls them (`driven`). Two clients would be two
sets of limits, and a comparison between them one of libraries.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar, cast

T = TypeVar("T")

RECEIVED_BYTES = 1 << 14
"""The most that one call of `Channel.receive` returns."""


class Channel(ABC):
    """A connection to a host. Every wait counts against the deadline of the source that waits."""

    @abstractmethod
    async def send(self, data: bytes) -> None:
        """Send ``data``. Raises OSError."""

    @abstractmethod
    async def receive(self) -> bytes:
        """Return what has come; nothing where the other side has ended. Raises OSError."""

    @abstractmethod
    def close(self) -> None:
        """Drop the connection at once."""


class Wire(ABC):
    """What one source waits on. Those of one call share the turns."""

    @abstractmethod
    def begin(self) -> None:
        """Let the source's deadline count from now, if it does not count already."""

    @abstractmethod
    async def look_up(self, host: str, port: int) -> list[str]:
        """Return the addresses of a host, in numbers. Raises OSError."""

    @abstractmethod
    async def connect(self, number: str, port: int, server_name: str | None, within_s: float | None) -> Channel:
        """Connect to an address in numbers; encrypted, with a certificate of ``server_name``, where that is given.

        Raises OSError.
        """

    @abstractmethod
    def adopt(self, channel: Channel) -> None:
        """Take over a connection that was kept: from now on its waits are this source's."""

    @abstractmethod
    async def compute(self, function: Callable[[], T], size: int) -> T:
        """Return what ``function`` makes of ``size`` bytes, without keeping others waiting for long."""

    @abstractmethod
    async def enter_host(self, host: str) -> None:
        """Wait until one more source may ask this host."""

    @abstractmethod
    def leave_host(self, host: str) -> None:
        """Let another source ask it."""

    @abstractmethod
    async def enter_alone(self, what: str) -> None:
        """Wait until no other source is at ``what``."""

    @abstractmethod
    def leave_alone(self, what: str) -> None:
        """Let another source be at it."""

    @asynccontextmanager
    async def turn(self, host: str) -> AsyncIterator[None]:
        """Take one of the places of this host."""
        await self.enter_host(host)
        try:
            yield
        finally:
            self.leave_host(host)

    @asynccontextmanager
    async def alone(self, what: str) -> AsyncIterator[None]:
        """Be the only one at ``what``."""
        await self.enter_alone(what)
        try:
            yield
        finally:
            self.leave_alone(what)


def driven(coroutine: Coroutine[Any, Any, T]) -> T:
    """Return what a coroutine on a blocking wire returns: it gives way nowhere, so one step is all of it."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        return cast(T, done.value)
    coroutine.close()
    raise RuntimeError("A coroutine on a blocking wire gave way.")
