"""Server-sent events: a reply that is sent while it is made, and signs of life while nothing is said."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from contextlib import suppress
from typing import TypeVar

from starlette.types import Send

from systems.server.failures import Failure

T = TypeVar("T")

HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),  # or nginx would keep the events until the reply is whole
]

# A request that is refused is refused within this time, in seconds, and gets a plain status; what takes longer is work,
# and the client learns that it has begun. Proxies and clients wait for a sign of life for half a minute and more.
_SOON_S, _QUIET_S = 0.5, 5.0


class Events:
    """The events of one response. Whatever is sent begins it, with status 200."""

    def __init__(self, send: Send, *, soon_s: float = _SOON_S, quiet_s: float = _QUIET_S) -> None:
        self._send = send
        self._soon_s = soon_s
        self._quiet_s = quiet_s
        self._sending = asyncio.Lock()
        self._sent = 0.0
        self.begun = False
        self.ended = False

    async def event(self, data: bytes, name: str | None = None, *, last: bool = False) -> None:
        """Send one event; after the ``last`` the response is at its end."""
        named = b"" if name is None else b"event: %b\n" % name.encode()
        await self._body(b"%bdata: %b\n\n" % (named, data), last)

    async def fail(self, failed: Failure) -> None:
        """Send an error instead of the rest: OpenAI's clients raise what they find under ``error``."""
        await self.event(failed.body, last=True)

    async def during(self, work: Awaitable[T]) -> T:
        """Return what ``work`` returns; meanwhile begin the response soon, and send a comment whenever it is quiet."""
        over = asyncio.Event()
        beating = asyncio.create_task(self._beat(over))
        try:
            return await work
        finally:
            over.set()
            await beating  # what it is just sending would be torn apart by a cancellation

    async def _beat(self, over: asyncio.Event) -> None:
        wait_s = self._soon_s
        while not self.ended:
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await over.wait()
                return
            quiet_s = time.monotonic() - self._sent
            if not self.begun or quiet_s >= self._quiet_s:
                await self._body(b": still at work\n\n", last=False)
                quiet_s = 0.0
            wait_s = self._quiet_s - quiet_s

    async def _body(self, body: bytes, last: bool) -> None:
        async with self._sending:
            if self.ended:
                return
            if not self.begun:
                self.begun = True
                await self._send({"type": "http.response.start", "status": 200, "headers": HEADERS})
            self._sent = time.monotonic()
            self.ended = last
            await self._send({"type": "http.response.body", "body": body, "more_body": not last})
