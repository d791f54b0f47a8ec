"""One request and its answer over HTTP/1.1, on a connection that is kept for the next one.

The protocol is h11's, which leaves the connections to whoever uses it: so those are made to the very addresses that
were checked, and the same code runs on every `Wire`. Whatever an answer does, no more than a bound is held of it: its
head by h11's own, its body as it comes and again unpacked, and all bytes together, of which framing may be most.
"""

from __future__ import annotations

import threading
from ipaddress import ip_address

import h11
import msgspec

from systems.errors import words
from systems.research.sources.addresses import WebAddress, checked
from systems.research.sources.bodies import CODINGS, Unpacking
from systems.research.sources.documents import CannotRead, TooLarge
from systems.research.sources.robots import NAME
from systems.research.sources.wire import Channel, Wire

AGENT = f"{NAME}/0.1 (research agent)"
"""What a request calls itself; hosts address the first word in their robots.txt."""

_HEAD_BYTES = 32 << 10
_UNUSED_BYTES = 64 << 10  # of a body that nobody reads, so that its connection can be kept
_MOST_NUMBERS = 4  # of one host are tried
_CONNECTED_WITHIN_S = 5.0  # where there is another address to try
_MOST_KEPT = 64

_HEADERS = (
    ("User-Agent", AGENT),
    ("Accept", "text/html, application/xhtml+xml, text/markdown, text/plain;q=0.9, */*;q=0.1"),
    ("Accept-Encoding", CODINGS),
)


class WebAnswer(msgspec.Struct, frozen=True):
    """What a host answered. Names of headers are in lower case; the body is empty unless ``status`` is 200."""

    status: int
    headers: dict[str, str]
    body: bytes = b""


class _Open:
    """A connection, what h11 knows of it, and whether anything was heard since the last request."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.protocol = h11.Connection(h11.CLIENT, max_incomplete_event_size=_HEAD_BYTES)
        self.heard = False


class Exchanges:
    """Requests of one call, and the connections that are kept between them; several threads may ask at once."""

    def __init__(self) -> None:
        self._kept: list[tuple[tuple[str, bool], _Open]] = []
        self._lock = threading.Lock()
        self._closed = False

    async def get(
        self, wire: Wire, address: WebAddress, most_bytes: int, *, named: bool, cut: bool = False
    ) -> WebAnswer:
        """Ask for a page.

        ``named`` says that the host may be in a private network. Of a body beyond ``most_bytes`` the beginning is
        returned if ``cut``. Raises `CannotRead`.
        """
        whose = (address.origin, named)
        kept = self._take(whose)
        if kept is not None:
            wire.adopt(kept.channel)
            try:
                return await self._ask(kept, whose, address, most_bytes, cut)
            except (OSError, h11.RemoteProtocolError) as error:
                # A host may close a connection that waits: only a new one tells what it answers.
                if kept.heard:
                    raise _broken(error) from error
        try:
            return await self._ask(await self._open(wire, address, named), whose, address, most_bytes, cut)
        except (OSError, h11.RemoteProtocolError) as error:
            raise _broken(error) from error

    def close(self) -> None:
        """Drop every connection that is kept, and keep no more."""
        with self._lock:
            self._closed = True
            kept, self._kept = self._kept, []
        for _, each in kept:
            each.channel.close()

    def _take(self, whose: tuple[str, bool]) -> _Open | None:
        with self._lock:
            at = next((at for at, (owner, _) in enumerate(self._kept) if owner == whose), None)
            return None if at is None else self._kept.pop(at)[1]

    def _keep(self, whose: tuple[str, bool], opened: _Open) -> None:
        with self._lock:
            if self._closed:
                opened.channel.close()
                return
            self._kept.append((whose, opened))
            oldest = self._kept.pop(0)[1] if len(self._kept) > _MOST_KEPT else None
        if oldest is not None:
            oldest.channel.close()

    async def _open(self, wire: Wire, address: WebAddress, named: bool) -> _Open:
        try:
            numbers = [ip_address(address.host).compressed]
        except ValueError:
            try:
                numbers = await wire.look_up(address.host, address.port)
            except OSError as error:
                raise CannotRead(f"no address of {address.host} is known ({_said(error)})") from error
        allowed = checked(address.host, numbers, (address.host,) if named else ())[:_MOST_NUMBERS]
        server_name = address.host if address.secure else None
        for number in allowed[:-1]:
            try:
                return _Open(await wire.connect(number, address.port, server_name, _CONNECTED_WITHIN_S))
            except OSError:
                continue
        try:
            return _Open(await wire.connect(allowed[-1], address.port, server_name, None))
        except OSError as error:
            raise CannotRead(f"{address.place} cannot be reached ({_said(error)})") from error

    async def _ask(
        self, opened: _Open, whose: tuple[str, bool], address: WebAddress, most_bytes: int, cut: bool
    ) -> WebAnswer:
        ended_well = False
        opened.heard = False
        try:
            request = h11.Request(method="GET", target=address.target, headers=[("Host", address.place), *_HEADERS])
            asked = (opened.protocol.send(request) or b"") + (opened.protocol.send(h11.EndOfMessage()) or b"")
            await opened.channel.send(asked)
            answer = await _answer(opened, most_bytes, cut)
            ended_well = _reusable(opened.protocol)
        finally:
            if ended_well:
                opened.protocol.start_next_cycle()
                self._keep(whose, opened)
            else:
                opened.channel.close()
        return answer


async def _answer(opened: _Open, most_bytes: int, cut: bool) -> WebAnswer:
    """Read one answer. Raises `CannotRead`, OSError, and what h11 raises for what is no HTTP."""
    answer: WebAnswer | None = None
    unpacking = Unpacking("", 0)
    body = bytearray()  # and no list of pieces: an answer in chunks of two bytes would be a million of them
    received = 0
    while True:
        event = opened.protocol.next_event()
        if event is h11.NEED_DATA:
            data = await opened.channel.receive()
            opened.heard = opened.heard or bool(data)
            received += len(data)
            if not data and answer is None:
                raise ConnectionError("its host closed it before an answer came")
            if answer is not None and answer.status != 200 and received > _UNUSED_BYTES:
                return answer
            if received > 2 * (most_bytes + _HEAD_BYTES):
                raise TooLarge(most_bytes)
            opened.protocol.receive_data(data)
        elif isinstance(event, h11.Response):
            answer = WebAnswer(event.status_code, _headers(event))
            if answer.status == 200:
                _check_length(answer, most_bytes, cut)
                unpacking = Unpacking(answer.headers.get("content-encoding", ""), most_bytes, cut=cut)
        elif isinstance(event, h11.Data):
            if answer is None or answer.status != 200:
                continue
            body += unpacking.feed(bytes(event.data))
            if unpacking.full:
                return WebAnswer(answer.status, answer.headers, bytes(body))
        elif isinstance(event, h11.EndOfMessage):
            if answer is None or answer.status != 200:
                return answer or WebAnswer(0, {})
            unpacking.end()
            return WebAnswer(answer.status, answer.headers, bytes(body))
        elif not isinstance(event, h11.InformationalResponse):
            raise CannotRead("its host sent something else than an answer")


def _headers(response: h11.Response) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in response.headers:
        key, said = name.decode("ascii"), value.decode("latin-1").strip()
        found[key] = f"{found[key]}, {said}" if key in found else said
    return found


def _check_length(answer: WebAnswer, most_bytes: int, cut: bool) -> None:
    length = answer.headers.get("content-length", "")
    # What it unpacks to is bounded as it comes; packed it is no smaller than this.
    if length.isdigit() and int(length) > most_bytes and not cut:
        raise TooLarge(most_bytes)


def _reusable(protocol: h11.Connection) -> bool:
    """Return whether both sides are done, mean to go on, and nothing came that nobody asked for."""
    done = protocol.our_state is h11.DONE and protocol.their_state is h11.DONE
    return done and protocol.trailing_data == (b"", False)


def _broken(error: OSError | h11.RemoteProtocolError) -> CannotRead:
    if isinstance(error, h11.RemoteProtocolError):
        return CannotRead(f"its host does not speak HTTP as it should ({_said(error)})")
    return CannotRead(f"its connection broke ({_said(error)})")


def _said(error: Exception) -> str:
    return (getattr(error, "strerror", None) or words(error) or type(error).__name__).rstrip(".")[:200]
