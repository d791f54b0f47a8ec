"""Quality: a long conversation, then questions with one right answer. Is it found, is it in the prompt, is it answered?

Part ``evidence`` asks each store alone for ten turns; part ``answers`` tells a whole system the conversation and looks
at what it finds, at the prompt it sends and, where a model that can read is installed, at its answers.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import msgspec

from experiments.grading import stores
from experiments.grading.conversation import grade_retrieval, grade_system, summary
from experiments.grading.overheard import Overheard
from experiments.measuring.records import EngineSpec, Scalar
from experiments.measuring.role import Role
from experiments.measuring.study import GRADED, Cell, GridRequest, Preset, twins
from experiments.studies.subjects import make_engine, make_system
from experiments.workloads.planted import planted
from experiments.workloads.remembering.conversation import Conversation, converse
from systems import registry
from systems.engines.scripted import Scripts, scripted
from systems.errors import BadInput
from systems.memory.keywords import Keywords
from systems.models.find import READER
from systems.server.hosting import host

_TURNS: dict[Preset, tuple[int, ...]] = {
    "smoke": (20,),
    "quick": (50, 500),
    "standard": (50, 500),
    "wide": (50, 500, 5_000),
    "paper": (50, 500, 5_000),
}
# A system remembers what it was asked, and may find that again: few questions, lest they crowd out the conversation.
_QUESTIONS = {"evidence": 100, "answers": 40}
_PLACES = (1, 3, 10)
# Short of the paper preset, systems are set to other lookups and prunings after this many turns only.
_VARIED_TURNS = 500

_Ways = dict[str, dict[str, Scalar]]

# Settings of the systems that have them, by what is put behind the system's name: another lookup, another pruning.
_LOOKUPS: _Ways = {
    "": {},
    "+like": {"full_text": False},
    "+bm25": {"retrieval": "bm25"},
    "+blended": {"retrieval": "blended"},
}
_PRUNINGS: _Ways = {"": {}, "+newest": {"importance_pruning": False, "stepped_pruning": False}}

UNREAD = "no model ran: answers are not graded, which takes the model that reads"


def shapes() -> tuple[str, ...]:
    """Return the model that reads, if it is there."""
    return ("reader",) if READER.exists() else ()


def cells(request: GridRequest) -> list[Cell]:
    """Return a cell a store, and a cell a system with each lookup and pruning it can be set to, for each length."""
    preset = request.preset
    found = [cell for turns in _TURNS[preset] for cell in (*_evidence(preset, turns), *_answers(request, turns))]
    if preset in GRADED:
        arms = [cell for cell in found if cell.condition == {"part": "answers", "turns": _VARIED_TURNS}]
        found += twins(cell for cell in arms if cell.subject in request.systems)
    return found


def _evidence(preset: Preset, turns: int) -> list[Cell]:
    variants = stores.VARIANTS if preset != "smoke" else ("coordination",)
    settings: _Ways = {variant: {"retrieval": variant, "neighbours": 0} for variant in variants}
    if preset == "paper":
        settings["coordination+neighbours"] = {"retrieval": "coordination", "neighbours": 1}
    return [
        Cell(
            condition={"part": "evidence", "turns": turns},
            subject=subject,
            settings=set_to,
            estimate_s=0.6 + turns / 16_000,
        )
        for subject, set_to in settings.items()
    ]


def _answers(request: GridRequest, turns: int) -> list[Cell]:
    reader = request.shapes.get("reader")
    return [
        Cell(
            condition={"part": "answers", "turns": turns},
            subject=system + way,
            system=system,
            settings=settings,
            engine=reader or EngineSpec(name="simulated"),
            labels=() if reader else (UNREAD,),
            estimate_s=(1.8 if reader else 1.2) + turns / 550,
            timeout_s=300 + turns / 10,
        )
        for system in request.systems
        for way, settings in _ways(request.preset, turns).items()
        if settings.keys() <= set(registry.systems.get(system).Settings.__struct_fields__)
    ]


def _ways(preset: Preset, turns: int) -> _Ways:
    if preset == "paper":
        return {one + other: {**_LOOKUPS[one], **_PRUNINGS[other]} for one in _LOOKUPS for other in _PRUNINGS}
    return {**_LOOKUPS, **_PRUNINGS} if turns == _VARIED_TURNS else {"": {}}


def run(role: Role) -> None:
    """Grade what the trial's condition names, and note the measures."""
    asyncio.run(_find(role) if role.spec.condition["part"] == "evidence" else _answer(role))


def _conversation(role: Role) -> Conversation:
    condition = role.spec.condition
    return converse(role.spec.seed, int(condition["turns"] or 0), _QUESTIONS[str(condition["part"])])


async def _find(role: Role) -> None:
    conversation, settings = _conversation(role), role.spec.settings
    keywords = Keywords(fast=True)
    keywords.load()
    turns = planted(keywords, (turn.text for turn in conversation.turns))
    path, neighbours = role.work_dir / "memory.sqlite", int(settings["neighbours"] or 0)
    seconds = []
    async with stores.filled(str(settings["retrieval"]), path, turns, neighbours) as lookup:

        async def find(question: str) -> Sequence[str]:
            words = keywords.extract(question)
            began = time.perf_counter()
            found = await lookup(words, max(_PLACES))
            seconds.append(round(time.perf_counter() - began, 7))
            return found

        grades = await grade_retrieval(conversation, find)
    role.part.series["retrieval_s"] = seconds
    role.part.values.update(summary(grades, _PLACES), questions=len(grades))
    role.outside_look()


async def _answer(role: Role) -> None:
    spec = role.spec
    if spec.engine is None:
        raise BadInput(f"The trial of {spec.subject} names no engine.")
    data_dir = role.work_dir / "data"
    data_dir.mkdir(exist_ok=True)
    engine, scripts = Overheard(make_engine(spec.engine, role.model_path, spec.profile.cpus)), Scripts()
    async with host(make_system(spec, scripted(engine, scripts), data_dir), spec.hosting) as system:
        grades = await grade_system(system, engine, scripts, _conversation(role), "user")
        if UNREAD in spec.labels:
            grades = [msgspec.structs.replace(grade, answer=None, right=None) for grade in grades]
        # A system asks for a few memories: what would be among ten is the other part's business.
        role.part.values.update(summary(grades, _PLACES[:2]), questions=len(grades))
        await asyncio.to_thread(role.outside_look)
