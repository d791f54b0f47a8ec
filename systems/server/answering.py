"""A response and its connection: what was not read of the request, and what an old client cannot read."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from contextlib import suppress
from typing import Any, Protocol

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from systems.server.failures import Failure
from systems.server.settings import MAX_BODY_BYTES

# How much of a body is read, and for how long, that comes when its request is answered already: within these bounds the
# connection goes on. A client whose body is too long has to come to its end before it reads that.
_DROPPED_BYTES, _DROPPED_S = 8 * MAX_BODY_BYTES, 1.0


class Connection(Protocol):
    """What a response needs of its connection."""

    def end_after(self, cycle: RequestResponseCycle) -> None:
        """Make the response of ``cycle`` the last of this connection."""


class Thorough:
    """An application whose responses leave a connection on which the next request can be read, or none."""

    def __init__(self, connection: Connection, cycle: RequestResponseCycle, app: ASGIApp) -> None:
        self._connection = connection
        self._cycle = cycle
        self._app = app
        self._until_closed = False  # a client of HTTP/1.0 reads no chunks: its body ends where the connection does

    async def __call__(self, scope: Scope, receive: Receive, _: Send) -> None:
        """Answer one request."""
        await self._app(scope, receive, self._send)

    async def _send(self, message: MutableMapping[str, Any]) -> None:
        cycle = self._cycle
        if message["type"] == "http.response.start":
            # A client that waits to be told to go on may send the body now or leave it out: nobody can know which.
            if cycle.more_body and not cycle.waiting_for_100_continue:
                await self._read_on()
            headers = list(message.get("headers", ()))
            if cycle.more_body:
                headers = [(name, value) for name, value in headers if name != b"connection"]
                headers.append((b"connection", b"close"))
            if cycle.scope["http_version"] == "1.0" and all(name != b"content-length" for name, _ in headers):
                self._until_closed, cycle.chunked_encoding = True, False
            message = {**message, "headers": headers}
        else:
            if self._until_closed:
                cycle.expected_content_length = len(message.get("body", b""))
            if not message.get("more_body", False) and not cycle.keep_alive:
                self._connection.end_after(cycle)
        await cycle.send(message)  # type: ignore[arg-type]

    async def _read_on(self) -> None:
        dropped = 0
        with suppress(TimeoutError):
            async with asyncio.timeout(_DROPPED_S):
                while self._cycle.more_body and not self._cycle.disconnected and dropped <= _DROPPED_BYTES:
                    message = await self._cycle.receive()
                    if message["type"] == "http.request":
                        dropped += len(message["body"])


class Refusing:
    """An application that answers with an error, and closes the connection."""

    def __init__(self, failed: Failure) -> None:
        self._failed = failed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        response = self._failed.response()
        response.headers["connection"] = "close"
        await response(scope, receive, send)
