"""Hit rates: access traces through our caches, and through an independent simulator's for comparison."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from experiments.measuring.records import Scalar
from experiments.measuring.role import Role
from experiments.measuring.study import Cell, GridRequest, Preset
from experiments.workloads import replay, traces
from systems.interface import Reply, Source
from systems.mechanisms.caches import BoundedCache, FifoCache
from systems.settings import CacheKey

OURS: dict[str, Callable[[int], Any]] = {
    "fifo": FifoCache,
    "lru": lambda capacity: BoundedCache(capacity, seconds=1800.0, max_bytes=2**30),
    "tinylfu": lambda capacity: BoundedCache(capacity, seconds=1800.0, max_bytes=2**30, policy="tinylfu"),
}

SIMULATED = {"s3-fifo": "S3FIFO", "sieve": "Sieve", "optimum": "Belady"}
"""Policies no system here uses, by their class in libcachesim; "optimum" is Belady's, which knows the future and,
as the others here, stores after every miss."""

_CAPACITIES: dict[Preset, tuple[int, ...]] = {
    "smoke": (100,),
    "quick": (50,),
    "standard": (25, 50, 100, 500),
    "wide": (25, 50, 100, 200, 500),
    "paper": (0, 10, 25, 50, 75, 100, 150, 200, 500, 1000),
}
_TRACES: dict[Preset, tuple[str, ...]] = {
    "smoke": ("published",),
    "quick": ("published", "conversation log"),
    "standard": ("published", "published, first 100", "zipf", "scan", "conversation log"),
    "wide": ("published", "published, first 100", "zipf", "scan", "conversation log"),
    "paper": ("published", "published, first 100", "zipf", "scan", "conversation log"),
}
# A Zipf exponent near 0.9 and a few thousand keys are common in measured web traces.
_ZIPF_ACCESSES, _ZIPF_KEYS, _ZIPF_EXPONENT = 20_000, 2_000, 0.9
_SCAN_ACCESSES, _SCAN_HOT, _SCAN_ONCE = 6_000, 60, 300
_LOG_TURNS = 2_000
_NEVER = 2**63 - 1  # when the simulator is told a key is asked for next, if it is not


def cells(request: GridRequest) -> list[Cell]:
    """Return a cell a trace, capacity and policy; the simulator's policies need it."""
    return [
        Cell(
            part="hit-rate",
            condition=condition | {"capacity": capacity},
            subject=policy,
            requires=("libcachesim",) if policy in SIMULATED else (),
            labels=(f"{policy}: simulated policy, in no system",) if policy in SIMULATED else (),
            estimate_s=0.3,
        )
        for condition in _conditions(request.preset)
        for capacity in _CAPACITIES[request.preset]
        for policy in (*OURS, *SIMULATED)
        if policy in OURS or capacity
    ]


def _conditions(preset: Preset) -> list[dict[str, Scalar]]:
    found: list[dict[str, Scalar]] = []
    for trace in _TRACES[preset]:
        condition: dict[str, Scalar] = {"part": "hit-rate", "trace": trace}
        kinds: tuple[CacheKey, ...] = ("question", "prompt")
        found += [condition | {"key": kind} for kind in kinds] if trace == "conversation log" else [condition]
    return found


def run(role: Role) -> None:
    """Replay one trace through one cache, storing after every miss."""
    condition = role.spec.condition
    capacity, accesses = int(condition["capacity"] or 0), _accesses(role)
    if role.spec.subject in OURS:
        _replay(role, OURS[role.spec.subject](capacity), accesses)
    else:
        role.part.values["hits"] = float(simulate(SIMULATED[role.spec.subject], capacity, [key for key, _ in accesses]))
    role.part.values.update(accesses=len(accesses), distinct=len({key for key, _ in accesses}))
    role.outside_look()


def _accesses(role: Role) -> list[tuple[str, str]]:
    """Return the trace: each access's key, and what tells whether an entry under that key is the right one."""
    seed, condition = role.spec.seed, role.spec.condition
    match condition["trace"]:
        case "published":
            trace = traces.published(seed)
        case "published, first 100":
            trace = traces.published(seed, 100)
        case "zipf":
            trace = traces.zipf(seed, _ZIPF_ACCESSES, _ZIPF_KEYS, _ZIPF_EXPONENT)
        case "scan":
            trace = traces.scan(seed, _SCAN_ACCESSES, _SCAN_HOT, _SCAN_ONCE)
        case _:
            return list(replay.keys(seed, _LOG_TURNS, "question" if condition["key"] == "question" else "prompt"))
    return [(str(key), str(key)) for key in trace]


def _replay(role: Role, cache: Any, accesses: list[tuple[str, str]]) -> None:
    hits = wrong = 0
    began = time.perf_counter()
    for key, right in accesses:
        reply = cache.get(key)
        if reply is None:
            cache.put(key, Reply(request_id="", text=right, source=Source.MODEL))
        else:
            hits += 1
            if reply.text != right:
                wrong += 1
    role.part.values["replay_s"] = time.perf_counter() - began
    role.part.values.update(hits=hits, wrong=wrong, held_bytes=_held_bytes(cache, dict(accesses)))


def _held_bytes(cache: Any, entries: dict[str, str]) -> int:
    """Return the bytes of keys and replies still held; asked last, because asking changes what is recent."""
    held = ((key, cache.get(key)) for key in entries)
    return sum(len(key.encode()) + len(reply.text.encode()) for key, reply in held if reply is not None)


def simulate(policy: str, capacity: int, keys: list[str]) -> int:
    """Return the hits of libcachesim's ``policy`` on ``keys``; every object counts one."""
    import libcachesim

    cache = getattr(libcachesim, policy)(cache_size=capacity)
    number = {key: place for place, key in enumerate(dict.fromkeys(keys))}
    last: dict[str, int] = {}
    following = [_NEVER] * len(keys)
    for place, key in enumerate(keys):
        if key in last:
            following[last[key]] = place
        last[key] = place
    hits = 0
    for place, key in enumerate(keys):
        request = libcachesim.Request()
        request.obj_id, request.obj_size, request.clock_time = number[key], 1, place
        request.next_access_vtime = following[place]
        if cache.get(request):
            hits += 1
    return hits
