"""Sources on threads: each thread blocks on its own source, and the event loop on none.

A thread that waits for a place at a busy host reads nothing meanwhile, so sources are taken up host by host in turn.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from itertools import chain

from systems.research.fetching.blocking import BlockingCall
from systems.research.fetching.interface import Fetcher, FetchLimits, OnDone, unheard
from systems.research.fetching.reaching import LookUp, look_up
from systems.research.fetching.reading import pages_of, read_source
from systems.research.sources.addresses import WebAddress
from systems.research.sources.documents import CannotRead, Found
from systems.research.sources.naming import place_of
from systems.research.sources.web import Pages


class Threads(Fetcher):
    """Reads sources on at most ``at_once`` threads, which are made for the call and end with it."""

    def __init__(self, limits: FetchLimits, look_up: LookUp = look_up) -> None:
        self._limits, self._look_up = limits, look_up

    async def fetch(self, sources: Sequence[str], on_done: OnDone | None = None) -> list[Found]:
        """Return what was read and refused."""
        call = BlockingCall(self._limits, self._look_up)
        pages = pages_of(self._limits)
        crew = _Crew(sources, call, pages, on_done or unheard)
        threads = [
            threading.Thread(target=crew.work, name=f"fetch_{number}", daemon=True)
            for number in range(min(self._limits.at_once, len(sources)))
        ]
        for thread in threads:
            thread.start()
        try:
            found = await asyncio.gather(*crew.futures)
        finally:
            # Where all is done there is nothing to stop; where the call was cancelled every wait ends now.
            crew.left.clear()
            call.stop()
            pages.close()
        for thread in threads:  # each has handed over its last, and is returning
            thread.join()
        return list(chain.from_iterable(found))


class _Crew:
    """The sources that are left, and where what was found in each is handed over."""

    def __init__(self, sources: Sequence[str], call: BlockingCall, pages: Pages, on_done: OnDone) -> None:
        self._loop = asyncio.get_running_loop()
        self._sources, self._call, self._pages, self._on_done = sources, call, pages, on_done
        self.futures: list[asyncio.Future[list[Found]]] = [self._loop.create_future() for _ in sources]
        self.left = deque(_in_turn(sources))

    def work(self) -> None:
        """Read one source after another until none is left."""
        while True:
            try:
                number = self.left.popleft()
            except IndexError:
                return
            found: list[Found] | Exception
            try:
                found = list(read_source(self._sources[number], self._call, self._pages))
            except Exception as error:  # noqa: BLE001 - a defect of the reading belongs to whoever asked for it
                found = error
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                self._loop.call_soon_threadsafe(self._hand_over, number, found)

    def _hand_over(self, number: int, found: list[Found] | Exception) -> None:
        future = self.futures[number]
        if future.done():
            return
        if isinstance(found, Exception):
            future.set_exception(found)
            return
        try:
            for each in found:
                self._on_done(each)
        except Exception as error:  # noqa: BLE001 - it is the caller's own, and goes to the caller
            future.set_exception(error)
        else:
            future.set_result(found)


def _in_turn(sources: Sequence[str]) -> list[int]:
    """Return the places of the sources, so that those of one host follow each other as late as they can."""
    before: dict[str, int] = {}
    rounds: list[tuple[int, int]] = []
    for number, source in enumerate(sources):
        try:
            place = place_of(source)
        except CannotRead:
            place = None
        host = place.host if isinstance(place, WebAddress) else str(number)
        rounds.append((before.get(host, 0), number))
        before[host] = before.get(host, 0) + 1
    return [number for _, number in sorted(rounds)]
