"""The plain response cache: bounded, first in first out."""

from __future__ import annotations

from systems.interface import Reply


class FifoCache:
    """At most ``capacity`` replies; when full, the oldest entry leaves, however often it was used."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._replies: dict[str, Reply] = {}

    @property
    def capacity(self) -> int:
        """How many replies it holds at most."""
        return self._capacity

    def resize(self, capacity: int) -> None:
        """Hold at most ``capacity`` replies from now on; the oldest leave."""
        self._capacity = capacity
        while len(self._replies) > capacity:
            del self._replies[next(iter(self._replies))]

    def get(self, key: str) -> Reply | None:
        """Return the reply stored under ``key``, or None."""
        return self._replies.get(key)

    def put(self, key: str, reply: Reply) -> None:
        """Store ``reply``; storing under a known key replaces the reply and keeps its place in the queue."""
        if self._capacity <= 0:
            return
        if key not in self._replies and len(self._replies) >= self._capacity:
            del self._replies[next(iter(self._replies))]
        self._replies[key] = reply
