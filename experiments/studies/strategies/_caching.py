"""What a trial of the part ``caches`` does."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from statistics import fmean
from typing import Literal

import msgspec

from experiments.measuring.probes.histogram import Histogram
from experiments.measuring.role import Role
from experiments.studies.strategies import _cache_ways
from experiments.studies.strategies._cache_names import ASIDE, IN_PROCESS, THROUGH, UNCACHED, WARMED
from experiments.studies.strategies._cache_ways import CachedThing, CacheWay, SlowOrigin
from experiments.studies.strategies._optimum import most_hits
from experiments.workloads import traces

_EXPONENT = 0.9  # common in measured web traces, and that of the study of memory
_BEFORE = 1
"""Added to the seed for the accesses of the day before, by which a cache is warmed."""

AccessKind = Literal["read", "change", "elsewhere"]


class CacheAccess(msgspec.Struct, frozen=True, kw_only=True):
    """What one access does: a read, a change of the agent's own, or one of another's; the origin answers so late."""

    key: int
    kind: AccessKind
    after_s: float


def accesses(seed: int, count: int, keys: int, changes: float, delay_ms: float) -> list[CacheAccess]:
    """Return accesses by Zipf's law, a share of them ``changes``, with delays drawn around the mean ``delay_ms``.

    Delays are exponential: if all were equal, nothing would overtake, and no cache-aside would ever store what was
    changed meanwhile.
    """
    rng = random.Random(f"accesses {seed}")
    return [
        CacheAccess(key=key, kind=_kind(rng, changes), after_s=rng.expovariate(1.0) * delay_ms / 1000)
        for key in traces.zipf(seed, count, keys, _EXPONENT)
    ]


def _kind(rng: random.Random, changes: float) -> AccessKind:
    if rng.random() >= changes:
        return "read"
    return rng.choice(("change", "elsewhere"))


def popular(seed: int, count: int, keys: int, room: int) -> list[int]:
    """Return what a cache with so much room is warmed with: what was accessed most the day before, the most so last.

    Where there is room for more than was accessed, others are taken at random.
    """
    counts = Counter(traces.zipf(seed + _BEFORE, count, keys, _EXPONENT))
    known = [key for key, _ in counts.most_common()]
    others = [key for key in range(keys) if key not in counts]
    random.Random(f"popular {seed}").shuffle(others)
    return [*known, *others][:room][::-1]


class AccessesSeen:
    """What came of the accesses. A read is stale if it is older than a change that was over when it began."""

    def __init__(self) -> None:
        self.read_s: list[float] = []
        self.change_s: list[float] = []
        self.stale = 0
        self._over: dict[int, int] = {}

    async def do(self, way: CacheWay, access: CacheAccess) -> None:
        """Make the access, and note it."""
        least = self._over.get(access.key, 0)
        began = time.perf_counter()
        thing = await _made(way, access)
        took_s = time.perf_counter() - began
        if access.kind == "read":
            self.read_s.append(took_s)
            self.stale += thing.version < least
        else:
            self.change_s.append(took_s)
            self._over[access.key] = max(thing.version, self._over.get(access.key, 0))


async def _made(way: CacheWay, access: CacheAccess) -> CachedThing:
    if access.kind == "read":
        return await way.read(access.key, access.after_s)
    change = way.change if access.kind == "change" else way.changed_elsewhere
    return await change(access.key, access.after_s)


def run(role: Role) -> None:
    """Make every access once, by as many callers as the condition says."""
    asyncio.run(_run(role))


async def _run(role: Role) -> None:
    condition, seed = role.spec.condition, role.spec.seed
    count, keys = int(condition["accesses"] or 0), int(condition["keys"] or 0)
    room, callers = int(condition["room"] or 0), int(condition["callers"] or 1)
    planned = accesses(seed, count, keys, float(condition["changes"] or 0), float(condition["delay_ms"] or 0))
    with closing(SlowOrigin(role.work_dir / "origin.sqlite", keys, seed)) as origin:
        way = _way(role, origin, room)
        await way.open(callers)
        try:
            warmed = popular(seed, count, keys, room) if role.spec.subject == WARMED else []
            await _warm(role, way, warmed, float(condition["delay_ms"] or 0), callers)
            seen = AccessesSeen()
            await _all(way, planned, callers, seen)
            _note(role, planned, seen, way, room, warmed)
            role.part.values["held"] = float(await way.held())
            role.part.values["origin_reads"] = float(origin.reads)
            anonymous = role.processes.anonymous_bytes()
            if anonymous is not None:
                role.part.values["cache_anonymous_bytes"] = float(anonymous)
            await asyncio.to_thread(role.outside_look)
        finally:
            await way.close()


def _way(role: Role, origin: SlowOrigin, room: int) -> CacheWay:
    subject = role.spec.subject
    if subject == UNCACHED:
        return _cache_ways.Uncached(origin, room)
    if subject == IN_PROCESS:
        return _cache_ways.InProcessCache(origin, room)
    kind = {ASIDE: _cache_ways.RedisAside, THROUGH: _cache_ways.RedisThrough, WARMED: _cache_ways.RedisAside}[subject]
    return kind(origin, room, role.service(role.spec.services[0].name))


async def _warm(role: Role, way: CacheWay, keys: Sequence[int], delay_ms: float, callers: int) -> None:
    """Read ``keys`` before anybody asks, and note how long that takes."""
    if not keys:
        return
    rng = random.Random(f"warming {role.spec.seed}")
    reads = [CacheAccess(key=key, kind="read", after_s=rng.expovariate(1.0) * delay_ms / 1000) for key in keys]
    began = time.perf_counter()
    await _all(way, reads, callers, AccessesSeen())
    role.part.values["warming_s"] = round(time.perf_counter() - began, 6)
    way.hits = 0


async def _all(way: CacheWay, planned: Sequence[CacheAccess], callers: int, seen: AccessesSeen) -> None:
    """Make the accesses in their order: each caller makes the next one as soon as its last is over."""
    left = iter(planned)
    await asyncio.gather(*(_call(way, left, seen) for _ in range(callers)))


async def _call(way: CacheWay, left: Iterator[CacheAccess], seen: AccessesSeen) -> None:
    for access in left:
        await seen.do(way, access)


def _note(
    role: Role, planned: Sequence[CacheAccess], seen: AccessesSeen, way: CacheWay, room: int, warmed: Sequence[int]
) -> None:
    keys, reads = [access.key for access in planned], [access.kind == "read" for access in planned]
    times = Histogram()
    for took_s in seen.read_s:
        times.add(took_s)
    role.part.histograms["read_s"] = [times.text()]
    role.part.values.update(
        accesses=float(len(seen.read_s)),
        stale=float(seen.stale),
        optimum_hits=float(most_hits(keys, reads, room, warmed)),
        read_mean_s=round(fmean(seen.read_s), 9),
    )
    if role.spec.subject != UNCACHED:
        role.part.values["hits"] = float(way.hits)
    if seen.change_s:
        role.part.values["change_mean_s"] = round(fmean(seen.change_s), 9)
