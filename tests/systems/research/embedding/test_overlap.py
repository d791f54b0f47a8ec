"""Relevance without an encoder: the terms that a question and a text have in common."""

import pytest

from systems.research.embedding.overlap import overlaps

TEXTS = [
    "The lighthouse of Norrland was built in 1887 by Anna Berg.",
    "Anna Berg kept bees, and wrote about bees, and sold what bees make.",
    "The harbour has a lighthouse and a market.",
    "Nothing of this is asked.",
]


def best(question):
    found = overlaps(question, TEXTS)
    return found.index(max(found))


def test_the_text_that_has_the_rarest_words_of_a_question_is_the_most_relevant():
    assert best("When was the lighthouse of Norrland built?") == 0
    assert best("What did Anna Berg do with bees?") == 1
    assert best("Is there a market at the harbour?") == 2


def test_values_lie_between_nothing_and_one():
    found = overlaps("What did Anna Berg do with bees?", TEXTS)
    assert found[3] == 0
    assert all(0 <= value < 1 for value in found)
    [alone] = overlaps("bees", ["bees " * 1_000])
    assert alone == pytest.approx(1, abs=0.01)


def test_chinese_is_asked_for_without_spaces():
    found = overlaps("灯塔是什么时候建的？", ["港口有一个市场。", "诺兰的灯塔建于1887年。"])
    assert found[1] > found[0]


@pytest.mark.parametrize("question", ["", " ", "?!"])
def test_a_question_without_words_matches_nothing(question):
    assert overlaps(question, TEXTS) == [0.0] * len(TEXTS)


def test_texts_without_words_match_nothing_and_no_texts_have_no_values():
    assert overlaps("bees", ["", "..."]) == [0.0, 0.0]
    assert overlaps("bees", []) == []
