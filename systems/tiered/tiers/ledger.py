"""What is known in memory of conversations and their sessions: which are in use, and what was moved."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Literal
from weakref import WeakValueDictionary

from systems.interface import session_of
from systems.tiered.tiers.interface import TierName

Reason = Literal["no room", "not packed", "damaged"]
"""Why a state is not kept any more: it is made again from the saved turns when its conversation goes on."""


class Ledger:
    """Used from one event loop; ``is_warm`` says whether a conversation is in the warm tier.

    ``hot`` has of each hot conversation how often it was in use before; ``moves`` counts states by where they came from
    and went to, ``lost`` those that are not kept any more, ``failures`` moves that did not come about. In ``stale`` are
    conversations of which the file may hold an older state than is in use; in ``undisturbed`` the sessions that are
    being frozen and that nobody has asked for since; ``woken`` says when sessions were asked for by name.
    """

    def __init__(self, is_warm: Callable[[str], bool]) -> None:
        self.hot: dict[str, int] = {}
        self.moves: Counter[tuple[TierName, TierName]] = Counter()
        self.lost: Counter[Reason] = Counter()
        self.failures = 0
        self.stale: set[str] = set()
        self.undisturbed: set[str] = set()
        self.woken: dict[str, float] = {}
        self._near: Counter[str] = Counter()
        self._is_warm = is_warm
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def lock(self, session: str) -> asyncio.Lock:
        """Return what is held while something of ``session`` moves."""
        return self._locks.setdefault(session, asyncio.Lock())

    def heat(self, talk: str, uses: int) -> None:
        """Note that ``talk`` is hot; it was in a lower tier than the warm one, or in none."""
        if talk not in self.hot:
            self.rise(talk)
        self.hot[talk] = uses

    def rise(self, talk: str) -> None:
        """Note that ``talk`` is hot or warm."""
        self._near[session_of(talk)] += 1

    def fall(self, talk: str) -> None:
        """Note that ``talk`` is neither any more."""
        session = session_of(talk)
        self._near[session] -= 1
        if self._near[session] <= 0:
            del self._near[session]

    def holds(self, talk: str) -> bool:
        """Return whether ``talk`` is hot or warm: whatever else is of it is older."""
        return talk in self.hot or self._is_warm(talk)

    def in_use(self, session: str) -> bool:
        """Return whether a conversation of ``session`` is hot or warm."""
        return session in self._near

    def touch(self, session: str) -> None:
        """Note that somebody asked for ``session``: it is not to be frozen now."""
        self.undisturbed.discard(session)
