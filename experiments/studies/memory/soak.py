"""A long conversation: what an agent keeps as the turns go by, and what a memory tracer sees in a short one."""

from __future__ import annotations

import asyncio
import math
from array import array

import msgspec

from experiments.measuring.probes import memray_trace
from experiments.measuring.records import EngineSpec, RequestRow, Scalar
from experiments.measuring.role import Role
from experiments.measuring.study import GRADED, Cell, GridRequest, Preset, twins
from experiments.measuring.workload import workloads
from experiments.studies.subjects import WARM_UP, Stopwatch, ask, counted, data_dir, hosted, planned, warm
from experiments.workloads import lived
from systems import registry
from systems.engines.scripted import Scripts

# A real soak is slow; a long one, to see what the agent itself keeps, runs without a model and says so.
_TURNS: dict[Preset, int] = {"smoke": 4, "quick": 0, "standard": 10, "wide": 10, "paper": 60}
_LONG_TURNS: dict[Preset, int] = {"smoke": 50, "quick": 400, "standard": 2_000, "wide": 2_000, "paper": 10_000}
# What fills up to a bound looks like growth until it is full: here most of it is full when the conversation begins.
_LIVED_TURNS: dict[Preset, int] = {"smoke": 0, "quick": 0, "standard": 0, "wide": 4_000, "paper": 4_000}
_LIVED_MEMORIES = 20_000
# Without pruning a turn costs more than the one before it: fewer of them show as much.
_UNPRUNED_TURNS: dict[Preset, int] = {"smoke": 0, "quick": 0, "standard": 400, "wide": 400, "paper": 400}
_TRACED_TURNS: dict[Preset, int] = {"smoke": 2, "quick": 4, "standard": 4, "wide": 4, "paper": 10}
_TRACED_LONG_TURNS: dict[Preset, int] = {"smoke": 0, "quick": 0, "standard": 200, "wide": 200, "paper": 1_000}
_NO_MODEL_TURN_S, _TURN_S = 0.005, 1.0
_USER = "user"


def cells(request: GridRequest) -> list[Cell]:
    """Return the soaks with the model and without, and the traced ones."""
    preset, real, none = request.preset, request.engine, EngineSpec(name="simulated")
    long = _soaks(request, none, {"work": "no model", "turns": _LONG_TURNS[preset]})
    found = [
        *(_soaks(request, real, {"work": "inference", "turns": turns}, blocks=1) if (turns := _TURNS[preset]) else ()),
        *long,
        *(twins(long) if preset in GRADED else ()),
        *_traces(request, real, {"work": "inference", "turns": _TRACED_TURNS[preset]}),
    ]
    if turns := _LIVED_TURNS[preset]:
        found += _soaks(request, none, {"work": "no model", "turns": turns, "memories": _LIVED_MEMORIES})
    if turns := _UNPRUNED_TURNS[preset]:
        condition: dict[str, Scalar] = {"work": "no model", "turns": turns}
        found += _soaks(request, none, condition)
        found += _soaks(request, none, condition, variant="unpruned")
    if turns := _TRACED_LONG_TURNS[preset]:
        found += _traces(request, none, {"work": "no model", "turns": turns})
    return found


def beside(request: GridRequest) -> list[Cell]:
    """Return the long soak of the systems that stand beside those that are compared."""
    return _soaks(request, EngineSpec(name="simulated"), {"work": "no model", "turns": _LONG_TURNS[request.preset]})


def _soaks(
    request: GridRequest,
    engine: EngineSpec,
    condition: dict[str, Scalar],
    *,
    blocks: int | None = None,
    variant: str = "",
) -> list[Cell]:
    """Return a soak a system, in one of its histories' variants; a system without it has no cell."""
    settings = {system: {"": {}, **registry.systems.get(system).varied("history")} for system in request.systems}
    return [
        Cell(
            part="soak",
            condition={"part": "soak", **condition},
            subject=f"{system}-{variant}" if variant else system,
            system=system,
            variant=variant,
            settings=dict(settings[system][variant]),
            engine=engine,
            impossible=_unfilled(system) if "memories" in condition else "",
            blocks=blocks,
            estimate_s=_estimate_s(engine, condition),
        )
        for system in request.systems
        if variant in settings[system]
    ]


def _unfilled(system: str) -> str:
    """Return why the long-term memory of ``system`` cannot be full when a conversation begins; empty where it can."""
    return "" if registry.systems.get(system).fills else f"{system} does not say how its long-term memory is filled"


def _traces(request: GridRequest, engine: EngineSpec, condition: dict[str, Scalar]) -> list[Cell]:
    return [
        Cell(
            part="memray",
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
    asked, first = workloads.get(role.spec.workload)(role.spec.seed, 2, turns)
    scripts = Scripts(planned({WARM_UP: first[:1], _USER: asked}))
    # A thousand moments tell a slope; more would only make the records long.
    every = max(1, turns // 1_000)
    if memories := int(role.spec.condition.get("memories") or 0):
        await asyncio.to_thread(lived.make, str(role.spec.system), data_dir(role), _USER, memories, role.spec.seed)
    moments = range(0, turns, every)
    # What is noted takes no memory while it is measured: it would look like growth.
    anonymous = array("d", [0.0]) * len(moments)
    with (role.work_dir / "rows.jsonl").open("w+b") as rows:
        try:
            async with hosted(role, scripts) as system:
                await warm(system, first[:1])
                clock = Stopwatch()
                for number, turn in enumerate(asked):
                    row = await ask(system, turn, _USER, clock, clock())
                    if number % every == 0:
                        rows.write(msgspec.json.encode(row) + b"\n")
                        held = role.processes.anonymous_bytes()
                        anonymous[number // every] = math.nan if held is None else held
                role.part.counters = counted(system.counters(), scripts)
                role.part.values["requests"] = turns  # of which some have no row
                await asyncio.to_thread(role.outside_look)
        finally:
            rows.seek(0)
            role.part.requests += [msgspec.json.decode(line, type=RequestRow) for line in rows]
    if not any(map(math.isnan, anonymous)):  # of several processes, not every kernel tells it
        role.part.series["anonymous_bytes"] = list(anonymous)
    role.part.series["turn"] = [float(number) for number in moments]
