"""The order of turns: those of one conversation are answered one after another, those of different ones at once."""

from __future__ import annotations

import asyncio
from weakref import WeakValueDictionary


class Sessions:
    """A place in line for every conversation. Used from one event loop; one that nobody waits for keeps nothing."""

    def __init__(self) -> None:
        self._lines: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def turn(self, talk: str) -> asyncio.Lock:
        """Return what a turn of the conversation ``talk`` holds while it is answered: first come, first served."""
        return self._lines.setdefault(talk, asyncio.Lock())
