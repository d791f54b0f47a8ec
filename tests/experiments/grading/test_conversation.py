from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from experiments.grading.conversation import (
    Grade,
    grade_ranking,
    grade_retrieval,
    grade_system,
    summary,
    summary_by_kind,
)
from experiments.grading.overheard import Overheard
from experiments.workloads.remembering.conversation import Conversation, NaturalKind, Question, Register, Told, converse
from systems.asynchronous.agent import Asynchronous
from systems.asynchronous.settings import AsynchronousSettings
from systems.baseline.agent import Baseline, BaselineSettings
from systems.engines.scripted import Scripts, scripted
from systems.engines.simulated import SimulatedEngine, SimulatedSettings
from systems.server.hosting import host
from tests.experiments.echo_system import EchoSettings
from tests.experiments.uneven_systems import OwnLayout, Silent

OLD, NEW, ELSE = "Marela lives in Velford.", "Marela has moved and now lives in Korburg.", "Marila lives in Tostad."
CHANGED = Question(
    text="Where does Marela live?", answer="Korburg", kind="changed", language="en", evidence=(2,), stale=(0,)
)
STRANGER = Question(
    text="Where does Morela live?", answer="I don't know.", kind="stranger", language="en", evidence=(), stale=()
)
TALK = Conversation([Told(text=text, reply="Noted.", act="state") for text in (OLD, ELSE, NEW)], [CHANGED, STRANGER])


@pytest.mark.parametrize(
    ("found", "evidence", "stale", "stale_hit"),
    [
        ([NEW, OLD], 1, 2, 0.0),
        ([OLD, ELSE, NEW], 3, 1, 1.0),
        ([ELSE, OLD], None, 2, 1.0),
        ([ELSE, ELSE, NEW], 2, None, 0.0),
        ([], None, None, 0.0),
    ],
)
def test_a_ranking_is_graded_by_the_places_of_what_holds_and_what_does_not(
    found: list[str], evidence: int | None, stale: int | None, stale_hit: float
) -> None:
    grade = grade_ranking(TALK, CHANGED, found)

    assert (grade.evidence, grade.stale) == (evidence, stale)
    measures = summary([grade])
    assert measures["stale_hit"] == stale_hit
    assert measures["reciprocal_rank"] == (1 / evidence if evidence else 0)
    assert measures["recall@3"] == (evidence is not None)


def test_of_what_was_told_twice_either_turn_decides_and_counts_once() -> None:
    twice = Question(
        text="?", answer="Korburg", kind="retold", language="en", evidence=(0, 2), stale=(), register="dialogue"
    )

    assert grade_ranking(TALK, twice, [ELSE, NEW, OLD]).evidence == 2
    assert summary([grade_ranking(TALK, twice, [ELSE, NEW])])["recall@3"] == 1
    assert summary([grade_ranking(TALK, twice, [ELSE])])["recall@3"] == 0


def test_kinds_and_registers_are_told_apart_and_those_that_share_no_word_stand_alone() -> None:
    def asked(kind: NaturalKind, register: Register, found: list[str]) -> Grade:
        question = Question(
            text="?", answer="Korburg", kind=kind, language="en", evidence=(2,), stale=(), register=register
        )
        return grade_ranking(TALK, question, found)

    measures = summary_by_kind(
        [
            asked("long", "dialogue", [NEW]),
            asked("long", "assistant", [ELSE]),
            asked("dated", "assistant", [ELSE, NEW]),
            asked("paraphrased", "assistant", []),
        ]
    )

    assert measures["recall@10"] == 2 / 4
    assert measures["recall@10/sharing"] == 2 / 3
    assert measures["recall@10/paraphrased"] == 0
    assert (measures["recall@10/long"], measures["recall@10/long-dialogue"]) == (1 / 2, 1)
    assert (measures["recall@10/dialogue"], measures["recall@10/assistant"]) == (1, 1 / 3)
    assert "in_prompt/long" not in measures  # no prompt was graded


async def test_a_store_alone_is_asked_every_question() -> None:
    async def find(question: str) -> Sequence[str]:
        return [NEW] if "Marela" in question else []

    grades = await grade_retrieval(TALK, find)

    assert [grade.evidence for grade in grades] == [1, None]
    assert summary(grades)["recall@1"] == 1


@pytest.mark.parametrize("kind", ["baseline", "asynchronous"])
async def test_a_system_is_graded_at_three_depths(kind: str, tmp_path: Path) -> None:
    overheard, scripts = Overheard(SimulatedEngine(SimulatedSettings())), Scripts()
    engine = scripted(overheard, scripts)
    conversation = converse(3, 30, questions=6)
    system = {
        "baseline": lambda: Baseline(BaselineSettings(), engine, tmp_path),
        "asynchronous": lambda: Asynchronous(AsynchronousSettings(), engine, tmp_path),
    }[kind]()
    async with host(system) as where:
        grades = await grade_system(where, overheard, scripts, conversation, "someone")

    assert len(grades) == len(conversation.questions)
    for question, grade in zip(conversation.questions, grades, strict=True):
        assert grade.kind == question.kind
        assert (grade.in_prompt is None) == (not question.evidence)
        assert grade.in_prompt or grade.evidence is None  # what was found is in the prompt
        assert grade.right is False  # the simulated engine says words without meaning
    assert scripts.unplanned == 0
    measures = summary(grades)
    assert measures["answered"] == measures["refused"] == 0
    assert 0 < measures["in_prompt"] <= 1


@pytest.mark.parametrize(
    ("kind", "known"), [(Baseline, 1), (OwnLayout, 0), (Silent, None)], ids=["built-in", "own layout", "no prompt"]
)
async def test_it_is_noted_whether_the_reader_knows_the_prompts(kind: Any, known: int | None, tmp_path: Path) -> None:
    overheard, scripts = Overheard(SimulatedEngine(SimulatedSettings())), Scripts()
    settings = BaselineSettings() if kind is Baseline else EchoSettings()
    async with host(kind(settings, scripted(overheard, scripts), tmp_path)) as where:
        grades = await grade_system(where, overheard, scripts, converse(3, 30, questions=6), "someone")
    assert summary(grades).get("known_layout") == known


async def test_what_was_sent_for_one_question_is_not_graded_as_sent_for_the_next(tmp_path: Path) -> None:
    overheard, scripts = Overheard(SimulatedEngine(SimulatedSettings())), Scripts()
    twice = Conversation(TALK.turns, [CHANGED, CHANGED])
    settings = BaselineSettings(history_length=0, cache_key="question")
    async with host(Baseline(settings, scripted(overheard, scripts), tmp_path)) as where:
        asked, from_the_cache = await grade_system(where, overheard, scripts, twice, "someone")
    assert (asked.in_prompt, from_the_cache.in_prompt) == (True, False)
