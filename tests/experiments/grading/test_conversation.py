from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
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
from systems.engines.interface import Call, Generation, Message
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
    assert "right/long" not in measures  # nor an answer


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
    settings = BaselineSettings(layout="bracketed") if kind is Baseline else EchoSettings()
    async with host(kind(settings, scripted(overheard, scripts), tmp_path)) as where:
        grades = await grade_system(where, overheard, scripts, converse(3, 30, questions=6), "someone")
    assert summary(grades).get("known_layout") == known


class Speaking(SimulatedEngine):
    """Says the same to every question, and keeps the messages it was sent."""

    def __init__(self, says: str) -> None:
        super().__init__(SimulatedSettings())
        self._says = says
        self.sent: list[Sequence[Message]] = []

    def generate(self, call: Call) -> Generation:
        self.sent.append(call.messages)
        return msgspec.structs.replace(super().generate(call), text=self._says)


async def graded_in_own_words(says: str, folder: Path) -> tuple[list[Grade], Speaking]:
    speaking, scripts = Speaking(says), Scripts()
    overheard = Overheard(speaking)
    changed = msgspec.structs.replace(CHANGED, others=("Velford", "Tostad"))
    stranger = msgspec.structs.replace(STRANGER, others=("Velford", "Tostad", "Korburg"))
    talk = Conversation(TALK.turns, [changed, stranger])
    async with host(Baseline(BaselineSettings(), scripted(overheard, scripts), folder)) as where:
        grades = await grade_system(where, overheard, scripts, talk, "someone", rule="own words", afresh=True)
    return grades, speaking


@pytest.mark.parametrize(
    ("reply", "right", "declined", "other_value"),
    [
        ("Marela lives in Korburg now.", (True, False), (False, False), (False, True)),
        ("She has left Velford. Or is it Korburg?", (False, False), (False, False), (True, True)),
        ("I'm sorry, I don't know that.", (False, True), (True, True), (False, False)),
        ("I don't know, but I think Tostad.", (False, False), (False, False), (True, True)),
        ("I'm not sure, but perhaps Korburg.", (True, False), (False, False), (False, True)),
        ("Hello!", (False, False), (False, False), (False, False)),
    ],
)
async def test_in_own_words_a_value_may_be_said_in_a_sentence_and_a_refusal_in_many_ways(
    reply: str, right: tuple[bool, ...], declined: tuple[bool, ...], other_value: tuple[bool, ...], tmp_path: Path
) -> None:
    grades, _ = await graded_in_own_words(reply, tmp_path)

    assert tuple(grade.right for grade in grades) == right
    assert tuple(grade.declined for grade in grades) == declined
    assert tuple(grade.other_value for grade in grades) == other_value
    measures = summary(grades)
    assert measures["right/en"] == measures["right"] == sum(right) / 2
    assert (measures["answered"], measures["refused"]) == right
    assert measures["answered/in_prompt"] == right[0]
    assert measures["declined"] == declined[0]
    assert "known_layout" not in measures  # what the reader knows says nothing of another model


async def test_asked_afresh_a_model_sees_its_notes_and_nothing_that_was_scripted(tmp_path: Path) -> None:
    _, speaking = await graded_in_own_words("Korburg", tmp_path)

    assert len(speaking.sent) == 2
    for messages in speaking.sent:
        assert [message.role for message in messages] == ["system", "user"]
    assert NEW in speaking.sent[0][-1].content


async def test_what_was_sent_for_one_question_is_not_graded_as_sent_for_the_next(tmp_path: Path) -> None:
    overheard, scripts = Overheard(SimulatedEngine(SimulatedSettings())), Scripts()
    twice = Conversation(TALK.turns, [CHANGED, CHANGED])
    settings = BaselineSettings(history_length=0, cache_key="question")
    async with host(Baseline(settings, scripted(overheard, scripts), tmp_path)) as where:
        asked, from_the_cache = await grade_system(where, overheard, scripts, twice, "someone")
    assert (asked.in_prompt, from_the_cache.in_prompt) == (True, False)
