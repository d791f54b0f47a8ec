"""The response cache: least recently used leaves first, entries expire, bytes are bounded, threads may share it."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

import msgspec

from systems.interface import Reply


class _Entry(msgspec.Struct):
    reply: Reply
    size: int
    expires: float


class LruCache:
    """At most ``capacity`` replies and ``max_bytes`` of text, each for ``seconds`` after it was stored.

    The bytes of an entry are those of its key, its reply's text and the memories it carries, in UTF-8. One larger than
    an eighth of the byte bound is not stored: one long answer must not empty the cache.
    ``clock`` returns seconds.
    """

    def __init__(
        self, capacity: int, seconds: float, max_bytes: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._capacity = capacity
        self._seconds = seconds
        self._max_bytes = max_bytes
        self._clock = clock
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
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
        """Hold at most ``capacity`` replies from now on; the least recently used leave."""
        with self._lock:
            self._capacity = capacity
            self._evict()

    def get(self, key: str) -> Reply | None:
        """Return the reply stored under ``key`` and make it the most recently used, or None."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                return None
            if entry.expires <= self._clock():
                self._drop(key)
                return None
            self._entries.move_to_end(key)
            return entry.reply

    def put(self, key: str, reply: Reply) -> None:
        """Store ``reply`` as the most recently used, and evict until both bounds hold."""
        size = _utf8_bytes(key) + _utf8_bytes(reply.text) + sum(map(_utf8_bytes, reply.memories))
        if self._capacity <= 0 or size > self._max_bytes // 8:
            return
        with self._lock:
            if key in self._entries:
                self._drop(key)
            self._entries[key] = _Entry(reply, size, self._clock() + self._seconds)
            self._bytes += size
            self._evict()

    def _evict(self) -> None:
        while len(self._entries) > self._capacity or self._bytes > self._max_bytes:
            self._drop(next(iter(self._entries)))

    def _drop(self, key: str) -> None:
        self._bytes -= self._entries.pop(key).size


def _utf8_bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
