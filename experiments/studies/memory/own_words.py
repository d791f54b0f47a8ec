"""Own words: whole systems are told a conversation, and a real model answers the questions in its own words.

Part ``own-words`` does so after a plain conversation, for each lookup and each layout of the prompt, part
``natural-own-words`` after a natural one. Both are held in English, the only language this model has.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import get_args

import msgspec

from experiments.grading.conversation import grade_system
from experiments.grading.overheard import Overheard
from experiments.measuring import engines
from experiments.measuring.records import Scalar
from experiments.measuring.role import Role
from experiments.measuring.study import Cell, GridRequest, Preset
from experiments.studies.memory import quality
from experiments.studies.subjects import data_dir, make_system
from experiments.workloads.remembering.conversation import Conversation, converse
from experiments.workloads.remembering.natural.conversation import converse_naturally
from systems import registry
from systems.description import Variants
from systems.engines.scripted import Scripts, scripted
from systems.server.hosting import host

MODEL = "smollm2"
"""The real model, as `systems.models.find.resolve` knows it."""

PART, NATURAL_PART = "own-words", "natural-own-words"

LACKING = f"it takes the model {MODEL} (`fourgig model get {MODEL}`) and an engine that runs models"

_TURNS: dict[Preset, int] = {"smoke": 20, "quick": 500, "standard": 500, "wide": 500, "paper": 500}
# Eleven are five of what was told, three of what was changed, and one of each kind that nobody can know.
_QUESTIONS: dict[Preset, int] = {"smoke": 2, "quick": 11, "standard": 11, "wide": 11, "paper": 40}
_NATURAL_QUESTIONS: dict[Preset, int] = {"wide": 18, "paper": 36}  # of nine kinds; the other presets ask none
_PUBLISHED = "like"  # the published lookup, of a system that may be set to it
_ITS_OWN = "its own"  # of a system whose layout cannot be set
_SECONDS_A_QUESTION = 0.4


def shapes() -> tuple[str, ...]:
    """Return the real model."""
    return (MODEL,)


def cells(request: GridRequest) -> list[Cell]:
    """Return a cell a system, with each lookup and in each layout that the preset tries; none where no model runs."""
    if not registry.engines.get(request.engine.name).runs_a_model:
        return []
    return [*_plain(request), *_natural(request)]


def _plain(request: GridRequest) -> Iterator[Cell]:
    for system in request.systems:
        layouts, lookups = _layouts(request.preset, system), _lookups(request.preset, system)
        for layout, laid_out in layouts.items():
            for lookup, looked_up in lookups.items():
                further = layout != next(iter(layouts))
                if further and (request.preset in ("smoke", "quick") or (lookup and request.preset == "standard")):
                    continue
                cell = _cell(request, system, PART, layout, _QUESTIONS[request.preset], {**laid_out, **looked_up})
                yield msgspec.structs.replace(cell, subject=f"{system}+{lookup}" if lookup else system, variant=lookup)


def _natural(request: GridRequest) -> Iterator[Cell]:
    questions = _NATURAL_QUESTIONS.get(request.preset)
    for system in request.systems if questions else ():
        layout, laid_out = next(iter(_layouts(request.preset, system).items()))
        yield _cell(request, system, NATURAL_PART, layout, questions or 0, laid_out)


def _cell(
    request: GridRequest, system: str, part: str, layout: str, questions: int, settings: dict[str, Scalar]
) -> Cell:
    engine, turns = request.shapes.get(MODEL), _TURNS[request.preset]
    unheard = quality.UNHEARD if registry.systems.get(system).asks_address else ""
    return Cell(
        part=part,
        condition={"part": part, "turns": turns, "model": MODEL, "layout": layout, "questions": questions},
        subject=system,
        system=system,
        settings=settings,
        engine=engine,
        says_itself=True,
        impossible=unheard or ("" if engine else LACKING),
        estimate_s=2.5 + turns / 550 + _SECONDS_A_QUESTION * questions,
        timeout_s=300 + 10 * questions,
    )


def _layouts(preset: Preset, system: str) -> dict[str, dict[str, Scalar]]:
    """Return the settings of each layout by its name, first the one that the system has by default."""
    fields = msgspec.structs.fields(registry.systems.get(system).settings)
    setting = next((field for field in fields if field.name == "layout"), None)
    if setting is None:
        return {_ITS_OWN: {}}
    every = get_args(setting.type) if preset == "paper" else ()
    return {layout: {"layout": layout} for layout in (setting.default, quality.READERS_LAYOUT, *every)}


def _lookups(preset: Preset, system: str) -> Variants:
    """Return the settings of each lookup by its name, the default first."""
    varied = registry.systems.get(system).varied("lookup")
    tried = {"paper": tuple(varied), "smoke": (), "quick": ()}.get(preset, (_PUBLISHED,))
    return {"": {}, **{name: varied[name] for name in tried if name in varied}}


def run(role: Role) -> None:
    """Tell the system of the trial the conversation, ask it the questions, and note how it answered."""
    asyncio.run(_answer(role))


def _conversation(role: Role) -> Conversation:
    condition = role.spec.condition
    turns, questions = int(condition["turns"] or 0), int(condition["questions"] or 0)
    make = converse_naturally if condition["part"] == NATURAL_PART else converse
    return make(role.spec.seed, turns, questions, languages=("en",))


async def _answer(role: Role) -> None:
    spec = role.spec
    engine = Overheard(engines.make(engines.engine_of(spec), role.model_path, spec.profile.cpus, spec.seed))
    scripts = Scripts()
    async with host(make_system(spec, scripted(engine, scripts), data_dir(role)), spec.hosting) as system:
        grades = await grade_system(system, engine, scripts, _conversation(role), "user", rule="own words", afresh=True)
        quality.note(role, grades, quality.PLACES_OF_SYSTEMS, by_kind=spec.condition["part"] == NATURAL_PART)
        await asyncio.to_thread(role.outside_look)
