"""The server's settings, and the bounds that no setting moves."""

from __future__ import annotations

from typing import Annotated

import msgspec

from systems.settings import Positive

# Bounds on what one client can make the server hold. A frame has room for the longest text in escaped JSON.
MAX_TEXT = 16_384
MAX_NAME = 512  # characters of what a client calls a person or a conversation
MAX_FRAME_BYTES = 256 * 1024
MAX_BODY_BYTES = 1024 * 1024
MAX_HEADER_BYTES = 32 * 1024

Seconds = Annotated[float, msgspec.Meta(gt=0)]

# Longer than clients and proxies keep an idle connection for their next request: nginx and load balancers 60 s, Go and
# Cloudflare's tunnel 90 s, Caddy two minutes, OkHttp five. Whoever sends must be the first to let go: a request that
# meets a connection which the server is just closing is lost, and a POST is not sent again.
KEEP_ALIVE_S = 330.0


class ServerSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where to listen and how much to hold. The heartbeat and the connection limit are the published ones.

    ``port`` 0 asks the system for a free one. ``root_path`` ("/chat") stands before the server's own addresses in those
    that clients ask for, where a proxy does not take it away. ``max_tokens`` bounds every reply, also where the client
    asks for more or names no bound; None leaves it to the client and to the context. ``connections`` bounds WebSockets,
    ``sockets`` everything that is connected. ``asks_per_connection`` bounds a WebSocket's unanswered requests,
    ``asks_per_user`` those of all that show one token, and ``asks_per_minute`` how many these may ask. A client that
    does not finish sending a request, or does not read what it is sent, for ``patience_s`` is cut off; a WebSocket on
    which nothing was asked for ``idle_s`` is closed. An HTTP connection stays open for ``keep_alive_s`` after a
    response, or until its place is needed. ``deadline_s`` bounds every request; ``grace_s`` is how long those under way
    may take when the server stops. Where more than ``shed_above`` of the memory that the process may use is taken,
    requests are refused.

    ``tokens`` are what clients must show one of; each is a user of its own. ``admin_tokens`` are too, and may change
    what concerns everyone; without any tokens, everyone who can connect may. ``origins`` are the web pages, besides the
    server's own, whose scripts may connect and read the answers; a client that is no browser sends none and always
    may. ``experiment`` lets clients plan what is replied and observed. ``log_text`` writes what is said to the log.
    """

    host: str = "127.0.0.1"
    root_path: Annotated[str, msgspec.Meta(pattern="^(/[^/?#]+)*$")] = ""
    port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 8000
    tokens: tuple[str, ...] = ()
    admin_tokens: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    max_tokens: Positive | None = None
    connections: Positive = 10
    sockets: Positive = 256
    heartbeat_s: Seconds = 30.0
    asks_per_connection: Positive = 4
    asks_per_user: Positive = 8
    asks_per_minute: Positive = 120
    patience_s: Seconds = 20.0
    keep_alive_s: Seconds = KEEP_ALIVE_S
    idle_s: Seconds = 1800.0
    deadline_s: Seconds = 300.0
    grace_s: Annotated[float, msgspec.Meta(ge=0)] = 30.0
    shed_above: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.9
    experiment: bool = False
    log_text: bool = False
