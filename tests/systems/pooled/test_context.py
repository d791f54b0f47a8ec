"""What a history becomes that is too long: within its bounds, in order, what is critical word for word."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from systems.pooled.context import compressed, shortened
from systems.turn.history import Exchange, Histories

EXCHANGES = st.lists(
    st.builds(Exchange, st.text("ab ", max_size=20), st.text("abc. ", max_size=400), st.booleans()),
    min_size=1,
    max_size=12,
).map(lambda some: [replace(each, question=f"{place} {each.question}") for place, each in enumerate(some)])


def characters(exchanges):
    return sum(len(each.question) + len(each.answer) for each in exchanges)


@settings(max_examples=50, deadline=None)
@given(EXCHANGES, st.integers(1, 12), st.integers(0, 2_000))
def test_it_is_within_its_bounds_in_order_and_ends_with_the_newest(exchanges, most, room):
    kept = compressed(exchanges, most, room)
    assert kept[-1] == exchanges[-1]
    assert len(kept) <= most
    told = [each for each in kept[:-1] if each.important]
    assert characters(kept) <= room or (told == kept[:-1] and characters(told) <= room // 2)
    rest = iter(exchanges)
    for each in kept:
        assert any(
            each == whole or (each.question == whole.question and whole.answer.startswith(each.answer.rstrip("…")))
            for whole in rest
        )
    assert all(each in exchanges for each in kept if each.important), "word for word"
    assert compressed(exchanges, 0, room) == []


@settings(max_examples=50, deadline=None)
@given(EXCHANGES, st.integers(1, 12), st.integers(0, 2_000))
def test_what_is_critical_leaves_only_where_it_has_half_of_the_room(exchanges, most, room):
    kept = compressed(exchanges, most, room)
    critical = [each for each in kept[:-1] if each.important]
    lost = [each for each in exchanges[:-1] if each.important and each not in kept]
    assert not lost or len(critical) >= most // 2 or characters([lost[-1], *critical]) > room // 2
    assert critical == [each for each in exchanges[:-1] if each.important][len(lost) :], "the oldest leave"


@settings(max_examples=50, deadline=None)
@given(EXCHANGES)
def test_what_has_room_stays_as_it_is(exchanges):
    assert compressed(exchanges, len(exchanges), characters(exchanges)) == exchanges


def test_an_answer_is_shortened_to_its_first_sentences():
    assert shortened("Lisbon. It is warm there. " + "And so on " * 40) == "Lisbon. It is warm there."
    assert shortened("里斯本。" + "那里很暖和" * 60) == "里斯本。"
    assert shortened("x" * 500) == "x" * 159 + "…"
    assert shortened("Lisbon.") == "Lisbon."


def test_a_history_is_compressed_when_it_is_beyond_its_budget():
    histories = Histories(100, 10, lambda *_: [], room=lambda: 300, compress=compressed)
    histories.add("s", Exchange("My sister Vera lives in Lisbon.", "Noted.", important=True), 60)
    histories.add("s", Exchange("Tell me of bees.", "Bees are many. " * 40), 250)
    assert len(histories.messages("s")[3].content) > 160, "there was room"
    histories.add("s", Exchange("And of ants?", "Ants too. " * 20), 400)
    said = [message.content for message in histories.messages("s")]
    assert said[:2] == ["My sister Vera lives in Lisbon.", "Noted."]
    assert said[-1] == "Ants too. " * 20
    assert sum(map(len, said)) < 600


@pytest.mark.parametrize("critical", [1, 2, 1_000])
@pytest.mark.parametrize(("messages", "tokens"), [(2_000, 1_000), (80, 100_000)])
def test_between_two_compressions_a_history_grows_however_much_of_it_is_critical(critical, messages, tokens):
    histories = Histories(messages, 1, lambda *_: [], room=lambda: tokens, compress=compressed)
    begun_anew, before = [], []
    for number in range(200):
        told = Exchange(f"My cat {number} is called Ada.", "Noted, and good to know.", number % critical == 0)
        histories.add("s", told, characters([*before, told]) // 3)
        after = list(histories.exchanges("s"))
        if after[: len(before)] != before:
            begun_anew.append(number)
        before = after
    size = characters([told]) // 3
    grows = min(tokens // 2 // size, messages // 4) - 1
    assert begun_anew
    assert all(later - earlier >= grows for earlier, later in pairwise(begun_anew))
