"""The key of a cached reply."""

from hypothesis import given
from hypothesis import strategies as st

from systems.engines.interface import Message
from systems.interface import Request
from systems.turn import prompt

SAID = st.text(alphabet="ab,1\0", max_size=3)
TURNS = st.tuples(
    st.sampled_from(["s", "t"]),
    st.integers(1, 2),
    st.lists(st.tuples(SAID, SAID), max_size=3),
    st.lists(SAID, max_size=2),
    SAID,
)


def key(turn, kind="prompt", engine="engine"):
    session, max_tokens, history, memories, text = turn
    request = Request(id="r", session=session, text="q" + text, max_tokens=max_tokens)
    said = [Message(role, part) for pair in history for role, part in zip(("user", "assistant"), pair, strict=True)]
    return prompt.cache_key(kind, request, engine, said, memories)


@given(TURNS, TURNS)
def test_keys_are_equal_where_all_is_that_an_answer_depends_on(one, other):
    assert (key(one) == key(other)) == (one == other)
    assert key(one) != key(one, engine="another")


@given(TURNS, TURNS)
def test_the_published_key_is_the_question_whatever_was_said_before_it(one, other):
    same = (one[0], one[1], one[-1]) == (other[0], other[1], other[-1])
    assert (key(one, "question") == key(other, "question")) == same


@given(TURNS, st.sampled_from(["", " ", "\n"]))
def test_only_the_published_key_takes_no_account_of_space_around_the_question(turn, space):
    spaced = (*turn[:-1], turn[-1] + space)
    assert key(spaced, "question") == key(turn, "question")
    assert (key(spaced) == key(turn)) == (not space)
