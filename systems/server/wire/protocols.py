"""HTTP and WebSocket on a connection, with bounds: every request gets one response, no body is taken for a request."""

# ruff: noqa: D102 - asyncio's protocols and the parser say what these methods are

from __future__ import annotations

import asyncio
import socket
from typing import Any, cast

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from systems.server.answering import Refusing, Thorough
from systems.server.failures import Failure, bad_request
from systems.server.settings import MAX_HEADER_BYTES
from systems.server.wire.framing import WEBSOCKET, offers_websocket, refusal, without_upgrade

UNREAD_BYTES = 64 * 1024
"""How much may wait to be read by a client before nothing more is written to it."""

# Requests that a client may send before the one in front of them was answered.
_MOST_WAITING = 16

# How long what still comes is read, and thrown away, after the last response of a connection: one that is closed before
# it was read to its end is reset, and the client may lose the response with it.
_LINGER_S = 2.0

_TOO_MANY = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 10\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


def _over(transport: asyncio.Transport) -> bool:
    """Whether nothing is left of the connection but to say that it was lost."""
    return transport.is_closing() and not transport.get_write_buffer_size()


class _Unhurried:
    """A protocol that cuts off a client which does not read what it is sent."""

    config: Any
    loop: asyncio.AbstractEventLoop
    transport: asyncio.Transport
    _cut: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)  # type: ignore[misc]
        transport.set_write_buffer_limits(UNREAD_BYTES)
        connected = transport.get_extra_info("socket")
        # Or a body behind its head, and a token behind another, waits up to 40 ms until the client acknowledges
        # what was sent before: asyncio sees to it only where a socket names its protocol, and these do not.
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # also after this side has closed, when nobody counts any more
            patience_ms = int(self.config.settings.patience_s * 1000)
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, patience_ms)

    def pause_writing(self) -> None:
        super().pause_writing()  # type: ignore[misc]
        self._cut = self.loop.call_later(self.config.settings.patience_s, self.transport.abort)

    def resume_writing(self) -> None:
        self._uncut()
        super().resume_writing()  # type: ignore[misc]

    def connection_lost(self, error: Exception | None) -> None:
        self._uncut()
        super().connection_lost(error)  # type: ignore[misc]

    def _uncut(self) -> None:
        if self._cut is not None:
            self._cut.cancel()
            self._cut = None


class _Unreadable(Exception):
    """Raised inside the parser, which ends: the client gets an error."""


class Http(_Unhurried, HttpToolsProtocol):
    """HTTP, with bounds on connections, headers, requests that wait, and the time a request takes to arrive.

    An upgrade that is not taken is ignored: the request is read as one of HTTP/1.1. What cannot be read gets an error
    after everything that was asked before it; nothing that follows it is read, and the connection is closed. So it is
    where a request is answered before its body has come.
    """

    _arriving: asyncio.TimerHandle | None = None
    _lingering: asyncio.TimerHandle | None = None
    _running: RequestResponseCycle | None = None
    _deaf = False  # nothing that comes is read any more
    _last = False  # the response under way is the last of this connection
    _ignored = False  # the head that was read offers an upgrade that is not taken
    _in_headers = True
    _in_body = False
    _header_bytes = 0  # of address, headers and trailers
    _unfinished_bytes = 0  # since the parser last gave something out: it keeps what is not whole
    _wrong: Failure | None = None  # why the request that is being read is refused

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        if self._too_many() and not self._made_room():
            transport.write(_TOO_MANY)
            transport.close()
        else:
            self._await_request()

    def connection_lost(self, error: Exception | None) -> None:
        self._arrived()
        if self._lingering is not None:
            self._lingering.cancel()
        if self._running is not None:  # which is not the newest where several requests were sent at once
            self._running.disconnected = True
            self._running.message_event.set()
        self._running = None
        self._unset_keepalive_if_required()
        super().connection_lost(error)

    def handle_websocket_upgrade(self) -> None:
        self._arrived()
        self._unset_keepalive_if_required()
        super().handle_websocket_upgrade()
        # It holds this, which holds it: what the connection took would wait for the collector, long after its end.
        self.parser = None  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            return
        self._unfinished_bytes += len(data)
        try:
            while data:
                data = self._read(data)
        except httptools.HttpParserError as error:
            self._refuse(self._wrong or bad_request(f"This is no request of HTTP/1.1: {error}."))
        else:
            if self._unfinished_bytes > MAX_HEADER_BYTES:
                self._refuse(bad_request("The headers are too long."))

    def _read(self, data: bytes) -> bytes:
        """Feed the parser; return what is to be read anew. Raises `HttpParserError`."""
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            rest = data[upgrade.args[0] :]
            if not self._ignored:
                if rest:  # these would be frames before the handshake, which nobody may send
                    self._refuse(bad_request("A WebSocket begins once its handshake was answered."))
                else:
                    self.handle_websocket_upgrade()
                return b""
            # The parser would skip the body, and take it for the next request.
            head = without_upgrade(self.parser.get_method(), self.url, self.parser.get_http_version(), self.headers)
            self.parser = httptools.HttpRequestParser(self)
            self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # which it then ignores
            self._ignored = False
            return head + rest
        return b""

    def on_message_begin(self) -> None:
        self._unset_keepalive_if_required()
        self._in_headers, self._header_bytes = True, 0
        self._await_request()
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._unfinished_bytes = 0
        self._count(len(name) + len(value))
        if self._in_headers:  # nobody reads trailers
            super().on_header(name, value.rstrip(b" \t"))  # which is no part of it

    def on_headers_complete(self) -> None:
        self._in_headers = False
        method, version = self.parser.get_method(), self.parser.get_http_version()
        self._give_up(refusal(method, version, self.headers))
        if self.parser.should_upgrade():
            self._ignored = not self._should_upgrade()
            self.scope["method"] = method.decode("ascii")
            return
        if version == "1.0":
            self.expect_100_continue = False
        super().on_headers_complete()
        self._in_body = True
        if len(self.pipeline) > _MOST_WAITING:
            self._give_up(bad_request(f"At most {_MOST_WAITING} requests may wait for an answer."))

    def on_body(self, body: bytes) -> None:
        self._unfinished_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._unfinished_bytes = 0
        if self._in_body:  # not so after an offer of an upgrade
            self._in_body = False
            self._arrived()
            self.cycle.waiting_for_100_continue = False
            super().on_message_complete()

    def on_response_complete(self) -> None:
        self._running = None
        if self._last:
            self._linger()
        else:
            super().on_response_complete()

    def shutdown(self) -> None:
        if self._lingering is not None:
            self.transport.close()
        else:
            super().shutdown()

    def end_after(self, cycle: RequestResponseCycle) -> None:
        """Make the response of ``cycle`` the last of this connection."""
        self._deaf = self._last = True
        self._arrived()
        cycle.keep_alive = True  # or it would close the connection, with what was not read, itself

    def _should_upgrade(self) -> bool:
        path, _, _ = self.url.decode("ascii", "replace").partition("?")
        return (
            path.removeprefix(self.config.settings.root_path) == WEBSOCKET
            and offers_websocket(self.parser.get_method(), self.parser.get_http_version(), self.headers)
            and not self._answering
        )

    @property
    def _answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, cast("Any", Thorough(self, cycle, app)))

    def _count(self, more: int) -> None:
        self._header_bytes += more
        if self._header_bytes > MAX_HEADER_BYTES:
            self._give_up(bad_request("The headers are too long."))

    def _give_up(self, wrong: Failure | None) -> None:
        if wrong is not None:
            self._wrong = wrong
            raise _Unreadable

    def _refuse(self, wrong: Failure) -> None:
        """Answer what is being read with an error, after everything that was asked before; read nothing more."""
        self._deaf = True
        self._arrived()
        self._unset_keepalive_if_required()
        broken = self.cycle if self._in_body else None
        if broken is not None and broken is not self._running:
            self.pipeline.popleft()  # the newest
        elif broken is not None:
            if broken.response_started:  # which has said that it is the last
                return
            broken.disconnected = True
            broken.message_event.set()
            self._running = None
        method = "HEAD" if self.parser.get_method() == b"HEAD" else "GET"
        self.cycle = RequestResponseCycle(
            scope={"type": "http", "method": method, "http_version": "1.1", "headers": []},  # type: ignore[typeddict-item]
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=False,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=False,
            keep_alive=False,
            on_response=self.on_response_complete,
        )
        self.cycle.more_body = False
        app: Any = Refusing(wrong)
        if self._running is None:
            self._start_asgi_task(self.cycle, app)
        else:
            self.pipeline.appendleft((self.cycle, app))

    def _linger(self) -> None:
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        self.transport.write_eof()
        self._lingering = self.loop.call_later(_LINGER_S, self.transport.close)

    def _too_many(self) -> bool:
        """Whether more is connected than may be.

        A client that has let go of one connection and opens another is often counted with both: the loop reads of the
        end of the first at the same time as of the second, and tells of it later.
        """
        bound: int = self.config.settings.sockets
        return len(self.connections) > bound and sum(not _over(each.transport) for each in self.connections) > bound

    def _made_room(self) -> bool:
        """Close the connection on which nothing was asked for longest, if there is one."""
        idle = [
            (each.timeout_keep_alive_task.when(), each)
            for each in self.connections
            if isinstance(each, Http) and each.timeout_keep_alive_task is not None and not each.transport.is_closing()
        ]
        if idle:
            _, oldest = min(idle, key=lambda each: each[0])
            oldest.timeout_keep_alive_handler()
        return bool(idle)

    def _await_request(self) -> None:
        self._arrived()
        self._arriving = self.loop.call_later(self.config.settings.patience_s, self._late)

    def _late(self) -> None:
        if self.flow.read_paused:  # it is not read because the request before it is being answered
            self._await_request()
        else:
            self.transport.abort()

    def _arrived(self) -> None:
        if self._arriving is not None:
            self._arriving.cancel()
            self._arriving = None


class WebSocket(_Unhurried, WebSocketsSansIOProtocol):
    """WebSocket; a client that does not read is not read either, so that its pings cannot pile up pongs."""

    async def send(self, message: Any) -> None:
        await super().send(message)
        if self.initial_response is not None and self.close_sent:  # an answer instead of a handshake, as it should be
            self.handshake_complete = True

    def pause_writing(self) -> None:
        super().pause_writing()
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        super().resume_writing()
        if not self.read_paused:
            self.transport.resume_reading()
