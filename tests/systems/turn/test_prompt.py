"""The key of a cached reply."""

from hypothesis import given
from hypothesis import strategies as st

from systems.engines.interface import Message
from systems.interface import Observed, Request
from systems.turn import prompt

SAID = st.text(alphabet="ab,1\0", max_size=3)
TURNS = st.tuples(
    st.sampled_from(["s", "t"]),
    st.integers(1, 2),
    st.none() | SAID,
    st.lists(st.tuples(SAID, SAID), max_size=3),
    st.lists(SAID, max_size=2),
    SAID,
)


def key(turn, clock="now"):
    session, max_tokens, scripted, history, memories, text = turn
    request = Request(id="r", session=session, text="q" + text, max_tokens=max_tokens, scripted_reply=scripted)
    said = [Message(role, part) for pair in history for role, part in zip(("user", "assistant"), pair, strict=True)]
    messages = prompt.build(said, memories, Observed(clock=clock, system="idle", emotion="happy"), request.text)
    return prompt.cache_key("prompt", request, "engine", messages)


@given(TURNS, TURNS)
def test_keys_are_equal_where_all_is_that_an_answer_depends_on(one, other):
    assert (key(one) == key(other)) == (one == other)
    assert key(one, clock="then") == key(one)
