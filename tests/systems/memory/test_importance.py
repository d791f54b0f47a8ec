"""What is worth remembering, and what stays of a history that has become too long."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from systems.memory.importance import is_important, keep_important
from systems.turn.history import Exchange
from tests.systems.memory import messages

EXCHANGES = st.lists(st.booleans(), max_size=40).map(
    lambda flags: [Exchange(str(number), "fine", flag) for number, flag in enumerate(flags)]
)


@given(EXCHANGES, st.integers(0, 20))
def test_pruning_keeps_bound_chronology_the_newest_and_the_important_and_is_idempotent(exchanges, most):
    kept = keep_important(exchanges, most)
    places = [int(exchange.question) for exchange in kept]
    assert len(kept) == min(most, len(exchanges))
    assert places == sorted(places)
    assert keep_important(kept, most) == kept
    if kept:
        assert kept[-1] == exchanges[-1]
    older, room = exchanges[:-1], max(0, len(kept) - 1)
    important = [exchange for exchange in older if exchange.important]
    ordinary = [exchange for exchange in older if not exchange.important]
    expected = important[max(0, len(important) - room) :]
    spare = room - len(expected)
    expected += ordinary[len(ordinary) - spare :] if spare else []
    assert sorted(places[:-1]) == sorted(int(exchange.question) for exchange in expected)


@pytest.mark.parametrize(
    ("text", "important"),
    [
        ("Remember that I am allergic to nuts", True),
        ("My name is Vera", True),
        ("请记住，我叫王芳", True),
        ("What is the weather like?", False),
        ("今天天气怎么样", False),
    ],
)
def test_key_information_is_recognised_in_two_languages(text, important):
    assert is_important(text) is important


def lines(table: str) -> list[str]:
    return [line.removeprefix("- ") for line in table.strip().splitlines()]


TABLES = [
    (name, getattr(messages, f"{name}_IMPORTANT"), getattr(messages, f"{name}_UNIMPORTANT"))
    for name in ("ENGLISH", "CHINESE", "SECOND_ENGLISH", "SECOND_CHINESE", "THIRD_ENGLISH", "THIRD_CHINESE")
]
MESSAGES = st.sampled_from([line for _, yes, no in TABLES for line in lines(yes) + lines(no)])


@pytest.mark.parametrize(("yes", "no"), [pytest.param(yes, no, id=name) for name, yes, no in TABLES])
def test_everyday_messages_are_told_apart_as_a_person_would(yes, no):
    known = {line.removeprefix("- ") for line in yes.strip().splitlines() if line.startswith("- ")}
    assert [line for line in lines(no) if is_important(line)] == []
    assert {line for line in lines(yes) if not is_important(line)} <= known


@pytest.mark.parametrize(
    ("name", "missed"),
    [
        ("ENGLISH", 0),
        ("CHINESE", 0),
        ("SECOND_ENGLISH", 1),
        ("SECOND_CHINESE", 3),
        ("THIRD_ENGLISH", 15),
        ("THIRD_CHINESE", 17),
    ],
)
def test_no_more_messages_are_missed_than_were(name, missed):
    table = getattr(messages, f"{name}_IMPORTANT").strip().splitlines()
    assert sum(line.startswith("- ") for line in table) <= missed


@given(
    MESSAGES, st.sampled_from(["", " ", "!", "!!", ".", "\n", "”", "。"]), st.sampled_from(["", " ", "\n", "“", '"'])
)
def test_importance_does_not_depend_on_how_a_message_is_written(message, behind, before):
    expected = is_important(message)
    curly = message.replace("'", "’")
    wide = "".join(chr(ord(each) + 0xFEE0) if "!" <= each <= "~" else each for each in message)
    for written in (message, message.upper(), message.lower(), curly, message.replace("’", "'"), wide):
        assert is_important(before + written + behind) is expected


@pytest.mark.parametrize(
    "text",
    [
        "Can you suggest a cake? I'm allergic to eggs.",
        "I forgot to say: my sister's dog is called Bobbie.",
        "Hi!\nI live in Utrecht",
        "You know I'm diabetic, right?",
        "推荐一个蛋糕吧，我对鸡蛋过敏。",
        "我對海鮮過敏，晚上吃什麼好？",
    ],
)
def test_what_is_told_beside_a_question_is_important(text):
    assert is_important(text)


@given(st.text(max_size=200))
def test_any_text_is_either_important_or_not(text):
    assert is_important(text) in {True, False}
