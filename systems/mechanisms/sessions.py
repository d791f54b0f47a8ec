"""The order of turns: those of one session are answered one after another, those of different ones at once."""

from __future__ import annotations

import asyncio
from weakref import WeakValueDictionary


class Sessions:
    """A place in line for every session. Used from one event loop; a session that nobody waits for keeps nothing."""

    def __init__(self) -> None:
        self._lines: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def turn(self, session: str) -> asyncio.Lock:
        """Return what a turn of ``session`` holds while it is answered; waiting for it is first come, first served."""
        return self._lines.setdefault(session, asyncio.Lock())
