"""How much memory a turn and a session of some kind of agent need, as those before it needed.

CPython places objects itself, by size and not by lifetime, so a pool of objects that live equally long cannot be had
from within. What is left of a working-set allocator is its sizing: how much room to keep for the next turn, and how
many conversations fit beside each other.
"""

from __future__ import annotations

from collections import deque
from typing import Literal

Lifetime = Literal["turn", "session", "persistent"]
"""How long objects live: one turn, one conversation, or as long as the agent."""

_QUANTILE = 0.9


class WorkingSets:
    """Sizes seen by kind of agent and lifetime; of each pair the last ``kept`` are remembered."""

    def __init__(self, kept: int = 64) -> None:
        self._kept = kept
        self._sizes: dict[tuple[str, Lifetime], deque[int]] = {}

    def saw(self, kind: str, lifetime: Lifetime, size: int) -> None:
        """Remember that an agent of this ``kind`` used ``size`` bytes for what lives that long."""
        self._sizes.setdefault((kind, lifetime), deque(maxlen=self._kept)).append(max(0, size))

    def predicted(self, kind: str, lifetime: Lifetime, default: int = 0) -> int:
        """Return the bytes that nine in ten such agents kept within, or ``default`` where none was seen."""
        sizes = sorted(self._sizes.get((kind, lifetime), ()))
        return sizes[min(len(sizes) - 1, int(_QUANTILE * len(sizes)))] if sizes else default

    def total(self, kind: str, sessions: int, turns: int) -> int:
        """Return the bytes to expect of so many sessions and turns at once, beside what is persistent."""
        expected = {"session": sessions, "turn": turns, "persistent": 1}
        lifetimes: tuple[Lifetime, ...] = ("turn", "session", "persistent")
        return sum(expected[lifetime] * self.predicted(kind, lifetime) for lifetime in lifetimes)
