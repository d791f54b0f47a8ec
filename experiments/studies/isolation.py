"""Does moving blocking work off the event loop shorten it, and does it keep the loop responsive?

Two kinds of work. A *sleep* that allocates, as published: threads overlap it perfectly, so N requests of d seconds on
W threads take ceil(N/W)·d instead of N·d, whatever the architecture. *Inference*: each agent answers N users who ask
at once, in process, the traditional one inside the event loop.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from experiments.probes.loop_delay import LoopDelay
from experiments.records import RequestRow, Scalar
from experiments.role import Role
from experiments.studies.interface import Cell, GridRequest, Preset, Study
from experiments.studies.subjects import Stopwatch, ask, counted, hosted, warm
from experiments.workloads.conversations import conversations
from systems import registry
from systems.asynchronous.isolation import Executors

# The published grid: 10, 50 and 100 requests; 100, 1,000 and 5,000 KB; 100, 300 and 500 ms.
PUBLISHED_SLEEP_MS = 100

_SLEEP_MS: dict[Preset, int] = {"smoke": 20, "quick": 50}
_REQUESTS: dict[Preset, tuple[int, ...]] = {"smoke": (10,), "quick": (10, 50)}
# 3 threads come nearest the published range's weak end, 7 its strong end; 6 is Python's default on 2 cores.
_WORKERS: dict[Preset, tuple[int, ...]] = {"smoke": (6,), "quick": (3, 6, 7)}
_INFERENCES: dict[Preset, int] = {"smoke": 3, "quick": 5}
_KILOBYTES = 100


class Isolation(Study):
    """Serial against offloaded, with sleeps as published and with real inference."""

    name = "isolation"
    question = "Does moving blocking work off the event loop shorten it, and does it keep the loop responsive?"
    references = ("serial", "baseline")
    measures = (
        "total_time",
        "throughput",
        "latency_p50",
        "latency_p95",
        "loop_delay_p99",
        "loop_delay_max",
        "measured_over_law",
    )

    def grid(self, request: GridRequest) -> Sequence[Cell]:
        """Return the sleeping cells, then the inferring ones."""
        sleep_ms = _SLEEP_MS[request.preset]
        labels = (f"sleeps shortened from {PUBLISHED_SLEEP_MS} ms to {sleep_ms} ms; no model runs in them",)
        cells = []
        for requests in _REQUESTS[request.preset]:
            condition: dict[str, Scalar] = {
                "work": "sleep",
                "requests": requests,
                "kilobytes": _KILOBYTES,
                "sleep_ms": sleep_ms,
            }
            for workers in (0, *_WORKERS[request.preset]):
                serial = requests * sleep_ms / 1000
                cells.append(
                    Cell(
                        condition=dict(condition),
                        subject=f"offloaded-{workers}" if workers else "serial",
                        settings={"workers": workers} if workers else {},
                        labels=labels,
                        estimate_s=1 + (serial / workers if workers else serial),
                    )
                )
        requests = _INFERENCES[request.preset]
        cells += [
            Cell(
                condition={"work": "inference", "requests": requests},
                subject=system,
                system=system,
                hosting="in-loop" if registry.systems.get(system).blocks else None,
                engine=request.engine,
                estimate_s=4 + requests,
            )
            for system in request.systems
        ]
        return cells

    def run_subject(self, role: Role) -> None:
        """Send all requests at once and note when each was answered."""
        work = self._sleep if role.spec.condition["work"] == "sleep" else self._infer
        asyncio.run(work(role))

    async def _sleep(self, role: Role) -> None:
        condition = role.spec.condition
        requests, kilobytes = int(condition["requests"] or 0), int(condition["kilobytes"] or 0)
        seconds = float(condition["sleep_ms"] or 0) / 1000
        workers = int(role.spec.settings.get("workers") or 0)
        executors = Executors({"work": max(1, workers)}, isolated=workers > 0)
        async with LoopDelay() as delay:
            clock = Stopwatch()

            async def one() -> RequestRow:
                started = await executors.run("work", _sleep_and_allocate, clock, kilobytes, seconds)
                return RequestRow(
                    intended_s=0.0, started_s=started, first_token_s=None, finished_s=clock(), outcome="ok"
                )

            role.part.requests = list(await asyncio.gather(*(one() for _ in range(requests))))
        executors.close()
        role.part.loop_delay_s = delay.delays_s
        role.outside_look()

    async def _infer(self, role: Role) -> None:
        requests = int(role.spec.condition["requests"] or 0)
        *planned, first = conversations(role.spec.seed, requests + 1, 1)
        async with hosted(role) as system:
            await warm(system, first)
            async with LoopDelay() as delay:
                clock = Stopwatch()
                role.part.requests = list(
                    await asyncio.gather(
                        *(ask(system, turns[0], f"user-{user}", clock, 0.0) for user, turns in enumerate(planned))
                    )
                )
            role.part.loop_delay_s = delay.delays_s
            role.part.counters = counted(system.counters())
            await asyncio.to_thread(role.outside_look)


def _sleep_and_allocate(clock: Stopwatch, kilobytes: int, seconds: float) -> float:
    """Do the published piece of work, and return when it began."""
    started = clock()
    block = b"x" * (kilobytes * 1024)
    time.sleep(seconds)
    del block
    return started
