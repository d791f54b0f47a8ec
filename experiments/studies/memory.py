"""What do the response cache, the memory store and a long conversation cost and bring?

Four parts: ``hit-rate`` replays access traces through the two caches; ``retrieval`` asks the two stores for planted
memories; ``soak`` holds one conversation and watches anonymous memory, a short one with the model and a long one
without; ``memray`` traces a short one.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

from experiments.probes import memory, memray_trace
from experiments.records import EngineSpec
from experiments.role import Role
from experiments.studies.interface import Cell, GridRequest, Preset, Study
from experiments.studies.subjects import Stopwatch, ask, counted, hosted, warm
from experiments.workloads import traces
from experiments.workloads.conversations import conversations, sentences
from systems.asynchronous.cache import LruCache
from systems.baseline.cache import FifoCache
from systems.interface import Reply, Source
from systems.memory.fulltext import FullTextStore
from systems.memory.keywords import Keywords
from systems.memory.like import LikeStore
from systems.memory.schema import SavedTurn

_CAPACITIES: dict[Preset, tuple[int, ...]] = {"smoke": (100,), "quick": (0, 25, 50, 100, 200, 500)}
_MEMORIES: dict[Preset, tuple[int, ...]] = {"smoke": (500,), "quick": (1_000, 4_000)}
# A real soak is slow; a long one, to see what the agent itself keeps, runs without a model and says so.
_SOAK_TURNS: dict[Preset, int] = {"smoke": 4, "quick": 10}
_LONG_SOAK_TURNS: dict[Preset, int] = {"smoke": 50, "quick": 400}
_TRACED_TURNS: dict[Preset, int] = {"smoke": 2, "quick": 4}
_QUERIES = 200
_FOUND = 3
# A Zipf exponent near 0.9 and a few thousand keys are common in measured web traces.
_ZIPF_ACCESSES, _ZIPF_KEYS, _ZIPF_EXPONENT = 20_000, 2_000, 0.9

_CACHES: dict[str, Callable[[int], Any]] = {
    "fifo": FifoCache,
    "lru": lambda capacity: LruCache(capacity, seconds=1800.0, max_bytes=2**30),
}


class Memory(Study):
    """Caches, stores, a soak and a memory trace."""

    name = "memory"
    question = "What do the response cache, the memory store and a long conversation cost and bring?"
    references = ("fifo", "like", "baseline")
    measures = (
        "hit_rate",
        "retrieval_p50",
        "retrieval_p95",
        "recall",
        "anonymous_growth",
        "latency_p50",
        "group_peak_memory",
        "heap_peak",
        "mapped_peak",
    )

    def grid(self, request: GridRequest) -> Sequence[Cell]:
        """Return the cells of the four parts."""
        preset = request.preset
        cells = [
            Cell(condition={"part": "hit-rate", "trace": trace, "capacity": capacity}, subject=policy, estimate_s=1.0)
            for trace in ("published", "zipf")
            for capacity in _CAPACITIES[preset]
            for policy in _CACHES
        ]
        cells += [
            Cell(condition={"part": "retrieval", "memories": count}, subject=store, estimate_s=3 + count / 500)
            for count in _MEMORIES[preset]
            for store in ("like", "full-text")
        ]
        real, none = request.engine, EngineSpec(name="simulated")
        for part, work, engine, turns, once in (
            ("soak", "inference", real, _SOAK_TURNS[preset], True),
            ("soak", "no model", none, _LONG_SOAK_TURNS[preset], False),
            ("memray", "inference", real, _TRACED_TURNS[preset], True),
        ):
            cells += [
                Cell(
                    condition={"part": part, "work": work, "turns": turns},
                    subject=system,
                    system=system,
                    engine=engine,
                    traced=part == "memray",
                    blocks=1 if once else None,
                    estimate_s=5 + turns * (0.01 if engine is none else 1.5),
                )
                for system in request.systems
            ]
        return cells

    def run_subject(self, role: Role) -> None:
        """Do the part the condition names."""
        match role.spec.condition["part"]:
            case "hit-rate":
                _replay(role)
            case "retrieval":
                asyncio.run(_retrieve(role))
            case "soak":
                asyncio.run(_converse(role))
            case "memray":
                with memray_trace.trace(role.part, role.work_dir):
                    asyncio.run(_converse(role))


def _replay(role: Role) -> None:
    """Replay one trace through one cache, storing after every miss."""
    condition = role.spec.condition
    cache = _CACHES[role.spec.subject](int(condition["capacity"] or 0))
    trace = (
        traces.published(role.spec.seed)
        if condition["trace"] == "published"
        else traces.zipf(role.spec.seed, _ZIPF_ACCESSES, _ZIPF_KEYS, _ZIPF_EXPONENT)
    )
    hits = 0
    for key in trace:
        if cache.get(str(key)) is not None:
            hits += 1
        else:
            cache.put(str(key), Reply(request_id="", text="x" * 100, source=Source.MODEL))
    role.part.values.update(hits=hits, accesses=len(trace), distinct=len(set(trace)))


async def _retrieve(role: Role) -> None:
    """Fill one store, then ask it for memories planted in it, one after another."""
    count = int(role.spec.condition["memories"] or 0)
    keywords = Keywords()
    keywords.load()
    texts = list(islice(sentences(role.spec.seed), count))
    turns = [
        SavedTurn(
            session="reader",
            question=text,
            answer="",
            keywords=tuple(keywords.extract(text)),
            words=tuple(keywords.segment(text)),
            created=float(number),
        )
        for number, text in enumerate(texts)
    ]
    path = role.work_dir / "memory.sqlite"
    asked = random.Random(role.spec.seed).sample(texts, min(_QUERIES, count))
    answers: list[tuple[str, list[str]]] = []
    seconds: list[float] = []

    if role.spec.subject == "like":
        like = LikeStore(path)
        like.open()
        like.save(turns)
        for text in asked:
            wanted = keywords.extract(text)
            began = time.perf_counter()
            found = like.find("reader", wanted, _FOUND)
            seconds.append(time.perf_counter() - began)
            answers.append((text, found))
    else:
        full_text = FullTextStore(path)
        await full_text.open()
        await full_text.save(turns)
        for text in asked:
            wanted = keywords.extract(text)
            began = time.perf_counter()
            found = await full_text.find("reader", wanted, _FOUND)
            seconds.append(time.perf_counter() - began)
            answers.append((text, found))
        await full_text.close()

    role.part.series["retrieval_s"] = [round(value, 7) for value in seconds]
    role.part.values.update(queries=len(asked), recalled=sum(text in found for text, found in answers))
    role.outside_look()


async def _converse(role: Role) -> None:
    """Hold one long conversation and note anonymous memory after every turn."""
    turns = int(role.spec.condition["turns"] or 0)
    planned, first = conversations(role.spec.seed, 2, turns)
    async with hosted(role) as system:
        await warm(system, first[:1])
        clock = Stopwatch()
        anonymous = []
        for turn in planned:
            role.part.requests.append(await ask(system, turn, "user", clock, clock()))
            anonymous.append(float(memory.anonymous_bytes()))
        role.part.series["anonymous_bytes"] = anonymous
        role.part.series["turn"] = [float(number) for number in range(turns)]
        role.part.counters = counted(system.counters())
        await asyncio.to_thread(role.outside_look)
