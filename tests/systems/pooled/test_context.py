"""What a history becomes that is too long: within its bounds, in order, what is critical word for word."""

from hypothesis import given, settings
from hypothesis import strategies as st

from systems.pooled.context import compressed, shortened
from systems.turn.history import Exchange, Histories

EXCHANGES = st.lists(
    st.builds(Exchange, st.text("ab ", max_size=20), st.text("abc. ", max_size=400), st.booleans()),
    min_size=1,
    max_size=12,
)


def characters(exchanges):
    return sum(len(each.question) + len(each.answer) for each in exchanges)


@settings(max_examples=50, deadline=None)
@given(EXCHANGES, st.integers(1, 12), st.integers(0, 2_000))
def test_it_is_within_its_bounds_in_order_and_ends_with_the_newest(exchanges, most, room):
    kept = compressed(exchanges, most, room)
    assert kept[-1] == exchanges[-1]
    assert len(kept) <= most
    only_critical = all(each.important for each in kept[:-1])
    assert len(kept) == 1 or characters(kept) <= (2 * room if only_critical else room)
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
def test_nothing_critical_leaves_while_something_else_is_left(exchanges, most, room):
    kept = compressed(exchanges, most, room)
    lost = [each for each in exchanges[:-1] if each.important and each not in kept]
    assert not lost or all(each.important for each in kept[:-1])


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
