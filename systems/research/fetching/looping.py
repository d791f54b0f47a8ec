"""A wire of the event loop: whoever waits on it gives way, and deadlines are those of the task that waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from systems.research.fetching.interface import FetchLimits
from systems.research.fetching.reaching import Certificates, LookUp, looked_up
from systems.research.sources.wire import RECEIVED_BYTES, Channel, Wire

T = TypeVar("T")

_HELD_BYTES = 4_000
"""The largest page that is read in the event loop itself, in some hundred microseconds.

Pages that come at once are read one after another before the loop looks at its clock again: fifty of common size would
hold it for a tenth of a second and more. On one thread beside it they hold it for a switch of threads at most.
"""


class LoopCall:
    """What the wires of one call share: the places at each host, and of all, and a thread that reads."""

    def __init__(self, limits: FetchLimits, look_up: LookUp) -> None:
        self.limits, self.look_up = limits, look_up
        self.certificates = Certificates()
        self.all = asyncio.Semaphore(limits.at_once)
        self.beside = ThreadPoolExecutor(1, thread_name_prefix="read")
        self._places: dict[tuple[str, str], asyncio.Semaphore] = {}

    def close(self) -> None:
        """Let the thread end, and read nothing more."""
        self.beside.shutdown(wait=False, cancel_futures=True)

    def place(self, kind: str, name: str, most: int) -> asyncio.Semaphore:
        """Return what lets ``most`` in at once."""
        return self._places.setdefault((kind, name), asyncio.Semaphore(most))


class LoopWire(Wire):
    """The wire of one source; ``timer`` is the time-out of its task, without a moment until the deadline counts."""

    def __init__(self, call: LoopCall, timer: asyncio.Timeout) -> None:
        self._call, self._timer = call, timer

    def begin(self) -> None:
        """Count the deadline from now, if not already."""
        if self._timer.when() is None:
            self._timer.reschedule(asyncio.get_running_loop().time() + self._call.limits.deadline_s)

    async def look_up(self, host: str, port: int) -> list[str]:
        """Wait for a thread that asks."""
        return await asyncio.wrap_future(looked_up(self._call.look_up, host, port))

    async def connect(self, number: str, port: int, server_name: str | None, within_s: float | None) -> Channel:
        """Connect, and shake hands where the connection is encrypted."""
        context = await asyncio.to_thread(self._call.certificates.context) if server_name is not None else None
        async with asyncio.timeout(within_s):
            reader, writer = await asyncio.open_connection(
                number, port, ssl=context, server_hostname=server_name, limit=RECEIVED_BYTES
            )
        return _LoopChannel(reader, writer)

    def adopt(self, channel: Channel) -> None:
        """Nothing is to be done: a wait is its task's."""

    async def compute(self, function: Callable[[], T], size: int) -> T:
        """Compute it here where it is little, else on the thread beside the loop."""
        if size <= _HELD_BYTES:
            return function()
        return await asyncio.get_running_loop().run_in_executor(self._call.beside, function)

    async def enter_host(self, host: str) -> None:
        """Wait for one of the places of this host, then for one of all."""
        here = self._call.place("host", host, self._call.limits.per_host)
        await here.acquire()
        try:
            await self._call.all.acquire()
        except BaseException:
            here.release()
            raise

    def leave_host(self, host: str) -> None:
        """Give both places back."""
        self._call.all.release()
        self._call.place("host", host, self._call.limits.per_host).release()

    async def enter_alone(self, what: str) -> None:
        """Wait for the only place there."""
        await self._call.place("alone", what, 1).acquire()

    def leave_alone(self, what: str) -> None:
        """Give it back."""
        self._call.place("alone", what, 1).release()


class _LoopChannel(Channel):
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def send(self, data: bytes) -> None:
        """Send all of it."""
        self._writer.write(data)
        await self._writer.drain()

    async def receive(self) -> bytes:
        """Return what has come, as soon as something has."""
        return await self._reader.read(RECEIVED_BYTES)

    def close(self) -> None:
        """Drop the connection, without waiting for the other side to agree."""
        self._writer.transport.abort()
