"""Does moving blocking work off the event loop shorten it, and does it keep the loop responsive?

*Kinds of work*: N equal pieces at once, one after another in the event loop or on W threads. A sleep that allocates, as
published: threads overlap it perfectly, so N requests of d seconds take ceil(N/W)·d instead of N·d, whatever the
architecture. And what an agent really does: files, SQLite commits, Python that holds the interpreter lock.
*Inference*: each agent answers N users who ask at once, in process; a blocking one inside the event loop, and hosted
alone on a thread beside it. *Load isolation*, as published: one short task beside a long one.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import product
from typing import ClassVar

import msgspec

from experiments.measuring.probes.loop_delay import LoopDelay
from experiments.measuring.records import RequestRow, Scalar, TrialSpec
from experiments.measuring.role import Role
from experiments.measuring.study import GRADED, Cell, GridRequest, Preset, Study, narrowed, twins
from experiments.measuring.workload import Turn, workloads
from experiments.studies.subjects import (
    REPLY_TOKENS,
    WARM_UP,
    Stopwatch,
    ask,
    batched,
    counted,
    hosted,
    planned,
    warm,
)
from experiments.workloads import blocking
from experiments.workloads.blocking import Piece, PreparedWork
from systems import registry
from systems.engines.scripted import Scripts
from systems.errors import FourgigError
from systems.mechanisms.isolation import Executors

PUBLISHED_SLEEP_MS = 100
PUBLISHED_LONG_S, PUBLISHED_SHORT_S = 10.0, 0.05
LOAD_ISOLATION = "load isolation"

# Python's default executor on 2 processors has 6 threads. 3 come nearest the published range's weak end, 7 its strong.
_DEFAULT_WORKERS = 6
_TELLING_WORKERS = (3, _DEFAULT_WORKERS, 7)
_ALL_WORKERS = (1, 2, 3, 4, 5, 6, 7, 8, 16, 32)

_Sleeps = Mapping[tuple[int, int, int], tuple[int, ...]]
"""The numbers of threads for each number of requests, kilobytes and milliseconds of sleep."""

_SLEEPS: dict[Preset, _Sleeps] = {
    "smoke": {(10, 100, 20): (_DEFAULT_WORKERS,)},
    "quick": {(50, 100, 50): _TELLING_WORKERS},
    "standard": dict.fromkeys(product((1, 10, 50), (100,), (30,)), _ALL_WORKERS) | {(100, 100, 30): _ALL_WORKERS[1:]},
    # The published grid, and beside it every number of threads for its smallest sleep.
    "paper": dict.fromkeys(product((10, 50, 100), (100, 1_000, 5_000), (100, 300, 500)), _TELLING_WORKERS)
    | dict.fromkeys(product((1, 10, 25, 50, 75, 100), (100,), (100,)), _ALL_WORKERS),
}
_REQUESTS: dict[Preset, tuple[int, ...]] = {
    "smoke": (10,),
    "quick": (50,),
    "standard": (50,),
    "paper": (1, 10, 50, 100),
}
_WORKERS: dict[Preset, tuple[int, ...]] = {
    "smoke": (_DEFAULT_WORKERS,),
    "quick": (_DEFAULT_WORKERS,),
    "standard": (2, _DEFAULT_WORKERS, 32),
    "paper": _ALL_WORKERS,
}
_INFERENCES: dict[Preset, tuple[int, ...]] = {"smoke": (3,), "quick": (5,), "standard": (5,), "paper": (1, 5, 10, 50)}
_LONG_S: dict[Preset, float] = {"smoke": 0.2, "quick": 1.0, "standard": 1.0, "paper": PUBLISHED_LONG_S}
_LONG_TOKENS, _SHORT_TOKENS = 4 * REPLY_TOKENS, REPLY_TOKENS // 3

# Where the A/A arms are: these many requests, the smallest sleep.
_ARMED_REQUESTS, _ARMED_INFERENCES = 50, 5

# Guesses in seconds: a trial of blocking work without the work, the loading of jieba, one piece of each kind.
_TRIAL_S, _JIEBA_S = 0.35, 1.7
_PIECE_S = {"file read": 0.001, "file write": 0.002, "SQLite commit": 0.004, "keywords": 0.01}
# A trial with the model without its replies, and one reply.
_MODEL_S, _REPLY_S = 3.7, 0.55


class Isolation(Study):
    """Serial against offloaded: sleeps as published, other kinds of blocking work, inference."""

    name = "isolation"
    question = "Does moving blocking work off the event loop shorten it, and does it keep the loop responsive?"
    parts: ClassVar[Mapping[str, str]] = {
        "sleeps": "sleeps that allocate, as published: serial against so many threads",
        "blocking-work": "files, SQLite commits, Python that holds its lock: serial against so many threads",
        "inference": "each agent answers users who ask at once, in process",
        "load-isolation": "one short task beside a long one: sleeps as published, and replies of each agent",
    }
    references = ("serial", "baseline")
    measures = (
        "success_rate",
        "total_time",
        "throughput",
        "latency_p50",
        "latency_p95",
        "short_task_latency",
        "loop_delay_p99",
        "loop_delay_max",
        "measured_over_law",
    )
    primary = ("total_time", "loop_delay_max", "short_task_latency")

    def grid(self, request: GridRequest) -> Sequence[Cell]:
        """Return the cells of each kind of work, of inference, and of load isolation."""
        request = narrowed(request)
        cells = [*_sleeping(request.preset), *_working(request.preset), *_inferring(request), *_isolating(request)]
        return [*cells, *twins(filter(_armed, cells))] if request.preset in GRADED else cells

    def run_subject(self, role: Role) -> None:
        """Send all requests at once and note when each was answered."""
        asyncio.run(_infer(role) if role.spec.engine else _work(role, _prepared(role)))


def _sleeping(preset: Preset) -> Iterator[Cell]:
    for (requests, kilobytes, sleep_ms), workers in _SLEEPS[preset].items():
        shortened = f"sleeps shortened from {PUBLISHED_SLEEP_MS} ms to {sleep_ms} ms; no model runs in them"
        as_published = "sleeps as published; no model runs in them"
        yield from _compared(
            "sleeps",
            {"work": "sleep", "requests": requests, "kilobytes": kilobytes, "sleep_ms": sleep_ms},
            requests,
            workers,
            piece_s=sleep_ms / 1000,
            labels=(shortened if sleep_ms < PUBLISHED_SLEEP_MS else as_published,),
        )


def _working(preset: Preset) -> Iterator[Cell]:
    for work, requests in product(blocking.KINDS, _REQUESTS[preset]):
        # No thread shortens what holds the interpreter lock: its estimate is that of one.
        cells = _compared("blocking-work", {"work": work, "requests": requests}, requests, _WORKERS[preset])
        loading = _JIEBA_S if work == "keywords" else 0.0
        estimate_s = _TRIAL_S + loading + requests * _PIECE_S[work]
        # The smoke preset shows that each kind works, and compares nothing.
        yield from (
            msgspec.structs.replace(cell, estimate_s=estimate_s)
            for cell in cells
            if preset != "smoke" or cell.subject != "serial"
        )


def _compared(
    part: str,
    condition: dict[str, Scalar],
    requests: int,
    workers: Sequence[int],
    *,
    piece_s: float = 0.0,
    labels: tuple[str, ...] = (),
) -> Iterator[Cell]:
    """Yield the serial cell, and one a number of threads; an executor starts no more threads than it has requests."""
    enough = min((count for count in workers if count >= requests), default=max(workers))
    for count in (0, *(count for count in workers if count <= enough)):
        yield Cell(
            part=part,
            condition=condition,
            subject=f"offloaded-{count}" if count else "serial",
            settings={"workers": count} if count else {},
            labels=labels,
            estimate_s=_TRIAL_S + math.ceil(requests / max(1, count)) * piece_s,
        )


def _inferring(request: GridRequest) -> Iterator[Cell]:
    for requests in _INFERENCES[request.preset]:
        condition: dict[str, Scalar] = {"work": "inference", "requests": requests}
        yield from _agents(request, "inference", condition, requests * _REPLY_S)


def _isolating(request: GridRequest) -> Iterator[Cell]:
    long_s = _LONG_S[request.preset]
    shortened = f"the long sleep is shortened from {PUBLISHED_LONG_S:g} s to {long_s:g} s; no model runs"
    sleeps = _compared(
        "load-isolation",
        {"work": LOAD_ISOLATION, "task": "sleep", "long_ms": round(long_s * 1000)},
        2,
        (_DEFAULT_WORKERS,),
        piece_s=long_s,
        labels=(shortened if long_s < PUBLISHED_LONG_S else "sleeps as published; no model runs",),
    )
    yield from sleeps
    if request.preset not in ("smoke", "quick"):
        condition: dict[str, Scalar] = {"work": LOAD_ISOLATION, "task": "inference", "long_tokens": _LONG_TOKENS}
        yield from _agents(request, "load-isolation", condition, 3 * _REPLY_S)


def _agents(request: GridRequest, part: str, condition: dict[str, Scalar], replies_s: float) -> Iterator[Cell]:
    """Yield a cell a system: one that blocks in the loop and alone on a thread, another on the batched engine too."""
    for system in request.systems:
        cell = Cell(
            part=part,
            condition=condition,
            subject=system,
            system=system,
            engine=request.engine,
            estimate_s=_MODEL_S + replies_s,
            timeout_s=180 + 20 * replies_s,
        )
        if not registry.systems.get(system).blocks:
            yield cell
            engine = batched(request.engine)
            if engine is not None and request.preset not in ("smoke", "quick"):
                yield msgspec.structs.replace(cell, subject=f"{system}-batched", variant="batched", engine=engine)
            continue
        yield msgspec.structs.replace(cell, hosting="in-loop")
        if request.preset != "smoke":
            yield msgspec.structs.replace(cell, subject=f"{system}-alone", variant="alone", hosting="alone")


def _armed(cell: Cell) -> bool:
    """Return whether the cell is run twice in a block: a pair of each kind of work, and every system."""
    condition = cell.condition
    requests = _ARMED_INFERENCES if cell.system else _ARMED_REQUESTS
    return (
        cell.subject in ("serial", f"offloaded-{_DEFAULT_WORKERS}", cell.system)
        and condition.get("requests", requests) == requests
        and condition.get("kilobytes") in (None, 100)
        and int(condition.get("sleep_ms") or 0) <= PUBLISHED_SLEEP_MS
    )


def _prepared(role: Role) -> PreparedWork:
    """Return the pieces of this trial's work; one of its kind has been done, untimed."""
    condition = role.spec.condition
    requests = int(condition.get("requests") or 0)
    if condition["work"] == LOAD_ISOLATION:
        durations = (int(condition["long_ms"] or 0) / 1000, PUBLISHED_SHORT_S)
        return PreparedWork([partial(blocking.sleep, 0, seconds) for seconds in durations])
    if condition["work"] == "sleep":
        kilobytes, sleep_ms = int(condition["kilobytes"] or 0), int(condition["sleep_ms"] or 0)
        return PreparedWork([partial(blocking.sleep, kilobytes, sleep_ms / 1000)] * requests)
    prepared = blocking.prepare(str(condition["work"]), requests + 1, role.work_dir, role.spec.seed)
    prepared.pieces.pop()()
    return prepared


async def _work(role: Role, prepared: PreparedWork) -> None:
    workers = int(role.spec.settings.get("workers") or 0)
    executors = Executors({"work": max(1, workers)}, isolated=workers > 0)
    role.part.values.update(prepared.noted)
    async with LoopDelay() as delay:
        clock = Stopwatch()

        async def one(piece: Piece) -> RequestRow:
            started, outcome = await executors.run("work", _do, piece, clock)
            return RequestRow(
                intended_s=0.0, started_s=started, first_token_s=None, finished_s=clock(), outcome=outcome
            )

        role.part.requests = list(await asyncio.gather(*map(one, prepared.pieces)))
    executors.close()
    role.part.loop_delay_s = delay.delays_s
    role.outside_look()


def _do(piece: Piece, clock: Stopwatch) -> tuple[float, str]:
    """Do a piece of work; return when it began and how it ended: an error is an outcome, as it is of an agent."""
    started = clock()
    try:
        piece()
    except FourgigError as error:
        return started, type(error).__name__
    return started, "ok"


async def _infer(role: Role) -> None:
    first, asked = _turns(role.spec)
    users = {f"user-{user}": turn for user, (turn, _) in enumerate(asked)}
    scripts = Scripts(planned({WARM_UP: [first], **{user: [turn] for user, turn in users.items()}}))
    async with hosted(role, scripts) as system:
        await warm(system, [first])
        async with LoopDelay() as delay:
            clock = Stopwatch()
            role.part.requests = list(
                await asyncio.gather(
                    *(
                        ask(system, turn, user, clock, 0.0, tokens)
                        for (user, turn), (_, tokens) in zip(users.items(), asked, strict=True)
                    )
                )
            )
        role.part.loop_delay_s = delay.delays_s
        role.part.counters = counted(system.counters(), scripts)
        await asyncio.to_thread(role.outside_look)


def _turns(spec: TrialSpec) -> tuple[Turn, list[tuple[Turn, int]]]:
    """Return the untimed turn, and those that are asked at once, each with its reply's length in tokens."""
    workload = workloads.get(spec.workload)
    if spec.condition["work"] == LOAD_ISOLATION:
        [[first], [long], [short]] = workload(spec.seed, 3, 1)
        long = msgspec.structs.replace(long, reply=" ".join([long.reply] * (_LONG_TOKENS // REPLY_TOKENS)))
        return first, [(long, _LONG_TOKENS), (short, _SHORT_TOKENS)]
    [first], *asked = workload(spec.seed, int(spec.condition["requests"] or 0) + 1, 1)
    return first, [(turn, REPLY_TOKENS) for [turn] in asked]
