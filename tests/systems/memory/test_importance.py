"""What is worth remembering, and what stays of a history that has become too long."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from systems.memory.importance import is_important, keep_important
from systems.turn.history import Exchange

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
