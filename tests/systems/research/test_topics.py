"""What a question is about: the model's words where they can be used, the question's own where not."""

import pytest

from systems.research import topics

QUESTION = "How long is the stone bridge of Velm?"


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("- Stone bridge\n- Velm", ("Stone bridge", "Velm")),
        ("1. the bridge of Velm.\n2. the bridge of Velm.", ("the bridge of Velm",)),
        ("bridge\nstone\nVelm\nlong bridge", ("bridge", "stone", "Velm")),
    ],
)
def test_lines_that_have_a_word_of_the_question_are_its_topics(said, found):
    assert topics.parsed(said, QUESTION) == found


@pytest.mark.parametrize(
    "said",
    [
        "",
        "\n\n",
        "time way people",
        "The stone bridge of Velm is 10 metres",
        "The answer to that is that nobody can tell how long the bridge has been there.",
    ],
)
def test_what_cannot_be_used_gives_way_to_the_questions_own_words(said):
    [own] = topics.parsed(said, QUESTION)
    assert {"stone", "bridge", "Velm"} <= set(own.split())
    assert "the" not in own.split()


def test_a_question_without_a_word_is_its_own_topic():
    assert topics.parsed("", "😀") == ("😀",)
    assert topics.own_words("") == ("",)


def test_a_topic_that_the_question_says_already_is_not_looked_for_twice():
    assert topics.sought(QUESTION, ("stone bridge", "crossing Velm")) == f"{QUESTION} crossing Velm"
