"""How do the agents serve many users at once, over a socket, from a client outside the limits?

Users ask in a closed loop, with or without pauses for thought, or arrive whether or not the others were answered; a
search finds the highest rate at which they may arrive.
With real inference; with the published simulation, in which a generation is a sleep that any number of threads
overlap; and with a simulated engine that, like the real one, serves one call at a time, so that the agent's own cost
shows. No question repeats unless the condition says so. Both agents are also on the batched engine, which serves many
calls at once: what does the agent bring, and what the engine? The ablation ladder adds each mechanism to none of them,
and takes each away from all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import ClassVar

from experiments.measuring.looks import SERVED, SERVING
from experiments.measuring.probes.loop_delay import LoopDelay
from experiments.measuring.records import TrialSpec
from experiments.measuring.role import Role
from experiments.measuring.study import Cell, GridRequest, Study
from experiments.measuring.workload import workloads
from experiments.studies.load import grid, saturation, users
from experiments.studies.planning import planner
from experiments.studies.subjects import WARM_UP, counted, hosted, planned, warm
from systems.engines.scripted import Scripts
from systems.server.settings import ServerSettings


class Load(Study):
    """Users over WebSocket, with inference and with simulated engines, and the ablation ladder."""

    name = "load"
    question = "How do the agents serve many users at once, over a socket, from a client outside the limits?"
    parts: ClassVar[Mapping[str, str]] = {
        "inference": "users who ask the model of record, in a closed loop, with pauses, or at instants of their own",
        "sleeps": "the published simulation: a reply is a sleep that any number of threads overlap",
        "serial-simulation": "a simulated engine that serves one call at a time, so that the agent's own cost shows",
        "repeated": "questions that repeat, for the response caches",
        "engines": "the engine's ladder: the serial one, then the batched one, step by step",
        "ladder": "the ablation ladder: each mechanism added to none, and taken away from all",
        "search": "the highest rate of independent arrivals that is served within the objective",
    }
    references = ("none", "baseline", "all", "baseline on serial")
    measures = (
        "success_rate",
        "throughput",
        "goodput",
        "objective_share",
        "time_to_first_token_p50",
        "time_to_first_token_p95",
        "latency_p50",
        "latency_p95",
        "latency_p99",
        "hit_rate",
        "prompt_reuse",
        "saturation_rate",
        "saturation_latency_p99",
        "cpu_per_request",
        "cpu_share",
        "group_peak_memory",
        "client_lag_p99",
    )
    primary = ("throughput", "latency_p95", "goodput", "success_rate")

    def grid(self, request: GridRequest) -> Sequence[Cell]:
        """Return the conditions of the preset."""
        return grid.cells(request)

    def has_client(self, spec: TrialSpec) -> bool:  # noqa: ARG002 - every trial of this study has one
        """Return true: users are outside the limits."""
        return True

    def run_subject(self, role: Role) -> None:
        """Serve until the client has finished."""
        asyncio.run(_serve(role))

    def run_client(self, role: Role) -> None:
        """Be all the users."""
        asyncio.run(_use(role))


async def _serve(role: Role) -> None:
    # Who only reads a report of this study loads no server, and none of the engines' parts that it brings.
    from systems.server.service import ServedSystem
    from systems.server.wire.listening import listening

    sessions = int(role.spec.condition["users"] or 0)
    [[first]] = workloads.get(role.spec.workload)(role.spec.seed + 1, 1, 1)
    scripts = Scripts(planned({WARM_UP: [first]}))
    async with hosted(role, scripts) as system:
        await warm(system, [first])
        settings = ServerSettings(port=0, connections=2 * sessions + 1, sockets=3 * sessions + 8, experiment=True)
        service = ServedSystem(system, settings, role.spec.subject, scripts=scripts)
        async with listening(service) as address:
            await asyncio.to_thread(role.outside_look, SERVING)
            await asyncio.to_thread(role.listening, f"ws://{address}/ws")
            await asyncio.to_thread(role.outside_look, SERVED)
            role.part.counters = counted(system.counters(), scripts)


async def _use(role: Role) -> None:
    if role.spec.condition["arrivals"] == "search":
        async with LoopDelay() as lag:
            await saturation.saturate(role.address, planner(role), role.spec, role.part)
        role.part.loop_delay_s = lag.delays_s
        return
    await users.all_ask(role, planner(role))
