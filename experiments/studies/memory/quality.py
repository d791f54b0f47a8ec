"""Quality: a long conversation, then questions with one right answer. Is it found, is it in the prompt, is it answered?

Part ``evidence`` asks each store alone for ten turns; part ``answers`` tells a whole system the conversation and looks
at what it finds, at the prompt it sends and, where a model that can read is installed, at its answers. Parts
``natural-evidence`` and ``natural-prompts`` do the same after a natural conversation, which that model cannot read.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import msgspec

from experiments.grading import stores
from experiments.grading.conversation import Grade, grade_retrieval, grade_system, summary, summary_by_kind
from experiments.grading.overheard import Overheard
from experiments.measuring import engines, requirements
from experiments.measuring.records import EngineSpec, Scalar
from experiments.measuring.role import Role
from experiments.measuring.study import GRADED, Cell, GridRequest, Preset, twins
from experiments.studies.subjects import data_dir, make_system
from experiments.workloads.remembering.conversation import Conversation, converse
from experiments.workloads.remembering.natural.conversation import converse_naturally
from systems import registry
from systems.description import Description, Topic, Variants
from systems.engines.scripted import Scripts, scripted
from systems.errors import BadInput
from systems.memory.keywords import Keywords
from systems.server.hosting import host

_TURNS: dict[Preset, tuple[int, ...]] = {
    "smoke": (20,),
    "quick": (500,),
    "standard": (50, 500),
    "wide": (50, 500, 5_000),
    "paper": (50, 500, 5_000),
}
_NATURAL_TURNS: dict[Preset, tuple[int, ...]] = {
    "smoke": (20,),
    "quick": (500,),
    "standard": (500, 5_000),
    "wide": (500, 5_000),
    "paper": (500, 5_000),
}
# A system remembers what it was asked, and may find that again: few questions, lest they crowd out the conversation.
_QUESTIONS = {"evidence": 100, "answers": 40}
_NATURAL_QUESTIONS = {"natural-evidence": 200, "natural-prompts": 90}  # of nine kinds
_PLACES = (1, 3, 10)
# A system asks for a few memories: what would be among ten is the stores' business.
PLACES_OF_SYSTEMS = _PLACES[:2]
# Short of the paper preset, variants of the systems are tried after this many turns only.
_VARIED_TURNS = 500

_DEFAULT = ("relevance",)
_COMPARED = ("like", "relevance")

READERS_LAYOUT = "bracketed"
"""The layout of prompts that the trained reader knows (`systems.settings.SharedSettings`)."""

_TOPICS: tuple[Topic, Topic] = ("lookup", "pruning")

UNHEARD = "the prompts of a system that asks an address are not overheard"

UNREAD = "no model ran: answers are not graded, which takes the model that reads"
UNREADABLE = "no model ran: answers are not graded, the model that reads knows plain conversations only"

_NATURAL_PARTS = {"evidence": "natural-evidence", "answers": "natural-prompts"}


def shapes() -> tuple[str, ...]:
    """Return the model that reads, if it is there."""
    return () if requirements.lacking("reader") else ("reader",)


def cells(request: GridRequest) -> list[Cell]:
    """Return a cell a store, and a cell a system with each lookup and pruning it can be set to, for each length."""
    preset = request.preset
    varied = () if preset == "quick" else _TOPICS
    found = [
        cell for turns in _TURNS[preset] for cell in (*_evidence(preset, turns), *_answers(request, turns, varied))
    ]
    for turns in _NATURAL_TURNS[preset]:
        found += [_natural(cell) for cell in _evidence(preset, turns)]
        if turns <= _VARIED_TURNS:
            found += [_unread(_natural(cell)) for cell in _answers(request, turns, varied[:1])]
    if preset in GRADED:
        parts = ("answers", "natural-prompts")
        arms = [cell for cell in found if cell.part in parts and cell.condition["turns"] == _VARIED_TURNS]
        found += twins(cell for cell in arms if cell.subject in request.systems)
    return found


def beside(request: GridRequest) -> list[Cell]:
    """Return the systems that stand beside the compared ones, as they come, after as many turns as those are varied."""
    told = [turns for turns in _TURNS[request.preset] if turns <= _VARIED_TURNS]
    told_naturally = [turns for turns in _NATURAL_TURNS[request.preset] if turns <= _VARIED_TURNS]
    return [
        *(cell for turns in told for cell in _answers(request, turns, ())),
        *(_unread(_natural(cell)) for turns in told_naturally for cell in _answers(request, turns, ())),
    ]


def _evidence(preset: Preset, turns: int) -> list[Cell]:
    variants = {"smoke": _DEFAULT, "quick": _COMPARED}.get(preset, tuple(stores.VARIANTS))
    settings: dict[str, dict[str, Scalar]] = {variant: {"store": variant} for variant in variants}
    return [
        Cell(
            part="evidence",
            condition={"part": "evidence", "turns": turns},
            subject=subject,
            settings=set_to,
            estimate_s=0.6 + turns / 16_000,
        )
        for subject, set_to in settings.items()
    ]


def _natural(cell: Cell) -> Cell:
    """Return ``cell`` after a natural conversation instead."""
    part = _NATURAL_PARTS[cell.part]
    condition = {**cell.condition, "part": part}
    return msgspec.structs.replace(cell, part=part, condition=condition, estimate_s=1.5 * cell.estimate_s)


def _unread(cell: Cell) -> Cell:
    """Return ``cell`` without the model that reads."""
    return msgspec.structs.replace(cell, engine=EngineSpec(name="simulated"), labels=(UNREADABLE,))


def _answers(request: GridRequest, turns: int, topics: Sequence[Topic] = _TOPICS) -> list[Cell]:
    reader = request.shapes.get("reader")
    return [
        Cell(
            part="answers",
            condition={"part": "answers", "turns": turns},
            subject=f"{system}+{variant}" if variant else system,
            system=system,
            variant=variant,
            impossible=UNHEARD if registry.systems.get(system).asks_address else "",
            settings={**_layout(system), **settings},
            engine=reader or EngineSpec(name="simulated"),
            labels=() if reader else (UNREAD,),
            estimate_s=(1.8 if reader else 1.2) + turns / 550,
            timeout_s=300 + turns / 10,
        )
        for system in request.systems
        for variant, settings in _variants(request.preset, registry.systems.get(system), turns, topics).items()
    ]


def _layout(system: str) -> dict[str, Scalar]:
    """Return the setting of the layout that the reader knows, for a system that has the choice."""
    return {"layout": READERS_LAYOUT} if "layout" in registry.systems.get(system).setting_names else {}


def _variants(preset: Preset, system: Description, turns: int, topics: Sequence[Topic]) -> dict[str, dict[str, Scalar]]:
    """Return the system as it comes, then varied in ``topics``; in both at once in the paper preset."""
    asis: Variants = {"": {}}
    if preset != "paper" and turns != _VARIED_TURNS:
        return {"": {}}
    lookups, prunings = ({**asis, **(system.varied(topic) if topic in topics else {})} for topic in _TOPICS)
    return {
        "+".join(filter(None, (lookup, pruning))): {**lookups[lookup], **prunings[pruning]}
        for lookup in lookups
        for pruning in prunings
        if preset == "paper" or not (lookup and pruning)
    }


def run(role: Role) -> None:
    """Grade what the trial's condition names, and note the measures."""
    asyncio.run(_find(role) if role.spec.condition["part"] in ("evidence", "natural-evidence") else _answer(role))


def _conversation(role: Role) -> Conversation:
    condition = role.spec.condition
    part, turns = str(condition["part"]), int(condition["turns"] or 0)
    if part in _NATURAL_QUESTIONS:
        return converse_naturally(role.spec.seed, turns, _NATURAL_QUESTIONS[part])
    return converse(role.spec.seed, turns, _QUESTIONS[part])


async def _find(role: Role) -> None:
    conversation, settings = _conversation(role), role.spec.settings
    keywords = Keywords(fast=True)
    keywords.load()
    turns = [
        msgspec.structs.replace(saved, created=told.created)
        for saved, told in zip(
            stores.planted(keywords, (turn.text for turn in conversation.turns)), conversation.turns, strict=True
        )
    ]
    seconds = []
    async with stores.filled(str(settings["store"]), role.work_dir / "memory.sqlite", turns) as lookup:

        async def find(question: str) -> Sequence[str]:
            began = time.perf_counter()
            found = await lookup(question, max(_PLACES))
            seconds.append(round(time.perf_counter() - began, 7))
            return found

        grades = await grade_retrieval(conversation, find)
    role.part.series["retrieval_s"] = seconds
    note(role, grades, _PLACES, by_kind=_is_natural(role))
    role.outside_look()


async def _answer(role: Role) -> None:
    spec = role.spec
    if spec.engine is None:
        raise BadInput(f"The trial of {spec.subject} names no engine.")
    engine, scripts = Overheard(engines.make(spec.engine, role.model_path, spec.profile.cpus, spec.seed)), Scripts()
    async with host(make_system(spec, scripted(engine, scripts), data_dir(role)), spec.hosting) as system:
        grades = await grade_system(system, engine, scripts, _conversation(role), "user")
        if {UNREAD, UNREADABLE}.intersection(spec.labels):
            grades = [grade.unread() for grade in grades]
        note(role, grades, PLACES_OF_SYSTEMS, by_kind=_is_natural(role))
        await asyncio.to_thread(role.outside_look)


def note(role: Role, grades: Sequence[Grade], places: Sequence[int], *, by_kind: bool) -> None:
    """Note the measures of ``grades`` in the trial's record, and how many questions the least of them are shares of."""
    in_prompt = [grade for grade in grades if grade.right is not None and grade.answerable and grade.in_prompt]
    role.part.values.update(
        (summary_by_kind if by_kind else summary)(grades, places),
        **{
            "questions": len(grades),
            "questions/en": sum(grade.language == "en" for grade in grades),
            "questions/in_prompt": len(in_prompt),
        },
    )


def _is_natural(role: Role) -> bool:
    return role.spec.condition["part"] in _NATURAL_QUESTIONS
