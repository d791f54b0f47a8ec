"""A wire that blocks its thread, each wait by a socket's own time-out, so that no deadline needs anybody to watch."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from systems.errors import DeadlineExceeded
from systems.research.fetching.interface import FetchLimits
from systems.research.fetching.reaching import Certificates, LookUp, looked_up
from systems.research.sources.wire import RECEIVED_BYTES, Channel, Wire

T = TypeVar("T")

_LATE = "The source's deadline has passed."


class BlockingCall:
    """What the wires of one call share: their turns, the end of it all, and the sockets that are open."""

    def __init__(self, limits: FetchLimits, look_up: LookUp) -> None:
        self.limits, self.look_up = limits, look_up
        self.ends = time.monotonic() + limits.total_deadline_s
        self.certificates = Certificates()
        self._lock = threading.Lock()
        self._places: dict[tuple[str, str], threading.Semaphore] = {}
        self._sockets: set[socket.socket] = set()
        self._stopped = False

    def place(self, kind: str, name: str, most: int) -> threading.Semaphore:
        """Return what lets ``most`` in at once."""
        with self._lock:
            return self._places.setdefault((kind, name), threading.Semaphore(most))

    def opened(self, connected: socket.socket) -> None:
        """Note a socket. Raises `DeadlineExceeded` where all was stopped meanwhile."""
        with self._lock:
            if self._stopped:
                connected.close()
                raise DeadlineExceeded("The fetch was stopped.")
            self._sockets.add(connected)

    def closed(self, connected: socket.socket) -> None:
        """Forget a socket."""
        with self._lock:
            self._sockets.discard(connected)

    def stop(self) -> None:
        """Let every wait end at once, and none begin."""
        with self._lock:
            self._stopped = True
            self.ends = 0.0
            for connected in self._sockets:
                with suppress(OSError):  # whoever waits on it is woken, and closes it
                    socket.socket.shutdown(connected, socket.SHUT_RDWR)


class BlockingWire(Wire):
    """The wire of one source; it belongs to the thread that reads the source."""

    def __init__(self, call: BlockingCall) -> None:
        self._call = call
        self._until: float | None = None

    def begin(self) -> None:
        """Count the deadline from now, if not already."""
        if self._until is None:
            self._until = time.monotonic() + self._call.limits.deadline_s

    def left_s(self) -> float:
        """Return the seconds until the deadline. Raises `DeadlineExceeded` when there are none."""
        until = self._call.ends if self._until is None else min(self._until, self._call.ends)
        left = until - time.monotonic()
        if left <= 0:
            raise DeadlineExceeded(_LATE)
        return left

    async def look_up(self, host: str, port: int) -> list[str]:
        """Ask on another thread, and wait no longer than there is time."""
        addresses = looked_up(self._call.look_up, host, port)
        try:
            return addresses.result(self.left_s())
        except TimeoutError as error:
            if addresses.done():
                raise
            raise DeadlineExceeded(_LATE) from error

    async def connect(self, number: str, port: int, server_name: str | None, within_s: float | None) -> Channel:
        """Connect, and shake hands where the connection is encrypted."""
        connected = socket.socket(socket.AF_INET6 if ":" in number else socket.AF_INET, socket.SOCK_STREAM)
        self._call.opened(connected)
        try:
            connected.settimeout(self._shorter(within_s))
            connected.connect((number, port))
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if server_name is not None:
                connected = self._encrypted(connected, server_name, within_s)
        except BaseException as error:
            self.closed(connected)
            if isinstance(error, TimeoutError) and within_s is None:
                raise DeadlineExceeded(_LATE) from error
            raise
        return _BlockingChannel(connected, self)

    def _encrypted(self, plain: socket.socket, server_name: str, within_s: float | None) -> socket.socket:
        context = self._call.certificates.context()
        secured = context.wrap_socket(plain, server_hostname=server_name, do_handshake_on_connect=False)
        self._call.closed(plain)
        try:
            self._call.opened(secured)
            secured.settimeout(self._shorter(within_s))
            secured.do_handshake()
        except BaseException:
            self.closed(secured)
            raise
        return secured

    def _shorter(self, within_s: float | None) -> float:
        return self.left_s() if within_s is None else min(within_s, self.left_s())

    def closed(self, connected: socket.socket) -> None:
        """Close a socket that was connected here."""
        self._call.closed(connected)
        connected.close()

    def adopt(self, channel: Channel) -> None:
        """Let the waits on a connection count against this source's deadline."""
        assert isinstance(channel, _BlockingChannel)
        channel.wire = self

    async def compute(self, function: Callable[[], T], size: int) -> T:  # noqa: ARG002 - the thread is the source's own
        """Compute it here."""
        return function()

    async def enter_host(self, host: str) -> None:
        """Wait for one of the places of this host."""
        self._enter(self._call.place("host", host, self._call.limits.per_host))

    def leave_host(self, host: str) -> None:
        """Give the place back."""
        self._call.place("host", host, self._call.limits.per_host).release()

    async def enter_alone(self, what: str) -> None:
        """Wait for the only place there."""
        self._enter(self._call.place("alone", what, 1))

    def leave_alone(self, what: str) -> None:
        """Give it back."""
        self._call.place("alone", what, 1).release()

    def _enter(self, place: threading.Semaphore) -> None:
        if not place.acquire(timeout=self.left_s()):
            raise DeadlineExceeded(_LATE)


class _BlockingChannel(Channel):
    """A socket, whose waits count against the deadline of the source that uses it now."""

    def __init__(self, connected: socket.socket, wire: BlockingWire) -> None:
        self._socket = connected
        self.wire = wire

    async def send(self, data: bytes) -> None:
        """Send all of it."""
        self._socket.settimeout(self.wire.left_s())
        try:
            self._socket.sendall(data)
        except TimeoutError as error:
            raise DeadlineExceeded(_LATE) from error

    async def receive(self) -> bytes:
        """Return what has come, as soon as something has."""
        self._socket.settimeout(self.wire.left_s())
        try:
            return self._socket.recv(RECEIVED_BYTES)
        except TimeoutError as error:
            raise DeadlineExceeded(_LATE) from error

    def close(self) -> None:
        """Close the socket."""
        self.wire.closed(self._socket)
