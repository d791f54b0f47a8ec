"""What an agent does without when memory is short: stage by stage, and back again."""

from __future__ import annotations

from typing import Literal, Protocol

from systems.turn.commands import Resizable
from systems.turn.history import Histories

Trim = Literal[0, 1, 2, 3]
"""Stages of pressure, as tiers know them."""

_STAGES: tuple[Trim, ...] = (0, 1, 2, 3)

# From the second stage on a cache and the hot tier have such a part of their room.
_SMALLER = 4


class Trimmed(Protocol):
    """What can do with less memory."""

    def trim(self, stage: Trim) -> None:
        """Use as little memory as ``stage`` asks for, from now on."""
        ...


class Sized(Protocol):
    """Replies that can be fewer."""

    def resize(self, capacity: int) -> None:
        """Hold at most ``capacity`` replies from now on."""
        ...


class Relief:
    """Takes the stages one after another: nothing is fetched ahead, then caches and tiers shrink, then all is packed.

    ``cache`` are the replies by key, ``similar`` those by meaning, of which there may be ``replies``; ``histories``
    are the hot tier, of ``hot_bytes``; ``tiers`` those below it. Used from one event loop.
    """

    def __init__(
        self,
        histories: Histories,
        hot_bytes: int,
        cache: Resizable,
        tiers: Trimmed | None,
        similar: Sized | None,
        replies: int,
    ) -> None:
        self._histories = histories
        self._hot_bytes = hot_bytes
        self._cache = cache
        self._tiers = tiers
        self._similar = similar
        self._replies = replies
        self._capacity: int | None = None
        self.stage: Trim = 0

    def take(self, level: int) -> None:
        """Do without what the stage ``level`` names, and with what it does not name any more; the last is 3."""
        stage = _STAGES[min(level, 3)]
        if stage == self.stage:
            return
        part = (1, 1, _SMALLER, 0)[stage]
        self._cached(part)
        if self._similar is not None:
            self._similar.resize(self._replies // part if part else 0)
        if self._tiers is not None:
            # What leaves the histories is packed there; without lower tiers it would have to be read anew each time.
            self._histories.bound(self._hot_bytes // part if part else 0)
            self._tiers.trim(stage)
        self.stage = stage

    def _cached(self, part: int) -> None:
        """Let the cache have a ``part`` of its room; the room that a person set meanwhile comes back."""
        if part == 1:
            if self._capacity is not None:
                self._cache.resize(self._capacity)
                self._capacity = None
            return
        if self._capacity is None:
            self._capacity = self._cache.capacity
        self._cache.resize(self._capacity // part if part else 0)
