"""Response caches: the plain one, first in first out; and one whose entries expire and whose bytes are bounded."""

from __future__ import annotations

import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import Literal, Protocol

import msgspec

from systems.interface import Reply

PolicyName = Literal["lru", "tinylfu", "fifo"]


class FifoCache:
    """At most ``capacity`` replies; when full, the oldest entry leaves, however often it was used."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._replies: dict[str, Reply] = {}
        self.cleared = 0

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

    def clear(self) -> None:
        """Forget every reply."""
        self._replies.clear()
        self.cleared += 1


class _Entry(msgspec.Struct):
    reply: Reply
    size: int
    expires: float


class Policy(Protocol):
    """Which key leaves when there is no room. Calls come one at a time."""

    def asked(self, key: str, *, held: bool) -> None:
        """Note that ``key`` was asked for, and whether the cache ``held`` it."""
        ...

    def added(self, key: str) -> None:
        """Note that ``key`` is held from now on."""
        ...

    def removed(self, key: str) -> None:
        """Note that ``key`` is not held any more."""
        ...

    def victim(self, capacity: int) -> str:
        """Return the key that leaves a cache that should hold ``capacity`` entries."""
        ...


class FirstInFirstOut:
    """The oldest entry leaves, however often it was used."""

    def __init__(self) -> None:
        self._order: OrderedDict[str, None] = OrderedDict()

    def asked(self, key: str, *, held: bool) -> None:
        """Change nothing."""

    def added(self, key: str) -> None:
        """Put ``key`` last."""
        self._order[key] = None

    def removed(self, key: str) -> None:
        """Forget ``key``."""
        del self._order[key]

    def victim(self, capacity: int) -> str:  # noqa: ARG002 - some policies need it
        """Return the first key."""
        return next(iter(self._order))


class LeastRecentlyUsed(FirstInFirstOut):
    """The entry that was not asked for the longest leaves."""

    def asked(self, key: str, *, held: bool) -> None:
        """Put ``key`` last."""
        if held:
            self._order.move_to_end(key)


class TinyLfu:
    """An entry must be asked for more often than the one whose place it would take.

    TinyLFU (Einziger, Friedman and Manes, 2017): new entries pass through a small window, least recently used first
    out; the rest is ordered in the same way, and its first leaves only for a newcomer that was asked for more often of
    late. Keys are counted exactly, not in a sketch: after ten accesses an entry all counts are halved, and what comes
    to nothing is forgotten, so there are at most ten times as many counts as entries.
    """

    _WINDOW_SHARE, _SAMPLE, _LEAST_SAMPLE = 100, 10, 100

    def __init__(self) -> None:
        self._window: OrderedDict[str, None] = OrderedDict()
        self._main: OrderedDict[str, None] = OrderedDict()
        self._times: Counter[str] = Counter()
        self._counted = 0

    def asked(self, key: str, *, held: bool) -> None:
        """Count ``key``, and put it last where it is."""
        self._times[key] += 1
        self._counted += 1
        if self._counted > max(self._LEAST_SAMPLE, self._SAMPLE * (len(self._window) + len(self._main))):
            self._times = Counter({key: count // 2 for key, count in self._times.items() if count > 1})
            self._counted = self._times.total()
        if held:
            (self._window if key in self._window else self._main).move_to_end(key)

    def added(self, key: str) -> None:
        """Put ``key`` into the window."""
        self._window[key] = None

    def removed(self, key: str) -> None:
        """Forget ``key``, but not how often it was asked for."""
        del (self._window if key in self._window else self._main)[key]

    def victim(self, capacity: int) -> str:
        """Return the newcomer that leaves the window, or the entry whose place it takes."""
        window = max(1, capacity // self._WINDOW_SHARE)
        while len(self._window) > window + 1 or (self._window and not self._main):
            self._main[self._window.popitem(last=False)[0]] = None
        resident = next(iter(self._main))
        if len(self._window) <= window:
            return resident
        newcomer = next(iter(self._window))
        if self._times[newcomer] <= self._times[resident]:
            return newcomer
        self._main[newcomer] = self._window.pop(newcomer)
        return resident


POLICIES: dict[PolicyName, Callable[[], Policy]] = {
    "lru": LeastRecentlyUsed,
    "tinylfu": TinyLfu,
    "fifo": FirstInFirstOut,
}


class BoundedCache:
    """At most ``capacity`` replies and ``max_bytes`` of text, each for ``seconds`` after it was stored.

    The bytes of an entry are those of its key, its reply's text and the memories it carries, in UTF-8. One larger than
    an eighth of the byte bound is not stored: one long answer must not empty the cache. Threads may share it.
    ``clock`` returns seconds.
    """

    def __init__(
        self,
        capacity: int,
        seconds: float,
        max_bytes: int,
        policy: PolicyName = "lru",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.cleared = 0
        self._capacity = capacity
        self._seconds = seconds
        self._max_bytes = max_bytes
        self._policy = POLICIES[policy]()
        self._clock = clock
        self._entries: dict[str, _Entry] = {}
        self._bytes = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def bytes(self) -> int:
        """Bytes of UTF-8 text held: keys, replies and their memories."""
        return self._bytes

    @property
    def capacity(self) -> int:
        """How many replies it holds at most."""
        return self._capacity

    def resize(self, capacity: int) -> None:
        """Hold at most ``capacity`` replies from now on; those leave that the policy says."""
        with self._lock:
            self._capacity = capacity
            self._evict()

    def get(self, key: str) -> Reply | None:
        """Return the reply stored under ``key``, or None."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is not None and entry.expires <= self._clock():
                self._drop(key)
                entry = None
            self._policy.asked(key, held=entry is not None)
            return None if entry is None else entry.reply

    def put(self, key: str, reply: Reply) -> None:
        """Store ``reply``, and evict until both bounds hold: it may be the first to leave."""
        size = _utf8_bytes(key) + _utf8_bytes(reply.text) + sum(map(_utf8_bytes, reply.memories))
        if self._capacity <= 0 or size > self._max_bytes // 8:
            return
        with self._lock:
            if key in self._entries:
                self._drop(key)
            self._entries[key] = _Entry(reply, size, self._clock() + self._seconds)
            self._policy.added(key)
            self._bytes += size
            self._evict()

    def clear(self) -> None:
        """Forget every reply."""
        with self._lock:
            for key in list(self._entries):
                self._drop(key)
            self.cleared += 1

    def _evict(self) -> None:
        while len(self._entries) > self._capacity or self._bytes > self._max_bytes:
            self._drop(self._policy.victim(self._capacity))

    def _drop(self, key: str) -> None:
        self._policy.removed(key)
        self._bytes -= self._entries.pop(key).size


def _utf8_bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
