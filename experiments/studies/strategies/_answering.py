"""The server of a trial of the part ``connections``: HTTP and WebSocket on one port, answered at once.

Paths other than that of the question are for the trial itself: to note a moment, to close the connections that wait,
and to fall silent on them.
"""

from __future__ import annotations

import asyncio
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import uvicorn

from experiments.measuring.role import Role

CERTIFICATE, KEY = "certificate.pem", "key.pem"
"""The files in a trial's folder, where it speaks TLS."""

QUESTION, CLOSE, SILENCE, NOTE = "/question", "/close", "/silence", "/note/"
BODY = b"x" * 256
"""What every answer says."""

_KEPT_S = 60
_MADE_WITHIN_S = 30.0


def run(role: Role) -> None:
    """Serve on loopback until the client has finished."""
    asyncio.run(_serve(role))


async def _serve(role: Role) -> None:
    tls = bool(role.spec.condition["tls"])
    if tls:
        _certify(role.work_dir)
    app = _Application(role)
    config = uvicorn.Config(
        app,
        http="httptools",
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        ws_ping_interval=None,
        lifespan="off",
        log_config=None,
        access_log=False,
        timeout_keep_alive=_KEPT_S,
        ssl_certfile=role.work_dir / CERTIFICATE if tls else None,
        ssl_keyfile=role.work_dir / KEY if tls else None,
    )
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    app.connections = server.server_state.connections
    listener = _listener()
    # Not `server.serve`, which would take the process's signals.
    await server.startup(sockets=[listener])
    try:
        host, port = listener.getsockname()
        await asyncio.to_thread(role.listening, f"{host}:{port}")
    finally:
        for each in server.servers:
            each.close()
        for connection in list(app.connections):
            connection.transport.abort()
    await asyncio.to_thread(role.outside_look)


def _listener() -> socket.socket:
    """Return a socket that names its protocol: only then does asyncio send each write at once.

    Else the second of two small writes would wait until the client acknowledges the first, up to 40 ms on a connection
    that is kept and next to nothing on a new one.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    return listener


def _certify(folder: Path) -> None:
    """Make a certificate for 127.0.0.1 that its owner signed, for a day. Raises SubprocessError."""
    kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1"]
    named = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-keyout", str(folder / KEY), "-out", str(folder / CERTIFICATE)]
    command = ["openssl", "req", "-x509", *kind, *named, *files]
    subprocess.run(command, check=True, capture_output=True, timeout=_MADE_WITHIN_S)


class _Application:
    """Answers, and does what the trial commands. ``connections`` are those that the server has."""

    def __init__(self, role: Role) -> None:
        self._role = role
        self.connections: set[Any] = set()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request, or all that is asked on a WebSocket."""
        if scope["type"] == "websocket":
            await self._converse(receive, send)
            return
        path: str = scope["path"]
        if path == CLOSE:
            self._on_others(scope["client"], lambda transport: transport.close())
        elif path == SILENCE:
            self._on_others(scope["client"], lambda transport: transport.pause_reading())
        elif path.startswith(NOTE):
            self._role.part.values[f"{path.removeprefix(NOTE)}_cpu_s"] = round(time.process_time(), 6)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(BODY))]})
        await send({"type": "http.response.body", "body": BODY})

    async def _converse(self, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        body = BODY.decode()
        while (message := await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": f"{message['text']} {body}"})

    def _on_others(self, client: Any, do: Callable[[Any], None]) -> None:
        """Do something to every connection but the one that this is asked on."""
        for connection in list(self.connections):
            if connection.client != client:
                do(connection.transport)
