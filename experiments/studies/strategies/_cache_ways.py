"""The ways of looking something up that the part `caches` compares, and the origin that they ask."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from systems.mechanisms.caches import TinyLfu

TEXT_BYTES = 8_192
"""Of each thing that is looked up: a page, or what a tool said."""

EXPIRES_S = 3_600
"""After which an entry in Redis goes, as the source advises; no trial takes as long."""

_PREFIX = "thing:"


class CachedThing(msgspec.Struct, frozen=True, array_like=True):
    """What is looked up. ``version`` counts how often it was changed."""

    key: int
    version: int
    text: str


class SlowOrigin:
    """A table in a file, each of whose answers may come later than it is made; ``reads`` counts what was asked."""

    def __init__(self, path: Path, keys: int, seed: int) -> None:
        self.reads = 0
        rng = random.Random(f"things {seed}")
        self._file = sqlite3.connect(path, isolation_level=None)
        self._file.execute("PRAGMA journal_mode = WAL")
        self._file.execute("PRAGMA synchronous = NORMAL")
        self._file.execute("CREATE TABLE things (key INTEGER PRIMARY KEY, version INTEGER, text TEXT)")
        with self._file:
            self._file.execute("BEGIN")
            rows = ((key, 0, rng.randbytes(TEXT_BYTES // 2).hex()) for key in range(keys))
            self._file.executemany("INSERT INTO things VALUES (?, ?, ?)", rows)

    async def read(self, key: int, after_s: float) -> CachedThing:
        """Return what is at ``key`` now, ``after_s`` seconds later."""
        self.reads += 1
        row = self._file.execute("SELECT key, version, text FROM things WHERE key = ?", (key,)).fetchone()
        await _later(after_s)
        return CachedThing(*row)

    async def change(self, key: int, after_s: float) -> CachedThing:
        """Change what is at ``key`` now, and return it ``after_s`` seconds later."""
        changing = "UPDATE things SET version = version + 1 WHERE key = ? RETURNING key, version, text"
        row = self._file.execute(changing, (key,)).fetchone()
        await _later(after_s)
        return CachedThing(*row)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class CacheWay(ABC):
    """One way of looking things up, with room for ``room`` of them; ``hits`` counts what the origin was spared."""

    def __init__(self, origin: SlowOrigin, room: int) -> None:
        self.hits = 0
        self._origin, self._room = origin, room

    async def open(self, callers: int) -> None:  # noqa: B027 - most have nothing to open
        """Get ready for so many callers at once."""

    @abstractmethod
    async def read(self, key: int, after_s: float) -> CachedThing:
        """Return what is at ``key``; the origin answers ``after_s`` seconds later where it is asked."""

    async def change(self, key: int, after_s: float) -> CachedThing:
        """Change what is at ``key``, and have the cache know."""
        return await self._origin.change(key, after_s)

    async def changed_elsewhere(self, key: int, after_s: float) -> CachedThing:
        """Have another agent change what is at ``key`` in this way: what the two share knows, and no more."""
        return await self._origin.change(key, after_s)

    @abstractmethod
    async def held(self) -> int:
        """Return how many things the cache holds."""

    async def close(self) -> None:  # noqa: B027 - as above
        """Close what was opened."""


class Uncached(CacheWay):
    """Everything is asked for at the origin."""

    async def read(self, key: int, after_s: float) -> CachedThing:
        """Ask the origin."""
        return await self._origin.read(key, after_s)

    async def held(self) -> int:
        """Return that it holds nothing."""
        return 0


class InProcessCache(CacheWay):
    """A dictionary in the process, which the least often used leave (TinyLFU); nothing older replaces what it holds."""

    def __init__(self, origin: SlowOrigin, room: int) -> None:
        super().__init__(origin, room)
        self._things: dict[int, CachedThing] = {}
        self._policy = TinyLfu()

    async def read(self, key: int, after_s: float) -> CachedThing:
        """Return what is held, else what the origin says, which is held then."""
        thing = self._things.get(key)
        self._policy.asked(_name(key), held=thing is not None)
        if thing is not None:
            self.hits += 1
            return thing
        thing = await self._origin.read(key, after_s)
        self._hold(thing)
        return thing

    async def change(self, key: int, after_s: float) -> CachedThing:
        """Change it at the origin, and hold what is there now."""
        thing = await self._origin.change(key, after_s)
        self._hold(thing)
        return thing

    async def held(self) -> int:
        """Return the length of the dictionary."""
        return len(self._things)

    def _hold(self, thing: CachedThing) -> None:
        known = self._things.get(thing.key)
        if known is not None and known.version >= thing.version:
            return
        self._things[thing.key] = thing
        if known is None:
            self._policy.added(_name(thing.key))
        while len(self._things) > self._room:
            leaving = self._policy.victim(self._room)
            self._policy.removed(leaving)
            del self._things[_key(leaving)]


class RedisAside(CacheWay):
    """Cache-aside in Redis: a miss is asked for and stored, a change deletes the entry.

    Redis knows no number of entries: it may hold as many bytes as it held when it was filled with so many things, and
    the least often used leave, as it finds them among ten at random. It knows the least recently used by a clock of
    seconds, in which all of a trial is one moment.
    """

    def __init__(self, origin: SlowOrigin, room: int, address: str) -> None:
        from redis.asyncio import Redis

        super().__init__(origin, room)
        self._client: Any = Redis(unix_socket_path=address)
        self._decoder = msgspec.msgpack.Decoder(CachedThing)
        self._encoder = msgspec.msgpack.Encoder()

    async def open(self, callers: int) -> None:
        """Connect, and bound what the server holds."""
        await self._client.config_set("maxmemory", 0)
        filling = (self._fill(range(first, self._room, callers)) for first in range(callers))
        await asyncio.gather(*filling)
        used = (await self._client.info("memory"))["used_memory"]
        await self._client.flushall()
        for setting, value in (("maxmemory-policy", "allkeys-lfu"), ("maxmemory-samples", 10), ("maxmemory", used)):
            await self._client.config_set(setting, value)

    async def _fill(self, keys: Iterable[int]) -> None:
        for key in keys:
            await self._store(CachedThing(key, 0, "-" * TEXT_BYTES))

    async def read(self, key: int, after_s: float) -> CachedThing:
        """Return what Redis holds, else what the origin says, which Redis holds then."""
        stored = await self._client.get(_name(key))
        if stored is not None:
            self.hits += 1
            return self._decoder.decode(stored)
        thing = await self._origin.read(key, after_s)
        await self._store_read(thing)
        return thing

    async def change(self, key: int, after_s: float) -> CachedThing:
        """Change it at the origin, and delete the entry."""
        thing = await self._origin.change(key, after_s)
        await self._client.delete(_name(key))
        return thing

    async def changed_elsewhere(self, key: int, after_s: float) -> CachedThing:
        """Do as `change` does: the other agent asks the same Redis."""
        return await self.change(key, after_s)

    async def held(self) -> int:
        """Return the number of keys."""
        return int(await self._client.dbsize())

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _store_read(self, thing: CachedThing) -> None:
        await self._store(thing)

    async def _store(self, thing: CachedThing, *, if_none: bool = False) -> None:
        await self._client.set(_name(thing.key), self._encoder.encode(thing), ex=EXPIRES_S, nx=if_none)


class RedisThrough(RedisAside):
    """Write-through in Redis: a change replaces the entry, and what was read never replaces one."""

    async def change(self, key: int, after_s: float) -> CachedThing:
        """Change it at the origin, and store what is there now."""
        thing = await self._origin.change(key, after_s)
        await self._store(thing)
        return thing

    async def _store_read(self, thing: CachedThing) -> None:
        await self._store(thing, if_none=True)


def _name(key: int) -> str:
    return f"{_PREFIX}{key}"


def _key(name: str) -> int:
    return int(name.removeprefix(_PREFIX))


async def _later(after_s: float) -> None:
    if after_s:
        await asyncio.sleep(after_s)
