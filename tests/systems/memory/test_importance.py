"""What is worth remembering, and what stays of a history that has become too long."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from systems.memory.asking import only_asks
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


NAMES = [f"{time}{language}" for time in ("", "SECOND_", "THIRD_", "FOURTH_") for language in ("ENGLISH", "CHINESE")]


def judged(table: str) -> list[tuple[str, bool]]:
    """Return every message of a table, and whether the rule is known to get it wrong."""
    return [(line.removeprefix("- "), line.startswith("- ")) for line in table.strip().splitlines()]


IMPORTANT = {name: judged(getattr(messages, f"{name}_IMPORTANT")) for name in NAMES}
UNIMPORTANT = {name: judged(getattr(messages, f"{name}_UNIMPORTANT")) for name in NAMES}
MESSAGES = st.sampled_from([text for name in NAMES for text, _ in IMPORTANT[name] + UNIMPORTANT[name]])


@pytest.mark.parametrize("name", NAMES)
def test_everyday_messages_are_told_apart_as_a_person_would(name):
    assert [text for text, known in IMPORTANT[name] if not known and not is_important(text)] == []
    assert [text for text, known in UNIMPORTANT[name] if not known and is_important(text)] == []


@pytest.mark.parametrize(("name", "found"), list(zip(NAMES, (68, 68, 29, 29, 24, 23, 14, 17), strict=True)))
def test_the_shares_found_and_wrongly_marked_do_not_get_worse(name, found):
    assert sum(is_important(text) for text, _ in IMPORTANT[name]) >= found
    assert sum(is_important(text) for text, _ in UNIMPORTANT[name]) <= (1 if name == "FOURTH_ENGLISH" else 0)


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


@given(st.lists(MESSAGES, min_size=1, max_size=3).map(" ".join))
def test_what_is_important_does_not_only_ask(text):
    assert not (is_important(text) and only_asks(text))


# None of these takes longer than in proportion to its length: a pattern that went back and forth would take minutes.
@pytest.mark.parametrize(
    "part", ["I'm a ", "my ", "never ", "Anna's ", ". ", ".", "a", "我", "我的", "不知道", "?", "my dog? ", "I, "]
)
def test_a_very_long_text_is_judged(part):
    text = part * (100_000 // len(part))
    for end in ("", "x", "?"):
        assert is_important(text + end) in {True, False}
        assert only_asks(text + end) in {True, False}


@given(st.text(max_size=200))
def test_any_text_is_either_important_or_not(text):
    assert is_important(text) in {True, False}
