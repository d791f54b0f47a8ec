"""Connections of two kinds, and a pool of them: bounded, the one used last first, with what care a setting asks for."""

from __future__ import annotations

import asyncio
import ssl
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable

import h11
import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException
from websockets.protocol import State


class Care(msgspec.Struct, frozen=True, kw_only=True):
    """How connections are used.

    One is kept for the next request, or not (``keeps``). Before it is used again the pool ``looks`` whether the other
    side has closed it, which asks nobody, or ``pings``. Where a kept one fails, the request is asked ``again`` on a new
    one: only a request that may be carried out twice allows that. At ``most`` so many are there at once.
    """

    keeps: bool
    looks: bool
    pings: bool
    again: bool
    most: int


class PooledConnection(ABC):
    """One connection, on which one request at a time is asked. Everything that goes wrong is an OSError."""

    @abstractmethod
    async def ask(self, *, last: bool) -> None:
        """Ask, and read the whole answer; ``last`` says that nothing more will be asked. Raises OSError."""

    @abstractmethod
    async def ping(self) -> None:
        """Return when the other side has shown that it is there. Raises OSError."""

    @property
    @abstractmethod
    def is_open(self) -> bool:
        """Whether nothing is known of its end."""

    @abstractmethod
    async def end(self) -> None:
        """Close it as both sides should."""

    @abstractmethod
    def drop(self) -> None:
        """Let go of it at once."""


Opens = Callable[[], Awaitable[PooledConnection]]


class Pool:
    """Connections to one server, made when they are wanted."""

    def __init__(self, opens: Opens, care: Care, deadline_s: float, ping_s: float) -> None:
        self._opens, self._care = opens, care
        self._deadline_s, self._ping_s = deadline_s, ping_s
        self._places = asyncio.Semaphore(care.most)
        self._waiting: list[PooledConnection] = []
        self.opened = 0

    async def ask(self) -> None:
        """Ask one request. Raises OSError where it fails, TimeoutError among them.

        The deadline is that of all it takes: to have a place, to look for a connection, and to ask, once or twice.
        """
        async with asyncio.timeout(self._deadline_s), self._places:
            connection = await self._kept()
            if connection is not None:
                try:
                    await self._ask(connection)
                except OSError:
                    if not self._care.again:
                        raise
                else:
                    return
            await self._ask(await self._new())

    async def close(self) -> None:
        """Close all that wait."""
        while self._waiting:
            self._waiting.pop().drop()

    async def _kept(self) -> PooledConnection | None:
        """Return one that waits, if there is one that passes for alive."""
        while self._waiting:
            connection = self._waiting.pop()
            if (not self._care.looks or connection.is_open) and (
                not self._care.pings or await self._pinged(connection)
            ):
                return connection
            connection.drop()
        return None

    async def _pinged(self, connection: PooledConnection) -> bool:
        try:
            async with asyncio.timeout(self._ping_s):
                await connection.ping()
        except OSError:
            return False
        except asyncio.CancelledError:  # the deadline passed
            connection.drop()
            raise
        return True

    async def _new(self) -> PooledConnection:
        self.opened += 1
        return await self._opens()

    async def _ask(self, connection: PooledConnection) -> None:
        try:
            await connection.ask(last=not self._care.keeps)
        except (OSError, asyncio.CancelledError):  # the latter where the deadline passes
            connection.drop()
            raise
        if self._care.keeps:
            self._waiting.append(connection)
        else:
            await connection.end()


class OverHttp(PooledConnection):
    """HTTP/1.1 by h11."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, target: str) -> None:
        self._reader, self._writer, self._target = reader, writer, target
        self._protocol = h11.Connection(h11.CLIENT)

    @classmethod
    async def open(cls, address: str, target: str, tls: ssl.SSLContext | None) -> OverHttp:
        """Connect to ``address``, "host:port", to ask for ``target``. Raises OSError."""
        host, _, port = address.rpartition(":")
        return cls(*await asyncio.open_connection(host, int(port), ssl=tls), target)

    async def ask(self, *, last: bool) -> None:
        """Ask for the target."""
        headers = [("Host", "127.0.0.1"), *([("Connection", "close")] if last else [])]
        request = h11.Request(method="GET", target=self._target, headers=headers)
        self._writer.write((self._protocol.send(request) or b"") + (self._protocol.send(h11.EndOfMessage()) or b""))
        try:
            while not isinstance(event := self._protocol.next_event(), h11.EndOfMessage):
                if event is h11.NEED_DATA:
                    self._protocol.receive_data(await self._reader.read(1 << 16))
        except h11.RemoteProtocolError as error:
            raise ConnectionError(str(error)) from error
        if not last:
            self._protocol.start_next_cycle()

    async def ping(self) -> None:
        """Ask once more: HTTP knows nothing smaller."""
        await self.ask(last=False)

    @property
    def is_open(self) -> bool:
        """Whether the other side has not ended."""
        return not self._reader.at_eof() and self._reader.exception() is None

    async def end(self) -> None:
        """Close: the other side does so too, having been told that it was the last."""
        self._writer.close()

    def drop(self) -> None:
        """Close without lingering."""
        self._writer.transport.abort()


class OverWebSocket(PooledConnection):
    """A WebSocket, on which a question is a message and the answer another."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    @classmethod
    async def open(cls, address: str, target: str, tls: ssl.SSLContext | None) -> OverWebSocket:
        """Connect and shake hands. Raises OSError."""
        scheme = "wss" if tls else "ws"
        try:
            connection = await connect(f"{scheme}://{address}{target}", ssl=tls, compression=None, ping_interval=None)
        except WebSocketException as error:
            raise ConnectionError(str(error)) from error
        return cls(connection)

    async def ask(self, *, last: bool) -> None:  # noqa: ARG002 - nothing is said of it before it is closed
        """Send a message and read the next one."""
        try:
            await self._connection.send("question")
            await self._connection.recv()
        except WebSocketException as error:
            raise ConnectionError(str(error)) from error

    async def ping(self) -> None:
        """Ping, and wait for the pong."""
        try:
            await (await self._connection.ping())
        except WebSocketException as error:
            raise ConnectionError(str(error)) from error

    @property
    def is_open(self) -> bool:
        """Whether no side has said that it closes."""
        return self._connection.state is State.OPEN

    async def end(self) -> None:
        """Close with the handshake that ends a WebSocket."""
        await self._connection.close()

    def drop(self) -> None:
        """Let go of it without one."""
        self._connection.transport.abort()


class Multiplexed:
    """One WebSocket for all requests, as the source lists it: each message has a number, and so has its answer.

    The first request opens it, as that of a pool does.
    """

    def __init__(self, address: str, target: str, deadline_s: float) -> None:
        self._where, self._deadline_s = f"ws://{address}{target}", deadline_s
        self._connection: ClientConnection | None = None
        self._opening = asyncio.Lock()
        self._asked: dict[str, asyncio.Future[None]] = {}
        self._number = 0
        self.opened = 0

    async def ask(self) -> None:
        """Ask one request. Raises OSError where it fails."""
        self._number += 1
        name = str(self._number)
        self._asked[name] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(self._deadline_s):
                await (await self._opened()).send(name)
                await self._asked[name]
        except WebSocketException as error:
            raise ConnectionError(str(error)) from error
        finally:
            del self._asked[name]

    async def close(self) -> None:
        """Close the connection, if there is one."""
        if self._connection is not None:
            await self._connection.close()
            await self._hearing

    async def _opened(self) -> ClientConnection:
        """Return the connection, which is opened if there is none."""
        async with self._opening:
            if self._connection is None:
                self._connection = await connect(self._where, compression=None, ping_interval=None)
                self._hearing = asyncio.create_task(self._hear(self._connection))
                self.opened += 1
            return self._connection

    async def _hear(self, connection: ClientConnection) -> None:
        async for message in connection:
            waiting = self._asked.get(str(message).partition(" ")[0])
            if waiting is not None and not waiting.done():
                waiting.set_result(None)
