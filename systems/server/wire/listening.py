"""Listening: uvicorn with bounds on what is connected, and a stop that loses nothing."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import uvicorn

from systems.errors import BadInput
from systems.server.application import application
from systems.server.service import ServedSystem
from systems.server.settings import MAX_FRAME_BYTES, ServerSettings
from systems.server.wire.protocols import UNREAD_BYTES, Http, WebSocket


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
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, UNREAD_BYTES)
    return listener


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class _Config(uvicorn.Config):
    """uvicorn's settings, with ours for the protocols below."""

    def __init__(self, app: Any, settings: ServerSettings) -> None:
        super().__init__(
            app,
            http=Http,
            ws=WebSocket,
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
            timeout_keep_alive=settings.keep_alive_s,  # type: ignore[arg-type]  # it is handed to the loop's `call_later`
            timeout_graceful_shutdown=1,
        )
        self.settings = settings
