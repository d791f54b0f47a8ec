"""Sources as tasks of the event loop: all wait at once, each for its own host, and the loop for none."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

from systems.research.fetching.interface import Fetcher, FetchLimits, OnDone, unheard
from systems.research.fetching.looping import LoopCall, LoopWire
from systems.research.fetching.reaching import LookUp, look_up
from systems.research.fetching.reading import broken, pages_of, read_files
from systems.research.sources.documents import CannotRead, Found, SourceRefusal
from systems.research.sources.naming import place_of
from systems.research.sources.web import Pages


class Tasks(Fetcher):
    """Reads each source in a task; at most ``at_once`` are past their host's door, and files are read on threads."""

    def __init__(self, limits: FetchLimits, look_up: LookUp = look_up) -> None:
        self._limits, self._look_up = limits, look_up

    async def fetch(self, sources: Sequence[str], on_done: OnDone | None = None) -> list[Found]:
        """Return what was read and refused."""
        ends = asyncio.get_running_loop().time() + self._limits.total_deadline_s
        call, pages = LoopCall(self._limits, self._look_up), pages_of(self._limits)
        tasks = [asyncio.create_task(self._read(source, call, pages, ends, on_done or unheard)) for source in sources]
        try:
            return list(chain.from_iterable(await asyncio.gather(*tasks)))
        finally:
            left = [task for task in tasks if not task.done()]
            for task in left:
                task.cancel()
            if left:
                await asyncio.wait(left)
            pages.close()
            call.close()

    async def _read(self, source: str, call: LoopCall, pages: Pages, ends: float, on_done: OnDone) -> list[Found]:
        found = await self._found(source, call, pages, ends)
        for each in found:
            on_done(each)
        return found

    async def _found(self, source: str, call: LoopCall, pages: Pages, ends: float) -> list[Found]:
        why = self._limits.over
        try:
            place = place_of(source)
            async with asyncio.timeout_at(ends):
                if isinstance(place, Path):
                    return await asyncio.to_thread(lambda: list(read_files(place, source, self._limits, ends)))
                try:
                    async with asyncio.timeout(None) as timer:
                        return [await pages.read(source, place, LoopWire(call, timer))]
                except TimeoutError:
                    why = self._limits.late
        except CannotRead as error:
            why = str(error)
        except TimeoutError:
            pass
        except Exception as error:  # noqa: BLE001 - as where sources are read on threads
            return [broken(source, error)]
        return [SourceRefusal(source, why)]
