"""Runs made of the real record types, with invented numbers: for tests of the analysis and of nothing else."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from experiments.analysis.cells import Side
from experiments.analysis.pairing import Pair
from experiments.measuring import profiles, runs
from experiments.measuring.limits.interface import GroupMemory
from experiments.measuring.looks import Look
from experiments.measuring.records import (
    EngineSpec,
    Frame,
    GroupSample,
    MemorySample,
    Outcome,
    Outside,
    Part,
    Record,
    RequestRow,
    TrialSpec,
)
from experiments.measuring.runs import RunInfo

ENGINE = EngineSpec(name="llama-batched", model="tiny-shape-q4_0", model_sha256="0" * 64, words_are_meaningless=True)
SIMULATED = EngineSpec(name="simulated")


def spec(study: str, subject: str, block: int = 0, **changes: Any) -> TrialSpec:
    fields: dict[str, Any] = {
        "study": study,
        "condition": {},
        "subject": subject,
        "engine": ENGINE,
        "profile": profiles.load("4gb"),
        "block": block,
        "seed": 1000 + block,
        "timeout_s": 60.0,
        "code_version": "test",
    }
    return TrialSpec(**fields | changes)


def record(trial: TrialSpec, *parts: Part, **changes: Any) -> Record:
    fields: dict[str, Any] = {
        "key": trial.key,
        "spec": trial,
        "outcome": Outcome.OK,
        "backend": "cgroup-v2",
        "enforced": True,
        "started_at": "2000-01-01T00:00:00Z",
        "parts": list(parts),
        "outside": outside(),
    }
    return Record(**fields | changes)


def armed(made: Iterable[Record]) -> list[Record]:
    """Return the records, each with its second half of an A/A arm, in which nothing differs."""
    both = []
    for one in made:
        twin = msgspec.structs.replace(one.spec, twin=True)
        both += [one, msgspec.structs.replace(one, spec=twin, key=twin.key)]
    return both


def of_a_real_model(made: Iterable[Record]) -> list[Record]:
    """Return the records as they were if the weights of the model, where one ran, were not random."""
    found = []
    for one in made:
        engine = one.spec.engine
        if engine is not None and engine.words_are_meaningless:
            real = msgspec.structs.replace(engine, words_are_meaningless=False)
            spec = msgspec.structs.replace(one.spec, engine=real)
            one = msgspec.structs.replace(one, spec=spec, key=spec.key)
        found.append(one)
    return found


def pair(ratios: Sequence[float], better: str = "lower", floor: float | None = None) -> Pair:
    """Return a pair with these ratios, one a block."""
    ours = Side(subject="ours", values=dict(enumerate(ratios)))
    return Pair(
        subject=ours,
        reference=Side(subject="theirs", values=dict.fromkeys(ours.values, 1.0)),
        better=better,
        floor=floor,
        exact=True,
    )


def looked(cpu_seconds: float | None) -> Look:
    """Return a look from outside that saw so much processor time, and nothing else."""
    return Look(
        at_s=0.0,
        counted="group",
        memory=GroupMemory(),
        cpu_seconds=cpu_seconds,
        tree_pss_bytes=0,
        tree_rss_bytes=0,
        processes=(),
    )


def outside(**changes: Any) -> Outside:
    group = GroupMemory(peak_bytes=300 << 20, oom_kills=0)
    return Outside(**{"spawned_s": 100.0, "duration_s": 1.0, "group": group} | changes)


def row(finished_s: float, *, intended_s: float = 0.0, outcome: str = "ok", **changes: Any) -> RequestRow:
    first = intended_s + (finished_s - intended_s) / 3
    fields = {"started_s": intended_s, "first_token_s": first} | changes
    return RequestRow(intended_s=intended_s, finished_s=finished_s, outcome=outcome, **fields)


def sample(anonymous: int, file: int = 90 << 20, at_s: float = 101.0) -> MemorySample:
    return MemorySample(
        at_s=at_s, rss_bytes=anonymous + file, pss_bytes=anonymous + file, anonymous_bytes=anonymous, file_bytes=file
    )


def isolation(blocks: int, noise: random.Random) -> Iterator[Record]:
    hosts = {"baseline": "in-loop", "baseline-alone": "alone", "asynchronous": None}
    kinds = {"file read": (0.06, 0.7), "SQLite commit": (0.3, 2.0), "keywords": (0.4, 1.05)}
    for block in range(blocks):
        for requests in (10, 50):
            condition = {"work": "sleep", "requests": requests, "kilobytes": 100, "sleep_ms": 50}
            labels = ("sleeps shortened from 100 ms to 50 ms",)
            for workers in (0, 1, 2, 3, 6, 7, 32):
                total = math.ceil(requests / max(workers, 1)) * 0.05 * noise.uniform(1.0, 1.01)
                rows = [row(total * (i + 1) / requests) for i in range(requests)]
                yield _offloaded(condition, workers, block, labels, rows, total)
        for kind, (seconds, factor) in kinds.items():
            for workers in (0, 2, 6, 32):
                total = seconds * (factor if workers else 1.0) * noise.uniform(0.95, 1.05)
                condition = {"work": kind, "requests": 50}
                yield _offloaded(condition, workers, block, (), [row(total)] * 50, total)
        for workers in (0, 6):
            condition = {"work": "load isolation", "task": "sleep", "long_ms": 1000}
            labels = ("the long sleep is shortened from 10 s to 1 s",)
            rows = [row(1.0), row(0.05 if workers else 1.05)]
            yield _offloaded(condition, workers, block, labels, rows, 1.05)
        for requests in (5, 10):
            for subject, factor in (("baseline", 1.0), ("baseline-alone", 1.01), ("asynchronous", 0.55)):
                total = requests * 0.2 * factor * noise.uniform(0.95, 1.05)
                rows = [row(total * (i + 1) / requests) for i in range(requests)]
                condition = {"work": "inference", "requests": requests}
                trial = _agent(condition, subject, hosts[subject], block)
                delay = total if subject == "baseline" else 0.01
                yield record(trial, Part(role="subject", requests=rows, loop_delay_s=[0.001, delay]))
        for subject, hosting in hosts.items():
            condition = {"work": "load isolation", "task": "inference", "long_tokens": 96}
            trial = _agent(condition, subject, hosting, block)
            yield record(trial, Part(role="subject", requests=[row(1.5), row(1.7 * noise.uniform(0.95, 1.05))]))


def _offloaded(
    condition: dict[str, Any], workers: int, block: int, labels: tuple[str, ...], rows: list[RequestRow], total: float
) -> Record:
    trial = spec(
        "isolation",
        f"offloaded-{workers}" if workers else "serial",
        block,
        condition=condition,
        engine=None,
        settings={"workers": workers} if workers else {},
        labels=labels,
    )
    return record(trial, Part(role="subject", requests=rows, loop_delay_s=[0.001, 0.004 if workers else total]))


def _agent(condition: dict[str, Any], subject: str, hosting: str | None, block: int) -> TrialSpec:
    system = subject.removesuffix("-alone")
    return spec("isolation", subject, block, system=system, hosting=hosting, condition=condition)


def lazy_loading(blocks: int, noise: random.Random) -> Iterator[Record]:
    plan = {
        "baseline": (1.9, 0.5),
        "asynchronous-eager": (1.95, 0.45),
        "asynchronous-lazy": (0.6, 1.8),
        "asynchronous-lazy-warm": (0.7, 1.0),
    }
    conditions: list[tuple[dict[str, Any], float, float]] = [
        ({"page_cache": "cold"}, 1.0, 1.0),
        ({"page_cache": "warm"}, 0.8, 0.7),
        ({"page_cache": "cold", "pause_s": 1}, 1.0, 0.3),
    ]
    for block in range(blocks):
        for condition, early, late in conditions:
            for subject, (ready, first) in plan.items():
                if "pause_s" in condition and "lazy" not in subject:
                    continue
                ready, first = early * ready * noise.uniform(0.96, 1.04), late * first * noise.uniform(0.96, 1.04)
                began = 100.5 + ready
                held = (20 if "lazy" in subject else 330) << 20
                part = Part(
                    role="subject",
                    marks={
                        "started": 100.5,
                        "ready": began,
                        "first_reply": began + first,
                        "second_reply": began + first + 0.3,
                    },
                    requests=[row(first), row(first + 0.3, intended_s=first)],
                    memory={
                        "ready": sample(held, held // 3),
                        "first_reply": sample(345 << 20),
                        "second_reply": sample(350 << 20),
                    },
                )
                yield record(spec("lazy-loading", subject, block, condition=condition), part)
        yield from _resources(block, noise)
        for subject, took in (("baseline", 0.1), ("asynchronous", 0.12)):
            series = {
                "interpreter_s": [0.02, 0.03, 0.02],
                "import_s": [took * noise.uniform(1, 1.2) for _ in range(3)],
                "import_anonymous_bytes": [took * 1e8] * 3,
            }
            trial = spec("lazy-loading", subject, block, condition={"part": "imports"}, engine=None)
            yield record(trial, Part(role="subject", series=series))


def _resources(block: int, noise: random.Random) -> Iterator[Record]:
    costs = {
        "interpreter": (0.2, 15, 11),
        "agent": (0.05, 1, 1),
        "keywords": (1.1, 200, 0),
        "store": (0.02, 1, 1),
        "library": (0.3, 5, 9),
        "model": (0.5, 110, 85),
        "turn": (0.8, 6, -1),
    }
    for page_cache, faster in (("cold", 1.0), ("warm", 0.7)):
        part, anonymous, file = Part(role="subject", marks={"started": 100.5}), 0, 0
        for name, (seconds, more_anonymous, more_file) in costs.items():
            anonymous, file = anonymous + (more_anonymous << 20), file + (more_file << 20)
            part.values[f"{name}_s"] = seconds * faster * noise.uniform(0.95, 1.05)
            part.memory[name] = sample(anonymous, file)
        condition = {"part": "resources", "page_cache": page_cache}
        yield record(spec("lazy-loading", "in-order", block, condition=condition), part)


def _quality(block: int, noise: random.Random) -> Iterator[Record]:
    """What stores find and systems answer after a conversation: less the longer it was."""
    for turns in (50, 500, 5000):
        for store, share in (("like", 0.3), ("relevance", 0.9), ("bm25", 0.8)):
            found = share * noise.uniform(0.9, 1.0) - turns / 50_000
            part = Part(role="subject", values={"recall@10": found}, series={"retrieval_s": [turns * 1e-6] * 20})
            condition = {"part": "evidence", "turns": turns}
            yield record(spec("memory", store, block, condition=condition, engine=None), part)
        for subject, share in (("baseline", 0.1), ("asynchronous", 0.6), ("asynchronous+bm25", 0.5)):
            if turns == 500 or "+" not in subject:
                found = share * noise.uniform(0.9, 1.0)
                values = {"recall@3": found, "in_prompt": found + 0.05, "right": found + 0.1, "right/en": found + 0.1}
                trial = spec("memory", subject, block, condition={"part": "answers", "turns": turns})
                yield record(trial, Part(role="subject", values=values))


def _natural(block: int) -> Iterator[Record]:
    """What stores find after a natural conversation, by kind and register."""
    noise = random.Random(block)
    for turns in (500, 5000):
        for store, share in (("like", 0.3), ("relevance", 0.9), ("bm25", 0.8)):
            values = {"recall@10/sharing": share}
            for kind in ("long", "pronoun", "paraphrased"):
                for register in ("dialogue", "assistant"):
                    values[f"recall@10/{kind}-{register}"] = share * noise.uniform(0.8, 1.0)
            condition = {"part": "natural-evidence", "turns": turns}
            yield record(
                spec("memory", store, block, condition=condition, engine=None), Part(role="subject", values=values)
            )


def _own_words(block: int) -> Iterator[Record]:
    """How a real model answers: hardly ever rightly, and with the published lookup never."""
    noise = random.Random(block)
    for part, layouts in (("own-words", ("bracketed", "list")), ("natural-own-words", ("list",))):
        for layout in layouts:
            condition = {"part": part, "turns": 500, "model": "smollm2", "layout": layout, "questions": 11}
            for subject, share in (("baseline", 0.0), ("asynchronous", 0.3)):
                values = {
                    "questions": 11, "questions/en": 11, "questions/in_prompt": 7 if share else 0,
                    "right": share, "right/en": share * noise.uniform(0.5, 1.0),
                    "answered/in_prompt": share * 1.5, "other_value": 0.4, "declined": 0.1,
                }  # fmt: skip
                yield record(spec("memory", subject, block, condition=condition), Part(role="subject", values=values))


def memory(blocks: int, noise: random.Random) -> Iterator[Record]:
    for block in range(blocks):
        yield from _quality(block, noise)
        yield from _own_words(block)
        yield from _natural(block)
        for trace, accesses, distinct, bonus in (("published", 500, 129, 0.05), ("zipf", 5000, 900, 0.12)):
            for capacity in (20, 50, 100, 200):
                for subject in ("fifo", "lru"):
                    bound = (accesses - distinct) / accesses
                    rate = bound * min(1.0, capacity / 200 + (bonus if subject == "lru" else 0))
                    hits = int(accesses * rate * noise.uniform(0.97, 1.0))
                    values = {"hits": hits, "accesses": accesses, "distinct": distinct}
                    condition = {"part": "hit-rate", "trace": trace, "capacity": capacity}
                    trial = spec("memory", subject, block, condition=condition, engine=None)
                    yield record(trial, Part(role="subject", values=values))
        for subject, slow in (("baseline", 1.0), ("asynchronous", 0.2)):
            store = "like" if subject == "baseline" else "full-text"
            for memories in (100, 1000, 10000):
                times = [memories * 2e-6 * slow * noise.uniform(0.8, 1.5) + 1e-4 for _ in range(30)]
                values = {"recalled": 21 if subject == "baseline" else 29, "queries": 30}
                condition = {"part": "retrieval", "memories": memories}
                trial = spec("memory", store, block, condition=condition, engine=None)
                yield record(trial, Part(role="subject", series={"retrieval_s": times}, values=values))
            turns = [float(turn) for turn in range(0, 300, 10)]
            sizes = [float((90 << 20) + turn * 4000 * slow + noise.uniform(0, 60000)) for turn in turns]
            timeline = [
                GroupSample(
                    at_s=turn / 10, current_bytes=int(size * 2), anonymous_bytes=int(size), file_bytes=int(size)
                )
                for turn, size in zip(turns, sizes, strict=True)
            ]
            trial = spec("memory", subject, block, condition={"part": "soak", "work": "no model", "turns": 300})
            part = Part(role="subject", series={"turn": turns, "anonymous_bytes": sizes})
            yield record(trial, part, outside=Outside(spawned_s=100.0, timeline=timeline))
    for subject in ("baseline", "asynchronous"):
        trial = spec("memory", subject, condition={"part": "memray", "work": "no model", "turns": 20}, traced=True)
        values = {
            "heap_peak_bytes": 60e6 if subject == "baseline" else 75e6,
            "mapped_peak_bytes": 90e6,
            "allocations": 1e5,
        }
        part = Part(
            role="subject",
            values=values,
            flames=flames(int(values["heap_peak_bytes"])),
            requests=[row(9.0)],
            artifacts={"flamegraph": f"artifacts/{trial.key}.html"},
        )
        yield record(trial, part)


def flames(heap: int) -> Frame:
    """Return a flame graph in which loading a dictionary held most of ``heap``."""
    load = Frame(place="memory/keywords.py: load", size_bytes=heap * 6 // 10)
    start = Frame(place="baseline/agent.py: start", size_bytes=heap * 7 // 10, calls=(load,))
    answer = Frame(place="baseline/agent.py: answer", size_bytes=heap * 2 // 10)
    return Frame(place="everything", size_bytes=heap, calls=(start, answer))


RUNGS = {"none": "none", "all": "all", "none+isolation": "isolation", "all-isolation": "isolation"}


def _serial_load(block: int, noise: random.Random) -> Iterator[Record]:
    """Open arrivals and both directions of a ladder of one mechanism, with an A/A arm."""
    tried = []
    for rate in (30.0, 50.0):
        for subject, wait in (("baseline", 0.1), ("asynchronous", 0.03)):
            for kind, burst in (("poisson", {}), ("bursts", {"burst": 5})):
                tried.append(({"users": 5, "arrivals": kind, "rate": rate} | burst, subject, wait * rate / 30, False))
    for direction, subjects in (
        ("add-one", {"none": 1.0, "none+isolation": 0.9, "all": 0.8, "baseline": 1.0}),
        ("leave-one-out", {"all": 0.8, "all-isolation": 0.95}),
    ):
        condition = {"users": 20, "turns": 1, "arrivals": "closed", "ladder": direction}
        tried += [(condition, subject, wait, False) for subject, wait in subjects.items()]
        tried.append((condition, next(iter(subjects)), next(iter(subjects.values())), True))
    for condition, subject, wait, twin in tried:
        made = [wait * noise.uniform(0.97, 1.03) * (1 + number / 20) for number in range(20)]
        starts = [number / condition["rate"] if "rate" in condition else 0.0 for number in range(20)]
        rows = [row(start + late, intended_s=start) for start, late in zip(starts, made, strict=True)]
        trial = spec(
            "load",
            subject,
            block,
            condition={"work": "serial simulation"} | condition,
            system="baseline" if subject == "baseline" else "asynchronous",
            variant=RUNGS.get(subject, ""),
            engine=SIMULATED,
            twin=twin,
            labels=("simulated engine: no model ran",),
        )
        yield record(trial, Part(role="subject"), Part(role="client", requests=rows, loop_delay_s=[0.001]))


ENGINES = {
    "baseline on serial": "serial",
    "asynchronous on serial": "serial",
    "asynchronous on batched": "batching",
    "asynchronous on batched+states": "states",
}


def _engines(block: int, noise: random.Random) -> Iterator[Record]:
    """The engine's ladder: every step takes some of the wait."""
    condition = {"work": "inference", "users": 10, "turns": 4, "arrivals": "closed", "questions": "repeated"}
    for place, (subject, variant) in enumerate(ENGINES.items()):
        rows = [row((1 + number) * noise.uniform(0.97, 1.03) / (1 + place)) for number in range(40)]
        trial = spec(
            "load",
            subject,
            block,
            condition=condition | {"pool": 4, "engines": "ladder"},
            system=subject.partition(" ")[0],
            variant=variant,
            engine=ENGINE,
        )
        yield record(trial, Part(role="subject"), Part(role="client", requests=rows, loop_delay_s=[0.001]))


def load(blocks: int, noise: random.Random) -> Iterator[Record]:
    for block in range(blocks):
        yield from _serial_load(block, noise)
        yield from _engines(block, noise)
        for work in ("inference", "simulation"):
            for users in (1, 10, 50):
                for subject, factor in (("baseline", 1.0), ("asynchronous", 0.6)):
                    rows = []
                    for user in range(users):
                        for turn in range(4):
                            intended = turn * 0.5
                            wait = (0.1 + 0.02 * users * factor) * noise.lognormvariate(0, 0.35)
                            failed = subject == "baseline" and users == 50 and noise.random() < 0.02
                            rows.append(
                                row(
                                    intended + wait,
                                    intended_s=intended,
                                    outcome="refused" if failed else "ok",
                                    user=user,
                                    turn=turn,
                                )
                            )
                    condition = {"work": work, "users": users, "turns": 4, "arrivals": "closed"}
                    simulated = work == "simulation"
                    trial = spec(
                        "load",
                        subject,
                        block,
                        system=subject,
                        condition=condition,
                        engine=SIMULATED if simulated else ENGINE,
                        labels=("simulated engine: no model ran",) if simulated else (),
                    )
                    client = Part(role="client", requests=rows, loop_delay_s=[0.0005, 0.001])
                    inside = Part(
                        role="subject",
                        values={"cpu_s": users * 0.4 * factor},
                        counters={"cache_hits": 3, "cache_misses": 97},
                    )
                    samples = [_held(second, factor) for second in range(4)]
                    yield record(trial, inside, client, outside=outside(timeline=samples))


def _held(second: int, factor: float) -> GroupSample:
    anonymous, file = int((second * 50 << 20) * factor), 90 << 20
    return GroupSample(at_s=float(second), current_bytes=anonymous + file, anonymous_bytes=anonymous, file_bytes=file)


def everything(blocks: int = 3, seed: int = 7) -> list[Record]:
    noise = random.Random(seed)
    return [made for study in (isolation, lazy_loading, memory, load) for made in study(blocks, noise)]


def info(**changes: Any) -> RunInfo:
    fields: dict[str, Any] = {
        "run_id": "synthetic",
        "created": "2000-01-01T00:00:00Z",
        "preset": "smoke",
        "blocks": 3,
        "seed": 1,
        "studies": ("isolation", "lazy-loading", "memory", "load"),
        "systems": ("baseline", "asynchronous"),
        "profile": profiles.load("4gb"),
        "backend": "cgroup-v2",
        "enforced": True,
        "engine": ENGINE,
        "code_version": "test",
        "environment": {"python": "3.x", "machine": {"cpus": 2, "memory_bytes": 8 << 30}},
        "planned": 0,
    }
    return RunInfo(**fields | changes)


def write(folder: Path, made: Sequence[Record], **changes: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    described = info(**{"planned": len({one.key for one in made})} | changes)
    runs.RunFolder(folder).write_info(described)
    # At once: a run appends them one by one, and waits for the disk each time.
    (folder / runs.TRIALS).write_bytes(b"".join(msgspec.json.encode(one) + b"\n" for one in made))
    return folder
