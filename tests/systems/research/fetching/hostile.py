"""A web server that misbehaves: on a thread of its own, with an event loop of its own, on loopback.

Its paths name what is wrong with the answer. Those that never end wait until the client goes away.
"""

from __future__ import annotations

import asyncio
import gzip
import socket
import ssl
import struct
import threading
from collections.abc import Awaitable, Callable
from typing import Self

PAGE = b"<html><head><title>A page</title></head><body><p>All is well here.</p></body></html>"
HTML = b"Content-Type: text/html; charset=utf-8\r\n"

Behave = Callable[["Hostile", asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def whole(body: bytes, headers: bytes = HTML, status: bytes = b"200 OK") -> bytes:
    """Return an answer with its length."""
    return b"HTTP/1.1 %s\r\n%sContent-Length: %d\r\n\r\n%s" % (status, headers, len(body), body)


def _said(answer: bytes) -> Behave:
    async def behave(_: Hostile, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)

    return behave


def _then_closed(answer: bytes) -> Behave:
    async def behave(_: Hostile, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()
        writer.close()

    return behave


def _redirect(location: bytes) -> Behave:
    return _said(whole(b"", b"Location: %s\r\n" % location, b"302 Found"))


async def _silent(_: Hostile, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def _dripping(_: Hostile, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n" + HTML + b"Content-Length: 100000\r\n\r\n")
    await _drip(writer)


async def _dripping_head(_: Hostile, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    await _drip(writer)


async def _drip(writer: asyncio.StreamWriter) -> None:
    while not writer.is_closing():
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.02)


def _forever(head: bytes, piece: bytes) -> Behave:
    async def behave(server: Hostile, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        while not writer.is_closing():
            server.sent_bytes += len(piece)
            writer.write(piece)
            await writer.drain()

    return behave


async def _reset(_: Hostile, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n" + HTML + b"Content-Length: 100000\r\n\r\nhalf of")
    await writer.drain()
    # Without lingering: the other side is told of a reset, and not of an end.
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def _held(server: Hostile, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer once the test lets it."""
    server.waiting.release()
    await asyncio.to_thread(server.go.wait)
    writer.write(whole(PAGE))


BOMB = gzip.compress(b"\0" * (64 << 20))
DOUBLE_BOMB = gzip.compress(BOMB)
CHUNKED = b"HTTP/1.1 200 OK\r\n" + HTML + b"Transfer-Encoding: chunked\r\n\r\n"
GZIP = HTML + b"Content-Encoding: gzip\r\n"

PATHS: dict[str, Behave] = {
    "/good": _said(whole(PAGE)),
    "/packed": _said(whole(gzip.compress(PAGE), GZIP)),
    "/chunked": _said(CHUNKED + b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (PAGE[:9], PAGE[9:], b""))),
    "/until-closed": _then_closed(b"HTTP/1.1 200 OK\r\n" + HTML + b"\r\n" + PAGE),
    "/old": _then_closed(b"HTTP/1.0 200 OK\r\n" + HTML + b"\r\n" + PAGE),
    "/continue": _said(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + whole(PAGE)),
    "/moved": _redirect(b"/good"),
    "/round": _redirect(b"/round"),
    "/to-file": _redirect(b"file:///etc/passwd"),
    "/to-script": _redirect(b"javascript:alert(1)"),
    "/nowhere": _redirect(b"http://[::bad/"),
    "/missing": _said(whole(b"not here", status=b"404 Not Found")),
    "/failing": _said(whole(b"x" * 200_000, status=b"500 Oh")),
    "/silent": _silent,
    "/dripping": _dripping,
    "/dripping-head": _dripping_head,
    "/endless": _forever(b"HTTP/1.1 200 OK\r\n" + HTML + b"\r\n", b"<p>and so on</p>" * 1000),
    "/endless-chunks": _forever(CHUNKED, b"1\r\nx\r\n" * 1000),
    "/endless-error": _forever(b"HTTP/1.1 404 No\r\n" + HTML + b"\r\n", b"x" * 16_000),
    "/endless-head": _forever(b"HTTP/1.1 200 OK\r\n", b"X-More: and more\r\n" * 500),
    "/endless-hints": _forever(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 500),
    "/huge-line": _forever(b"HTTP/1.1 200 OK\r\nX-Long: ", b"x" * 16_000),
    "/says-huge": _said(b"HTTP/1.1 200 OK\r\n" + HTML + b"Content-Length: 99999999999\r\n\r\n"),
    "/bomb": _said(whole(BOMB, GZIP)),
    "/double-bomb": _said(whole(DOUBLE_BOMB, GZIP)),
    "/broken-gzip": _said(whole(b"\x1f\x8b\x08 this is none", GZIP)),
    "/cut-gzip": _said(whole(gzip.compress(PAGE)[:-9], GZIP)),
    "/more-gzip": _said(whole(gzip.compress(PAGE) + b"and more", GZIP)),
    "/brotli": _said(whole(b"\x0b\x02\x80", HTML + b"Content-Encoding: br\r\n")),
    "/short": _then_closed(b"HTTP/1.1 200 OK\r\n" + HTML + b"Content-Length: 1000\r\n\r\nhalf"),
    "/half-chunk": _then_closed(CHUNKED + b"ff\r\nhalf"),
    "/reset": _reset,
    "/slammed": _then_closed(b""),
    "/no-http": _said(b"220 smtp.example ESMTP ready\r\n\r\n"),
    "/two-lengths": _said(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"),
    "/bad-chunk": _said(CHUNKED + b"zz\r\nhalf\r\n"),
    "/switch": _said(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n"),
    "/image": _said(whole(b"\x89PNG....", b"Content-Type: image/png\r\n")),
    "/image-as-html": _said(whole(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20)),
    "/binary-as-text": _said(whole(bytes(range(128)) * 20, b"Content-Type: text/plain\r\n")),
    "/not-utf8": _said(whole("<p>Grüße</p>".encode("latin-1"))),
    "/odd-charset": _said(whole(PAGE, b"Content-Type: text/html; charset=rot13\r\n")),
    "/utf8-as-latin": _said(whole("<p>Grüße</p>".encode(), b"Content-Type: text/html; charset=iso-8859-1\r\n")),
    "/gbk": _said(whole("<p>你好，世界</p>".encode("gbk"), b"Content-Type: text/html; charset=GBK\r\n")),
    "/empty": _said(whole(b"<html><script>var a = 1</script></html>")),
    "/all-tags": _said(whole(b"<i>" * 110_000)),
    "/closes": _then_closed(whole(PAGE, HTML + b"Connection: close\r\n")),
    "/chatty": _said(whole(PAGE) + b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno"),
    "/held": _held,
}  # fmt: skip


class Hostile:
    """The server. ``robots`` is its robots.txt, None for none, or what it does when asked for it.

    ``asked`` are the paths in the order they were asked for, ``connections`` how many there were, ``open`` how many
    there are, and ``most_held`` how many requests were under way at once at most.
    """

    def __init__(
        self, host: str = "127.0.0.1", robots: bytes | Behave | None = None, secure: ssl.SSLContext | None = None
    ) -> None:
        self.host, self.robots, self._secure = host, robots, secure
        self.asked: list[str] = []
        self.agents: set[str] = set()
        self.connections = self.open = self.held = self.most_held = self.sent_bytes = 0
        self.waiting = threading.Semaphore(0)
        self.go = threading.Event()
        self.more: dict[str, Behave] = {}
        self._started = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.quiet = threading.Event()

    def __enter__(self) -> Self:
        self._thread.start()
        self._started.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self.go.set()
        self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join()

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http{'s' if self._secure else ''}://{host}:{self.port}"

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._task = self._loop.create_task(self._serve())
            self._loop.run_until_complete(self._task)
        except asyncio.CancelledError:
            pass
        finally:
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
            self._loop.close()

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._connected, self.host, 0, ssl=self._secure)
        self.port = server.sockets[0].getsockname()[1]
        self._started.set()
        try:
            await asyncio.Event().wait()
        finally:
            server.close()
            left = asyncio.all_tasks() - {asyncio.current_task()}
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open += 1
        self.quiet.clear()
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                await self._answer(head.decode("latin-1"), reader, writer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.open -= 1
            if not self.open:
                self.quiet.set()
            writer.close()

    async def _answer(self, head: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = head.split()[1]
        self.agents.add(head.partition("User-Agent: ")[2].partition("\r\n")[0])
        self.asked.append(path)
        self.held += 1
        self.most_held = max(self.most_held, self.held)
        try:
            if path == "/robots.txt":
                await self._robots()(self, reader, writer)
            else:
                known = {**PATHS, **self.more}
                await known.get(path.partition("?")[0], PATHS["/missing"])(self, reader, writer)
        finally:
            self.held -= 1

    def _robots(self) -> Behave:
        if self.robots is None:
            return PATHS["/missing"]
        if isinstance(self.robots, bytes):
            return _said(whole(self.robots, b"Content-Type: text/plain\r\n"))
        return self.robots


said = _said
redirect = _redirect
silent = _silent
