"""One source after another, over connections that are kept: what a program without threads or tasks does.

It runs in the thread of the event loop that calls it and holds that loop from the first source to the last, as the same
program would. Off the loop it is `Threads` with one thread.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing

from systems.research.fetching.blocking import BlockingCall
from systems.research.fetching.interface import Fetcher, FetchLimits, OnDone, unheard
from systems.research.fetching.reaching import LookUp, look_up
from systems.research.fetching.reading import pages_of, read_source
from systems.research.sources.documents import Found


class Sequential(Fetcher):
    """Reads each source when the one before has been read."""

    def __init__(self, limits: FetchLimits, look_up: LookUp = look_up) -> None:
        self._limits, self._look_up = limits, look_up

    async def fetch(self, sources: Sequence[str], on_done: OnDone | None = None) -> list[Found]:
        """Return what was read and refused; until then the event loop stands still."""
        call = BlockingCall(self._limits, self._look_up)
        tell = on_done or unheard
        found: list[Found] = []
        with closing(pages_of(self._limits)) as pages:
            for source in sources:
                for each in read_source(source, call, pages):
                    found.append(each)
                    tell(each)
        return found
