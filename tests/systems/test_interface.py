import pytest
from hypothesis import given
from hypothesis import strategies as st

from systems.errors import BadInput
from systems.interface import Request, is_talk_of, talk

NAMES = st.text("\x1f12ab", min_size=1, max_size=6)


def test_half_a_character_is_refused_before_anything_is_done():
    with pytest.raises(BadInput, match="lone surrogate"):
        Request(id="1", session="s", text="broken \ud800")


@given(NAMES, NAMES, st.none() | NAMES)
def test_a_conversation_is_of_its_session_alone(session, other, conversation):
    name = talk(session, conversation)
    assert is_talk_of(session, name)
    assert is_talk_of(other, name) == (other == session)
