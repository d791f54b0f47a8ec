"""Bytes to a server and back: what is sent in pieces, and the responses in what comes."""

import asyncio
import re
from contextlib import suppress
from typing import NamedTuple

_STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) [^\r\n]*\r\n")


class Response(NamedTuple):
    """One response; names of headers in small letters."""

    status: int
    headers: dict
    body: bytes


def responses(said, methods=()):
    """Return the final responses in ``said``, which must be nothing else; ``methods`` are those of the requests."""
    found, asked = [], iter(methods)
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


def _chunks(said):
    body = b""
    while True:
        size, _, said = said.partition(b"\r\n")
        length = int(size, 16)
        body, rest, said = body + said[:length], said[length : length + 2], said[length + 2 :]
        assert rest == b"\r\n"
        if not length:
            return body, said


async def said_to(address, *pieces, between=0.0):
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
