"""The trials of the part `spread`: workers, requests at random moments, and who gives which to whom."""

from __future__ import annotations

import asyncio
import random
import sys
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from typing import Protocol

import msgspec

from experiments.measuring.probes.histogram import Histogram
from experiments.measuring.role import Role
from experiments.studies.strategies._spread_names import LENGTHS_MS, SUBJECTS
from experiments.studies.subjects import Stopwatch
from systems.errors import UnknownName

_WORKER = "import sys, time\nfor line in sys.stdin: time.sleep(float(line)); print(flush=True)"
_SESSIONS = 40


class AskedOfWorkers(msgspec.Struct, frozen=True):
    """A request: when it comes, what it takes its worker, in seconds, and whose session it is of."""

    due_s: float
    takes_s: float
    session: int


class _Worker(Protocol):
    @property
    def waiting(self) -> int:
        """Return how many requests it has and has not done."""


class Process:
    """A worker's process: it does one request after another, those that wait in the order in which they came."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._due: deque[asyncio.Future[None]] = deque()
        self._hearing = asyncio.create_task(self._hear())
        self.busy_s = 0.0

    @classmethod
    async def started(cls) -> Process:
        """Return a worker that has begun: it has done a request that takes no time."""
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(sys.executable, "-P", "-c", _WORKER, stdin=pipe, stdout=pipe)
        worker = cls(process)
        await worker.do(0.0)
        return worker

    @property
    def waiting(self) -> int:
        """Return how many requests it has and has not done."""
        return len(self._due)

    async def do(self, takes_s: float) -> None:
        """Return when it has done a request that takes so long, and all it had before."""
        assert self._process.stdin is not None
        done = asyncio.get_running_loop().create_future()
        self._due.append(done)
        self.busy_s += takes_s
        self._process.stdin.write(f"{takes_s:.6f}\n".encode())
        await done

    async def end(self) -> None:
        """End it, and return when it has ended."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._hearing
        await self._process.wait()

    async def _hear(self) -> None:
        assert self._process.stdout is not None
        async for _ in self._process.stdout:
            self._due.popleft().set_result(None)
        for left in self._due:
            left.set_exception(ConnectionResetError("The worker ended."))


Choose = Callable[[AskedOfWorkers], int]


def chooser(way: str, workers: Sequence[_Worker], rng: random.Random) -> Choose:
    """Return what tells the place of the worker that gets a request, where each worker has a queue.

    Raises `UnknownName` of a way that is none.
    """
    if way == "round-robin":
        turn = -1

        def in_turn(_: AskedOfWorkers) -> int:
            nonlocal turn
            turn = (turn + 1) % len(workers)
            return turn

        return in_turn
    if way == "random":
        return lambda _: rng.randrange(len(workers))
    if way == "sticky":
        return lambda asked: asked.session % len(workers)
    if way == "fewest":
        return lambda _: min(range(len(workers)), key=lambda place: (workers[place].waiting, rng.random()))
    raise UnknownName("way of spreading requests", way, SUBJECTS)


def requests(lengths: str, load: float, workers: int, seconds: float, seed: int) -> list[AskedOfWorkers]:
    """Return the requests of so many seconds: ``load`` is the share of the workers' time that they take on average."""
    rng = random.Random(seed)
    lengths_s = [length_ms / 1000 for length_ms, _ in LENGTHS_MS[lengths]]
    shares = [share for _, share in LENGTHS_MS[lengths]]
    mean_s = sum(length * share for length, share in zip(lengths_s, shares, strict=True))
    found: list[AskedOfWorkers] = []
    due_s = rng.expovariate(load * workers / mean_s)
    while due_s < seconds:
        found.append(AskedOfWorkers(due_s, rng.choices(lengths_s, shares)[0], rng.randrange(_SESSIONS)))
        due_s += rng.expovariate(load * workers / mean_s)
    return found


def run(role: Role) -> None:
    """Run the trial, and note how long requests took and how the work was spread."""
    asyncio.run(_live(role))
    role.outside_look()


async def _live(role: Role) -> None:
    condition = role.spec.condition
    count, seconds = int(condition["workers"] or 1), float(condition["seconds"] or 0)
    load = float(condition["load"] or 0)
    asked = requests(str(condition["lengths"]), load, count, seconds, role.spec.seed)
    async with AsyncExitStack() as stack:
        workers = []
        for _ in range(count):
            workers.append(await Process.started())
            stack.push_async_callback(workers[-1].end)
        latencies = await _spread(role.spec.subject, workers, asked, random.Random(role.spec.seed + 1))
    held = Histogram()
    for latency_s in latencies:
        held.add(latency_s)
    busy = [worker.busy_s for worker in workers]
    role.part.histograms["latency_s"] = [held.text()]
    role.part.values |= {"requests": len(latencies), "busiest_s": max(busy), "mean_busy_s": sum(busy) / len(busy)}


async def _spread(way: str, workers: list[Process], asked: Iterable[AskedOfWorkers], rng: random.Random) -> list[float]:
    """Give each request to a worker when it is due, and return how long after that each was done, in seconds."""
    free: asyncio.Queue[Process] = asyncio.Queue()
    for worker in workers:
        free.put_nowait(worker)
    choose = None if way == "pull" else chooser(way, workers, rng)
    clock = Stopwatch()

    async def one(each: AskedOfWorkers) -> float:
        if choose is not None:
            await workers[choose(each)].do(each.takes_s)
        else:
            worker = await free.get()  # those that wait get the next free one in the order in which they came
            await worker.do(each.takes_s)
            free.put_nowait(worker)
        return clock() - each.due_s

    doing = []
    for each in asked:
        await asyncio.sleep(max(0.0, each.due_s - clock()))
        doing.append(asyncio.create_task(one(each)))
    return list(await asyncio.gather(*doing))
