"""The trials of the part `model-choice`: questions about notes, two models, and which of them is asked."""

from __future__ import annotations

import random
import time
from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec
import numpy as np

from experiments.grading.answers import declines, is_refusal, named, says
from experiments.measuring import engines
from experiments.measuring.role import Role
from experiments.studies.strategies._model_choice_names import (
    BEST,
    BY_RULE,
    CASCADE,
    LARGE_ALONE,
    SMALL_ALONE,
    is_simple,
)
from experiments.workloads.remembering.conversation import Conversation, Question, converse
from experiments.workloads.remembering.natural.conversation import converse_naturally
from systems.engines.interface import Call, Engine
from systems.interface import Observed
from systems.models.find import READER
from systems.settings import LayoutName
from systems.turn.prompt import build

_NOTES = 4
_TURNS = 120  # of a conversation, from which the questions are drawn
_ANSWER_TOKENS = 24
_OBSERVED = Observed(
    clock="2026-11-02 09:30", system="processor 5 %, memory 40 % of 4.0 GiB, disk 50 %", emotion="neutral"
)

Size = Literal["small", "large"]
_LAYOUTS: dict[Size, LayoutName] = {"small": "bracketed", "large": "passage"}
"""The layout that the reader was trained on, and the one that the real model reads best (docs/real-words.md)."""


class AskedOfModels(msgspec.Struct, frozen=True, kw_only=True):
    """A question, the notes beside it, and whether they are of a plain conversation."""

    question: Question
    notes: tuple[str, ...]
    plain: bool


class AnsweredByModel(msgspec.Struct, frozen=True):
    """What a model said, whether that is right, and the seconds it took."""

    reply: str
    right: bool
    seconds: float


def questions(seed: int, count: int, plain: float) -> list[AskedOfModels]:
    """Return ``count`` questions in English, the share ``plain`` of them about what was told in plain sentences."""
    rng = random.Random(f"choice {seed}")
    first = round(count * plain)
    found = [
        *_asked(rng, converse(seed, _TURNS, 2 * count, languages=("en",)), first, plain=True),
        *_asked(rng, converse_naturally(seed, _TURNS, 2 * count, languages=("en",)), count - first, plain=False),
    ]
    rng.shuffle(found)
    return found


def _asked(rng: random.Random, conversation: Conversation, count: int, *, plain: bool) -> list[AskedOfModels]:
    return [
        AskedOfModels(question=question, notes=_notes(rng, conversation, question), plain=plain)
        for question in conversation.questions[:count]
    ]


def _notes(rng: random.Random, conversation: Conversation, question: Question) -> tuple[str, ...]:
    """Return what decides the question, what holds no longer, and other turns of the conversation, in any order."""
    turns = [*question.evidence, *question.stale][:_NOTES]
    others = [at for at, turn in enumerate(conversation.turns) if turn.act is not None and at not in turns]
    turns += rng.sample(others, min(len(others), _NOTES - len(turns)))
    rng.shuffle(turns)
    return tuple(conversation.turns[at].text for at in turns)


def is_right(question: Question, reply: str) -> bool:
    """Return whether ``reply`` says the answer and no other value; where nobody knows, whether it declines."""
    if is_refusal(question.answer):
        return declines(reply) and not named(reply, question.others)
    return says(reply, question.answer, question.others)


def run(role: Role) -> None:
    """Ask the questions in the subject's way, and note which answers were right and how long they took."""
    condition, way = role.spec.condition, role.spec.subject
    asked = questions(role.spec.seed, int(condition["questions"] or 0), float(condition["plain"] or 0))
    models = _models(role)
    for engine in models.values():
        engine.load()
    try:
        warming = questions(role.spec.seed + 1, 1, 1.0)
        for size in models:
            _answer(models, size, warming[0])
        role.part.memory["ready"] = role.processes.sample()
        chosen = [_CHOOSING[way](models, each) for each in asked]
        role.part.series["choice_s"] = [round(answer.seconds, 6) for _, answer in chosen]
        role.part.values.update(_summary(asked, chosen))
        role.outside_look()
    finally:
        for engine in models.values():
            engine.close()


def _models(role: Role) -> dict[Size, Engine]:
    """Return the models that the subject's way asks, not loaded. The trial's engine is the large one, if it has one."""
    spec, way = role.spec, role.spec.subject
    if way == SMALL_ALONE:
        return {"small": engines.of_role(role)}
    large: dict[Size, Engine] = {"large": engines.of_role(role)}
    if way == LARGE_ALONE:
        return large
    return {"small": engines.make(engines.engine_of(spec), str(READER), spec.profile.cpus, spec.seed), **large}


def _answer(models: Mapping[Size, Engine], size: Size, asked: AskedOfModels) -> AnsweredByModel:
    call = Call(
        messages=build(_LAYOUTS[size], [], asked.notes, _OBSERVED, asked.question.text), max_tokens=_ANSWER_TOKENS
    )
    began = time.perf_counter()
    reply = models[size].generate(call).text
    return AnsweredByModel(reply, is_right(asked.question, reply), time.perf_counter() - began)


_Chosen = tuple[Size, AnsweredByModel]
"""Whose answer counts, and the answer with the seconds that it took to have it."""


def _large(models: Mapping[Size, Engine], asked: AskedOfModels) -> _Chosen:
    return "large", _answer(models, "large", asked)


def _small(models: Mapping[Size, Engine], asked: AskedOfModels) -> _Chosen:
    return "small", _answer(models, "small", asked)


def _by_rule(models: Mapping[Size, Engine], asked: AskedOfModels) -> _Chosen:
    return _small(models, asked) if is_simple(asked.notes) else _large(models, asked)


def _cascade(models: Mapping[Size, Engine], asked: AskedOfModels) -> _Chosen:
    first = _answer(models, "small", asked)
    if not declines(first.reply):
        return "small", first
    second = _answer(models, "large", asked)
    return "large", msgspec.structs.replace(second, seconds=first.seconds + second.seconds)


def _best(models: Mapping[Size, Engine], asked: AskedOfModels) -> _Chosen:
    small, large = _answer(models, "small", asked), _answer(models, "large", asked)
    return ("large", large) if large.right and not small.right else ("small", small)


_CHOOSING = {LARGE_ALONE: _large, SMALL_ALONE: _small, BY_RULE: _by_rule, CASCADE: _cascade, BEST: _best}


def _summary(asked: Iterable[AskedOfModels], chosen: Iterable[_Chosen]) -> dict[str, float]:
    right: dict[str, list[bool]] = {"": [], "_plain": [], "_natural": []}
    small = []
    for question, (size, answer) in zip(asked, chosen, strict=True):
        for group in ("", "_plain" if question.plain else "_natural"):
            right[group].append(answer.right)
        small.append(size == "small")
    shares = {f"choice_right{group}": float(np.mean(each)) for group, each in right.items() if each}
    return {**shares, "choice_small": float(np.mean(small))}
