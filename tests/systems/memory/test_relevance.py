"""What ranking must find, however often something was asked, said or imported, and whoever else is in the file."""

import sqlite3
from contextlib import closing, contextmanager

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from systems.memory import index, relevance, words
from systems.memory.recent import Recent
from systems.memory.schema import BY_SESSION, INSERT, SavedTurn, prepare
from systems.memory.searched import Searched

MINUTE = 60.0


@contextmanager
def stored(*turns):
    """A connection to a memory of ``turns``: each a text, or a turn."""
    with closing(sqlite3.connect(":memory:")) as connection:
        prepare(connection)
        connection.execute(BY_SESSION)
        saved = [
            turn
            if isinstance(turn, SavedTurn)
            else SavedTurn(session="s", question=turn, answer="Noted.", created=1e9 + MINUTE * number)
            for number, turn in enumerate(turns)
        ]
        with connection:
            connection.executemany(INSERT, [turn.row(cut=True) for turn in saved])
        index.make(connection, lengths=False)
        yield connection


def found(connection, question, limit=3, session="s", *, context=True):
    asked = words.asked(question)
    ranked = relevance.rank(Searched(connection, Recent(), session, asked), asked, limit, context=context)
    return [one.row.question for one in ranked]


@pytest.mark.parametrize("askings", [1, 15, 16, 17, 100])
def test_however_often_it_was_asked_the_answer_is_found(askings):
    asked, told = "Where does Vera keep her bees?", "Vera keeps her bees in Lisbon."
    with stored(told, *[asked] * askings) as connection:
        assert found(connection, asked) == [told]


def test_who_asks_every_day_is_told_and_not_what_they_said_next():
    daily = ["What is my wifi password?", "What shall I cook tonight, with leek?"] * 18
    with stored("My wifi password is zebra42.", *daily) as connection:
        assert found(connection, "What is my wifi password?")[0] == "My wifi password is zebra42."


def test_what_is_said_again_and_again_takes_one_place_and_hides_nothing():
    with stored("Vera has bees.", *["Vera keeps bees!", "vera keeps  bees"] * 20) as connection:
        assert found(connection, "Vera keeps bees, has she?", 5) == ["vera keeps  bees", "Vera has bees."]


def test_the_turn_that_has_all_of_many_common_words_comes_first():
    common = ["password", "garden", "winter", "train", "coffee"]
    others = [f"note {n} {common[n % 5]} {common[(n + 1 + n % 3) % 5]}" for n in range(400)]
    with stored(" ".join(common), *others) as connection:
        for limit in (1, 3, 10):
            assert found(connection, " ".join(common), limit)[0] == " ".join(common)


def test_how_rare_a_word_is_in_a_session_does_not_depend_on_others_in_the_file():
    told = [
        "My garden roses need water.",
        "The gardener is called Bertil.",
        *[f"My garden roses, day {n}." for n in range(40)],
    ]
    question = "Who waters my garden roses, is it Bertil?"
    others = [SavedTurn(session="other", question=f"noise {n}", answer="", created=1.0) for n in range(1_000)]
    with stored(*told) as alone, stored(*others, *told) as crowded:
        assert found(alone, question)[0] == "The gardener is called Bertil."
        assert found(crowded, question) == found(alone, question)


def test_an_import_of_older_turns_does_not_hide_the_newer_fact():
    new = SavedTurn(session="s", question="Vera lives in Oslo now.", answer="", created=9e8)
    old = [
        SavedTurn(session="s", question=f"Vera lives in Lisbon, note {n}.", answer="", created=1e8 + n)
        for n in range(60)
    ]
    with stored(new, *old) as connection:
        assert found(connection, "Where does Vera live?")[0] == new.question


def test_of_a_pasted_text_the_words_are_not_chosen_by_their_spelling():
    pasted = " ".join(f"{number} word{number}" for number in range(1_000))
    with stored("My zebra is ill.", pasted) as connection:
        assert "My zebra is ill." in found(connection, f"{pasted} Who is ill, my zebra?", 2)


def test_what_an_assistant_answered_is_not_answered_by_its_users_thanks():
    with stored("Her hives are in Lisbon, says Vera.", "Where does Vera keep her bees?", "Thanks, bye!") as connection:
        assert found(connection, "Where does Vera keep her bees?", 1) == ["Her hives are in Lisbon, says Vera."]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("It was -5 degrees in Oslo", "It was 5 degrees in Oslo"),
        ("The ticket costs $5", "The ticket costs €5"),
        ("Ada beat Ben in chess", "Ben beat Ada in chess"),
        ("I live in Oslo", "I lived in Oslo"),
        ("My code is 1234", "My code is 1243"),
        ("我住在奥斯陆", "我不住在奥斯陆"),
    ],
)
def test_texts_that_say_other_things_both_keep_their_place(one, other):
    with stored(one, other) as connection:
        assert set(found(connection, f"{one} {other}", 5)) == {one, other}


TEXTS = st.lists(
    st.sampled_from("vera bees lisbon oslo 王芳 住在 杭州 Zürich C++ москва ไทย 3.11 the of where does".split()),
    min_size=1,
    max_size=6,
).map(" ".join)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)
@given(st.lists(TEXTS, min_size=1, max_size=60), st.data())
def test_any_text_that_was_saved_is_found_by_its_rarest_word(texts, data):
    texts = [f"I noted {text} n{number}" for number, text in enumerate(texts)]
    wanted = data.draw(st.sampled_from(texts))
    with stored(*texts) as connection:
        rarest = wanted.split()[-1]
        assert found(connection, f"Who said {rarest}?", 1) == [wanted]
        assert words.asked(rarest)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=100)
@given(st.lists(TEXTS, min_size=1, max_size=40), TEXTS, st.integers(1, 5))
def test_what_is_asked_for_less_is_the_beginning_of_what_is_asked_for_more(texts, question, limit):
    with stored(*texts) as connection:
        assert (
            found(connection, question, limit, context=False) == found(connection, question, 99, context=False)[:limit]
        )
