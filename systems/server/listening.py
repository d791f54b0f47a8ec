"""Listening: uvicorn with bounds on what is connected, and a stop that loses nothing."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from systems.errors import BadInput
from systems.server.application import application
from systems.server.service import ServedSystem
from systems.server.settings import MAX_FRAME_BYTES, MAX_HEADER_BYTES, ServerSettings

# How much may wait to be read by a client before nothing more is written to it.
_UNREAD_BYTES = 64 * 1024

# Requests that a client may send before the one in front of them was answered.
_MOST_WAITING = 16

_TOO_MANY = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 10\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


@asynccontextmanager
async def listening(service: ServedSystem) -> AsyncIterator[str]:
    """Serve while the context is open; gives the address, "host:port".

    Leaving it stops accepting, gives the turns under way ``grace_s`` to end, and cancels the others. Raises `BadInput`
    for an address that cannot be listened on.
    """
    settings = service.settings
    listener = await _bound(settings)
    config = _Config(application(service), settings)
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    # Not `server.serve`, which would take the process's signals: whoever runs the server decides when it stops.
    await server.startup(sockets=[listener])
    watching = asyncio.create_task(service.watch_memory())
    try:
        yield _address(listener)
    finally:
        watching.cancel()
        for each in server.servers:
            each.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(settings.grace_s):
                await service.finish()
        await server.shutdown(sockets=[listener])


async def _bound(settings: ServerSettings) -> socket.socket:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)
        family, _, _, _, address = found[0]
        listener = socket.create_server(address[:2], family=family, backlog=settings.sockets)
    except (OSError, UnicodeError) as error:
        raise BadInput(f"Cannot listen on {settings.host}, port {settings.port}: {error}.") from error
    # Of every connection: what the kernel holds for a client that does not read is memory too.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _UNREAD_BYTES)
    return listener


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class _Config(uvicorn.Config):
    """uvicorn's settings, with ours for the protocols below."""

    def __init__(self, app: Any, settings: ServerSettings) -> None:
        super().__init__(
            app,
            http=_Http,
            ws=_WebSocket,
            ws_max_size=MAX_FRAME_BYTES,
            ws_ping_interval=settings.heartbeat_s,
            ws_ping_timeout=settings.heartbeat_s,
            ws_per_message_deflate=False,
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            timeout_graceful_shutdown=1,
        )
        self.settings = settings


class _Unhurried:
    """A protocol that cuts off a client which does not read what it is sent."""

    config: Any
    loop: asyncio.AbstractEventLoop
    transport: asyncio.Transport
    _cut: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)  # type: ignore[misc]
        transport.set_write_buffer_limits(_UNREAD_BYTES)
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # also after this side has closed, when nobody counts any more
            patience_ms = int(self.config.settings.patience_s * 1000)
            transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, patience_ms)

    def pause_writing(self) -> None:
        super().pause_writing()  # type: ignore[misc]
        self._cut = self.loop.call_later(self.config.settings.patience_s, self.transport.abort)

    def resume_writing(self) -> None:
        self._uncut()
        super().resume_writing()  # type: ignore[misc]

    def connection_lost(self, error: Exception | None) -> None:
        self._uncut()
        super().connection_lost(error)  # type: ignore[misc]

    def _uncut(self) -> None:
        if self._cut is not None:
            self._cut.cancel()
            self._cut = None


class _TooMuch(Exception):
    """Raised inside the parser, which ends: the client gets a 400."""


class _Http(_Unhurried, HttpToolsProtocol):
    """HTTP, with bounds on connections, headers, requests that wait, and the time a request takes to arrive."""

    _arriving: asyncio.TimerHandle | None = None
    _in_headers = True
    _header_bytes = 0  # of headers and trailers
    _unfinished_bytes = 0  # since the parser last gave something out: it keeps what is not whole

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        if len(self.connections) > self.config.settings.sockets:
            transport.write(_TOO_MANY)
            transport.close()
        else:
            self._await_request()

    def connection_lost(self, error: Exception | None) -> None:
        self._arrived()
        super().connection_lost(error)

    def handle_websocket_upgrade(self) -> None:
        self._arrived()
        super().handle_websocket_upgrade()
        # It holds this, which holds it: what the connection took would wait for the collector, long after its end.
        self.parser = None  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self._unfinished_bytes += len(data)
        super().data_received(data)
        if self._unfinished_bytes > MAX_HEADER_BYTES and not self.transport.is_closing():
            self.send_400_response("The headers are too long.")

    def on_message_begin(self) -> None:
        self._in_headers, self._header_bytes = True, 0
        self._await_request()
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        self._unfinished_bytes = 0
        self._header_bytes += len(name) + len(value)
        if self._header_bytes > MAX_HEADER_BYTES:
            raise _TooMuch
        if self._in_headers:  # nobody reads trailers
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_headers = False
        super().on_headers_complete()
        if len(self.pipeline) > _MOST_WAITING:
            raise _TooMuch

    def on_body(self, body: bytes) -> None:
        self._unfinished_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._unfinished_bytes = 0
        self._arrived()
        super().on_message_complete()

    def _await_request(self) -> None:
        self._arrived()
        self._arriving = self.loop.call_later(self.config.settings.patience_s, self.transport.abort)

    def _arrived(self) -> None:
        if self._arriving is not None:
            self._arriving.cancel()
            self._arriving = None


class _WebSocket(_Unhurried, WebSocketsSansIOProtocol):
    """WebSocket; a client that does not read is not read either, so that its pings cannot pile up pongs."""

    def pause_writing(self) -> None:
        super().pause_writing()
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        super().resume_writing()
        if not self.read_paused:
            self.transport.resume_reading()
