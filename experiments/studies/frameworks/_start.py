"""The trials of the part `start`: the system is started, asked once, and left alone.

Everything of the lab's is made before the clock starts: what it counts is what somebody waits for who starts this
system, its interpreter first.
"""

from __future__ import annotations

import asyncio

from experiments.measuring.role import Role
from experiments.measuring.workload import Turn, workloads
from experiments.studies.frameworks._levels import IDLE_S, STARTS
from experiments.studies.frameworks._running import Running, held, made
from experiments.studies.planning import post
from experiments.studies.subjects import Stopwatch, ask, planned
from experiments.workloads.endpoint.asked import heard, url
from systems.errors import SystemFailed
from systems.server.hosting import host


def run(role: Role) -> None:
    """Start it so many times; the last one counts."""
    asyncio.run(_live(role))


async def _live(role: Role) -> None:
    asked = workloads.get(role.spec.workload)(role.spec.seed, 1, STARTS)[0]
    address = role.service("endpoint")
    await asyncio.to_thread(post, url(address), planned({"user": asked}))
    await asyncio.to_thread(heard, address)  # the endpoint has answered once, too
    for number, turn in enumerate(asked):
        took_s = await _started(role, address, number, turn)
        role.part.values["start_s" if number == STARTS - 1 else "first_start_s"] = took_s


async def _started(role: Role, address: str, number: int, turn: Turn) -> float:
    """Start the system, ask it once, look at it, and return the seconds until it had answered."""
    folder = role.work_dir / f"data-{number}"
    folder.mkdir()
    system, present = made(role.spec, address, folder), frozenset(role.processes.pids())
    clock = Stopwatch()
    async with host(system) as hosted:
        ready_s, running = clock(), Running(hosted, role.processes, present)
        row = await ask(hosted, turn, "user", clock, 0.0)
        if row.outcome != "ok":
            raise SystemFailed(f"{role.spec.subject} did not answer its first question: {row.outcome}.")
        before = held(running.pids())
        await asyncio.sleep(IDLE_S)
        now = held(running.pids())
        role.part.values |= {
            "ready_s": ready_s,
            "idle_rss_bytes": float(now.rss_bytes),
            "idle_cpu_share": (now.cpu_seconds - before.cpu_seconds) / IDLE_S,
        }
        if number == STARTS - 1:
            await asyncio.to_thread(role.outside_look)
    return row.finished_s
