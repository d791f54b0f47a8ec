"""What does loading on first use cost and save, at start, at the first reply and at the second?

Each trial is a fresh process on a cold page cache: started, asked once, asked again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from experiments.probes import memory
from experiments.records import Scalar
from experiments.role import Role
from experiments.studies.interface import Cell, GridRequest, Study
from experiments.studies.subjects import Stopwatch, ask, counted, hosted
from experiments.workloads.conversations import conversations
from systems import registry


class LazyLoading(Study):
    """Eager, lazy, and lazy with warm-up after ready."""

    name = "lazy-loading"
    question = "What does loading on first use cost and save: at start, at the first reply, at the second?"
    references = ("baseline",)
    measures = (
        "time_to_ready",
        "time_to_first_reply",
        "first_request_latency",
        "second_request_latency",
        "memory_at_ready",
        "file_memory_at_ready",
        "memory_at_second_reply",
        "group_peak_memory",
    )

    def grid(self, request: GridRequest) -> Sequence[Cell]:
        """Return a cell a system, and one a loading strategy for systems that have the choice."""
        cells = []
        for system in request.systems:
            fields = registry.systems.get(system).Settings.__struct_fields__
            variants: dict[str, dict[str, Scalar]] = {system: {}}
            if {"lazy_loading", "warm_up"} <= set(fields):
                variants = {
                    f"{system}-eager": {"lazy_loading": False},
                    f"{system}-lazy": {"lazy_loading": True},
                    f"{system}-lazy-warm": {"lazy_loading": True, "warm_up": True},
                }
            cells += [
                Cell(
                    condition={"page_cache": "cold"},
                    subject=subject,
                    system=system,
                    settings=settings,
                    engine=request.engine,
                    estimate_s=6.0,
                )
                for subject, settings in variants.items()
            ]
        return cells

    def run_subject(self, role: Role) -> None:
        """Start the system, ask it twice, and note each moment."""
        asyncio.run(self._run(role))

    async def _run(self, role: Role) -> None:
        [turns] = conversations(role.spec.seed, 1, 2)
        async with hosted(role) as system:
            role.mark("ready")
            role.part.memory["ready"] = memory.sample()
            clock = Stopwatch()
            for name, turn in zip(("first_reply", "second_reply"), turns, strict=True):
                role.part.requests.append(await ask(system, turn, "user", clock, clock()))
                role.mark(name)
                role.part.memory[name] = memory.sample()
            role.part.counters = counted(system.counters())
            await asyncio.to_thread(role.outside_look)
