"""The made-up valley: the documents that are shipped, and questions with one right answer each."""

from __future__ import annotations

from collections import Counter

import pytest

from experiments.grading.answers import says
from experiments.workloads.research.world import KINDS, World
from systems.research import corpus


@pytest.fixture(scope="module")
def world() -> World:
    return World()


def test_the_shipped_documents_are_those_of_the_seed(world: World) -> None:
    shipped = {path.name: path.read_text("utf-8") for path in corpus.folder().glob("*.md")}
    assert shipped == {document.file: document.text for document in world.documents()}
    assert 60 <= len(shipped) <= 150
    assert 200_000 <= sum(map(len, shipped.values())) <= 500_000


def test_another_seed_makes_another_land(world: World) -> None:
    other = World(1)
    assert other.documents() != world.documents()
    assert other.questions("held-out") != world.questions("held-out")
    assert World(1).documents() == other.documents()


def test_no_two_documents_are_of_one_name_and_no_text_has_a_gap(world: World) -> None:
    documents = world.documents()
    assert len({document.file for document in documents}) == sum(len(subjects.names) for subjects in KINDS)
    assert not any("{" in document.text or "}" in document.text for document in documents)


@pytest.mark.parametrize("split", ["settling", "held-out"])
def test_each_question_is_answered_by_its_document(world: World, split: str) -> None:
    texts = {document.file: document.text for document in world.documents()}
    questions = world.questions(split)  # type: ignore[arg-type]
    assert len(questions) >= 40
    assert len({question.text for question in questions}) == len(questions)
    for question in questions:
        assert says(texts[question.file], question.answer), question
        assert question.answer not in question.others
        assert says(f"It is {question.answer}.", question.answer, question.others), question


def test_the_splits_ask_in_every_way_and_for_nothing_twice(world: World) -> None:
    settling, held_out = world.questions("settling"), world.questions("held-out")
    assert Counter(each.asking for each in settling) == Counter(each.asking for each in held_out)
    asked = [(each.file, each.answer) for each in [*settling, *held_out]]
    assert len(set(asked)) == len(asked)


def test_what_was_so_before_is_among_the_wrong_answers(world: World) -> None:
    texts = {document.file: document.text for document in world.documents()}
    changed = [each for each in world.questions("held-out") if each.asking == "changed"]
    assert changed
    for question in changed:
        assert any(says(texts[question.file], other) for other in question.others)
