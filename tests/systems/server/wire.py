"""Bytes to a server and back: requests that are plain and that are not, and the responses in what comes."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterable
from contextlib import suppress
from typing import NamedTuple

LAST = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
SMUGGLED = b"POST /smuggled HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n"
CHAT = b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n"
H2C = b"connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n"
OFFERS: dict[str, bytes] = {
    "h2c": H2C,
    "TLS": b"upgrade: TLS/1.0\r\nconnection: upgrade\r\n",
    "foo": b"Connection: keep-alive, Upgrade\r\nUpgrade: foo\r\n",
    "several": b"connection: upgrade\r\nupgrade: h2c, websocket\r\nupgrade: foo\r\n",
    "WebSocket": b"connection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n",
    "several lines": b"connection: keep-alive\r\nconnection: upgrade\r\nupgrade: h2c\r\nupgrade: websocket\r\n",
}
"""Headers with an offer of an upgrade that no endpoint takes."""

AMBIGUOUS: dict[str, tuple[bytes, bytes]] = {
    "length and chunks": (b"content-length: 5\r\ntransfer-encoding: chunked\r\n", b"0\r\n\r\n"),
    "chunks and length": (b"transfer-encoding: chunked\r\ncontent-length: 5\r\n", b"0\r\n\r\n"),
    "two lengths": (b"content-length: 3\r\ncontent-length: 3\r\n", b"abc"),
    "two lengths in one": (b"content-length: 3, 3\r\n", b"abc"),
    "a length with a sign": (b"content-length: +3\r\n", b"abc"),
    "a length below none": (b"content-length: -3\r\n", b"abc"),
    "a length with a space": (b"content-length: 1 0\r\n", b"abc"),
    "a length in hex": (b"content-length: 0x3\r\n", b"abc"),
    "no length": (b"content-length:\r\n", b""),
    "a length without end": (b"content-length: 99999999999999999999999\r\n", b"abc"),
    "a length on the next line": (b"content-length:\r\n 3\r\n", b"abc"),
    "a space before the colon": (b"content-length : 3\r\n", b"abc"),
    "chunked, then not": (b"transfer-encoding: chunked, identity\r\n", b"0\r\n\r\n"),
    "another coding": (b"transfer-encoding: gzip, chunked\r\n", b"0\r\n\r\n"),
    "identity": (b"transfer-encoding: identity\r\n", b"abc"),
    "identity, then chunked": (b"transfer-encoding: identity, chunked\r\n", b"0\r\n\r\n"),
    "nothing, then chunked": (b"transfer-encoding: ,chunked\r\n", b"0\r\n\r\n"),
    "two codings": (b"transfer-encoding: identity\r\ntransfer-encoding: chunked\r\n", b"0\r\n\r\n"),
    "chunked in quotes": (b'transfer-encoding: "chunked"\r\n', b"0\r\n\r\n"),
    "chunked with a parameter": (b"transfer-encoding: chunked;q=1\r\n", b"0\r\n\r\n"),
    "chunked after a tab of its own": (b"transfer-encoding: \x0bchunked\r\n", b"0\r\n\r\n"),
    "a folded line": (b"x: a\r\n b\r\n", b""),
    "a bare LF": (b"x: a\ncontent-length: 3\r\n", b"abc"),
    "a bare CR": (b"x: a\rcontent-length: 3\r\n", b"abc"),
    "a NUL": (b"x: a\0b\r\n", b""),
    "no colon": (b"content-length\r\n", b""),
    "two hosts": (b"host: elsewhere\r\n", b""),
    "chunks that end in LF": (b"transfer-encoding: chunked\r\n", b"3\nabc\n0\n\n"),
    "a chunk without its end": (b"transfer-encoding: chunked\r\n", b"3\r\nabc0\r\n\r\n"),
    "a chunk in another hex": (b"transfer-encoding: chunked\r\n", b"0x3\r\nabc\r\n0\r\n\r\n"),
    "a chunk without end": (b"transfer-encoding: chunked\r\n", b"fffffffffffffffff\r\nabc\r\n0\r\n\r\n"),
    "an extension over two lines": (b"transfer-encoding: chunked\r\n", b'3;a="b\r\nc"\r\nabc\r\n0\r\n\r\n'),
    "a length in the trailer": (b"transfer-encoding: chunked\r\n", b"0\r\ncontent-length: 50\r\n\r\n"),
}
"""Headers and what follows them, which servers and proxies have read in different ways."""

_STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) [^\r\n]*\r\n")


class Response(NamedTuple):
    """One response; names of headers in small letters."""

    status: int
    headers: dict[str, str]
    body: bytes


def naming(model: str) -> bytes:
    """Return a body whose answer says what was read: no such model is served."""
    return json.dumps({"model": model, "messages": [{"role": "user", "content": "Hello"}]}).encode()


def whole(body: bytes, headers: bytes = b"", head: bytes = CHAT) -> bytes:
    """Return a request whose length is said."""
    return head + headers + b"content-length: %d\r\n\r\n" % len(body) + body


def chunked(body: bytes, headers: bytes = b"", head: bytes = CHAT) -> bytes:
    """Return a request whose body comes in two chunks."""
    halves = (body[: len(body) // 2], body[len(body) // 2 :])
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(half), half) for half in halves if half)
    return head + headers + b"transfer-encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"


def responses(said: bytes, methods: Iterable[str] = ()) -> list[Response]:
    """Return the final responses in ``said``, which must be nothing else; ``methods`` are those of the requests."""
    found: list[Response] = []
    asked = iter(methods)
    while said:
        status = _STATUS.match(said)
        assert status, f"no response: {said[:200]!r}"
        head, end, said = said[status.end() :].partition(b"\r\n\r\n")
        if status[1].startswith(b"1"):
            said = head.removeprefix(b"\r\n") + end + said if head.startswith(b"\r\n") else said
            continue
        assert end, f"no whole head: {head[:200]!r}"
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        if next(asked, "") == "HEAD" or status[1] in (b"204", b"304"):
            body = b""
        elif headers.get("transfer-encoding") == "chunked":
            body, said = _chunks(said)
        elif "content-length" in headers:
            length = int(headers["content-length"])
            assert len(said) >= length, f"{len(said)} of {length} bytes"
            body, said = said[:length], said[length:]
        else:
            body, said = said, b""
        found.append(Response(int(status[1]), headers, body))
    return found


def _chunks(said: bytes) -> tuple[bytes, bytes]:
    body = b""
    while True:
        size, _, said = said.partition(b"\r\n")
        length = int(size, 16)
        body, rest, said = body + said[:length], said[length : length + 2], said[length + 2 :]
        assert rest == b"\r\n"
        if not length:
            return body, said


async def said_to(address: str, *pieces: bytes, between: float = 0.0) -> bytes:
    """Return all that the server of ``address`` says to these pieces until it closes the connection."""
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host.strip("[]"), int(port))
    said = b""
    try:
        async with asyncio.timeout(30):
            with suppress(ConnectionError):  # it reads no more: what it has said may still be read
                for piece in pieces:
                    writer.write(piece)
                    await writer.drain()
                    await asyncio.sleep(between)
            with suppress(ConnectionError):
                while more := await reader.read(65536):
                    said += more
    finally:
        writer.close()
    return said
