"""A long conversation: what an agent keeps as the turns go by, and what a memory tracer sees in a short one."""

from __future__ import annotations

import asyncio

from experiments.probes import memory, memray_trace
from experiments.records import EngineSpec, Scalar
from experiments.role import Role
from experiments.studies.interface import GRADED, Cell, GridRequest, Preset, twins
from experiments.studies.subjects import Stopwatch, ask, counted, hosted, warm
from experiments.workloads.conversations import conversations
from systems import registry
from systems.settings import HISTORY_LIMIT

# A real soak is slow; a long one, to see what the agent itself keeps, runs without a model and says so.
_TURNS: dict[Preset, int] = {"smoke": 4, "quick": 10, "standard": 10, "paper": 60}
_LONG_TURNS: dict[Preset, int] = {"smoke": 50, "quick": 400, "standard": 2_000, "paper": 10_000}
# Without pruning a turn costs more than the one before it: fewer of them show as much.
_UNPRUNED_TURNS: dict[Preset, int] = {"smoke": 0, "quick": 0, "standard": 400, "paper": 400}
_TRACED_TURNS: dict[Preset, int] = {"smoke": 2, "quick": 4, "standard": 4, "paper": 10}
_TRACED_LONG_TURNS: dict[Preset, int] = {"smoke": 0, "quick": 100, "standard": 200, "paper": 1_000}
_NO_MODEL_TURN_S, _TURN_S = 0.008, 1.0


def cells(request: GridRequest) -> list[Cell]:
    """Return the soaks with the model and without, and the traced ones."""
    preset, real, none = request.preset, request.engine, EngineSpec(name="simulated")
    long = _soaks(request, none, {"work": "no model", "turns": _LONG_TURNS[preset]})
    found = [
        *_soaks(request, real, {"work": "inference", "turns": _TURNS[preset]}, blocks=1),
        *long,
        *(twins(long) if preset in GRADED else ()),
        *_traces(request, real, {"work": "inference", "turns": _TRACED_TURNS[preset]}),
    ]
    if turns := _UNPRUNED_TURNS[preset]:
        condition: dict[str, Scalar] = {"work": "no model", "turns": turns}
        found += _soaks(request, none, condition)
        found += _soaks(request, none, condition, suffix="-unpruned", history_length=HISTORY_LIMIT)
    if turns := _TRACED_LONG_TURNS[preset]:
        found += _traces(request, none, {"work": "no model", "turns": turns})
    return found


def _soaks(
    request: GridRequest,
    engine: EngineSpec,
    condition: dict[str, Scalar],
    *,
    blocks: int | None = None,
    suffix: str = "",
    **settings: Scalar,
) -> list[Cell]:
    return [
        Cell(
            condition={"part": "soak", **condition},
            subject=system + suffix,
            system=system,
            settings=settings,
            engine=engine,
            blocks=blocks,
            estimate_s=_estimate_s(engine, condition),
        )
        for system in request.systems
        if settings.keys() <= set(registry.systems.get(system).Settings.__struct_fields__)
    ]


def _traces(request: GridRequest, engine: EngineSpec, condition: dict[str, Scalar]) -> list[Cell]:
    return [
        Cell(
            condition={"part": "memray", **condition},
            subject=system,
            system=system,
            engine=engine,
            traced=True,
            blocks=1,
            estimate_s=3 + 2 * _estimate_s(engine, condition),
        )
        for system in request.systems
    ]


def _estimate_s(engine: EngineSpec, condition: dict[str, Scalar]) -> float:
    real = registry.engines.get(engine.name).runs_a_model
    return (5 if real else 1) + int(condition["turns"] or 0) * (_TURN_S if real else _NO_MODEL_TURN_S)


def run(role: Role) -> None:
    """Hold the conversation, under the tracer if the trial is a traced one."""
    if role.spec.traced:
        with memray_trace.trace(role.part, role.work_dir):
            asyncio.run(_converse(role))
    else:
        asyncio.run(_converse(role))


async def _converse(role: Role) -> None:
    """Hold one long conversation and note anonymous memory after every turn."""
    turns = int(role.spec.condition["turns"] or 0)
    planned, first = conversations(role.spec.seed, 2, turns)
    # A thousand moments tell a slope; more would only make the records long.
    every = max(1, turns // 1_000)
    async with hosted(role) as system:
        await warm(system, first[:1])
        clock = Stopwatch()
        anonymous, numbers = [], []
        for number, turn in enumerate(planned):
            row = await ask(system, turn, "user", clock, clock())
            if number % every == 0:
                role.part.requests.append(row)
                anonymous.append(float(memory.anonymous_bytes()))
                numbers.append(float(number))
        role.part.series["anonymous_bytes"] = anonymous
        role.part.series["turn"] = numbers
        role.part.counters = counted(system.counters())
        await asyncio.to_thread(role.outside_look)
