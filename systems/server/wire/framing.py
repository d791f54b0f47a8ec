"""Where a request begins and ends: what leaves that open is refused, for a proxy in front may read it otherwise.

The parser below (llhttp, in its strict mode) refuses most of it itself: two lengths, a length beside chunks, lines that
end otherwise than in CR LF, headers over several lines. Here is what it lets through.
"""

from __future__ import annotations

from collections.abc import Iterable

from systems.server.failures import Failure, bad_request

WEBSOCKET = "/ws"
"""Where WebSockets are opened. Everywhere else an offer of one is ignored, as any other upgrade is."""

Headers = Iterable[tuple[bytes, bytes]]
"""The headers of a request: the names in small letters, the values without spaces around them."""


def refusal(method: bytes, version: str, headers: Headers) -> Failure | None:
    """Return why a request with this head is not answered otherwise, and its connection closed; None for most."""
    if version not in ("1.0", "1.1"):
        return bad_request("This server speaks HTTP/1.1.", status=505)
    if method == b"CONNECT":
        return bad_request("This server is no proxy: it opens no tunnels.", status=405)
    hosts = codings = 0
    for name, value in headers:
        if name == b"host":
            hosts += 1
        elif name == b"transfer-encoding":
            codings += 1
            if version == "1.0":  # whose readers take the length from elsewhere
                return bad_request("A request of HTTP/1.0 cannot come in chunks.")
            if value.lower() != b"chunked":
                return bad_request("A body may come whole or in chunks: no other transfer coding is read.", status=501)
        elif name == b"expect" and version == "1.1" and value.lower() != b"100-continue":
            return bad_request("Nothing but 100-continue can be expected of this server.", status=417)
    if codings > 1:
        return bad_request("A request has one Transfer-Encoding.")
    if hosts > 1 or (not hosts and version == "1.1"):
        return bad_request("A request has one Host.")
    return None


def offers_websocket(method: bytes, version: str, headers: Headers) -> bool:
    """Return whether a client asks for nothing but a WebSocket: no body, no other protocol."""
    offered = [value.lower() for name, value in headers if name == b"upgrade"]
    body = any(name == b"transfer-encoding" or (name == b"content-length" and int(value)) for name, value in headers)
    return offered == [b"websocket"] and method == b"GET" and version == "1.1" and not body


def without_upgrade(method: bytes, url: bytes, version: str, headers: Headers) -> bytes:
    """Return the head of the same request from a client that offers to speak nothing but HTTP."""
    lines = [b"%b %b HTTP/%b" % (method, url, version.encode())]
    for name, value in headers:
        if name == b"connection":
            options = [option.strip(b" \t") for option in value.split(b",")]
            value = b", ".join(option for option in options if option.lower() != b"upgrade")
        if name != b"upgrade":
            lines.append(b"%b: %b" % (name, value))
    return b"\r\n".join((*lines, b"", b""))
