"""The site's server: ``python -m experiments.workloads.site.server 127.0.0.1:PORT``.

It listens on that port of every host of the site, which are addresses of the loopback interface. What an answer costs
is next to nothing beside the delays: one process serves all hosts, and pages are put together from what was made
before.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
from contextlib import suppress
from urllib.parse import parse_qs, urlsplit

from experiments.workloads.site.pages import MOST_HOSTS, html

_HTML = b"Content-Type: text/html; charset=utf-8\r\n"


async def serve(port: int) -> None:
    """Serve until cancelled."""
    html(0, 0)  # what all pages have in common is made before the first is asked for
    hosts = [f"127.0.0.{number}" for number in range(1, MOST_HOSTS + 1)]
    server = await asyncio.start_server(_converse, hosts, port, backlog=256)
    await server.serve_forever()


async def _converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            if not await _answer(head.split(b" ", 2)[1].decode("ascii", "replace"), reader, writer):
                break
            await writer.drain()
    writer.close()


async def _answer(target: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """Answer one request; return whether the connection goes on."""
    parts = urlsplit(target)
    if not parts.path.startswith("/page/"):
        # Of /robots.txt there is none, and it is said at once: what is compared is the waiting for pages.
        writer.write(_whole(b"404 Not Found", b""))
        return True
    asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
    await asyncio.sleep(int(asked.get("after", "0")) / 1000)
    page = html(int(asked.get("seed", "0")), int(parts.path.removeprefix("/page/")))
    match asked.get("fault"):
        case "silent":
            await reader.read()
            return False
        case "reset":
            writer.write(_begun(len(page)) + page[: len(page) // 2])
            await writer.drain()
            # Without lingering: the other side is told of a reset, and not of an end.
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
            return False
        case "status":
            writer.write(_whole(b"500 Internal Server Error", b"out of order"))
            return True
        case "short":
            writer.write(_begun(2 * len(page)) + page)
            return False
        case "endless":
            writer.write(b"HTTP/1.1 200 OK\r\n" + _HTML + b"\r\n")
            while not writer.is_closing():
                writer.write(page)
                await writer.drain()
            return False
    writer.write(_begun(len(page)) + page)
    return True


def _begun(length: int) -> bytes:
    return b"HTTP/1.1 200 OK\r\n%sContent-Length: %d\r\n\r\n" % (_HTML, length)


def _whole(status: bytes, body: bytes) -> bytes:
    return b"HTTP/1.1 %s\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body)


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1].rpartition(":")[2])))
