"""Which prompts the reader knows: those of `build`, of what was said, and no others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.grading.layouts import is_known
from systems.engines.interface import Message
from systems.interface import Observed
from systems.turn.layouts import LAYOUTS
from systems.turn.prompt import build

SEEN = Observed(clock="2026-11-02 09:30", system="memory 40 % of 4.0 GiB", emotion="neutral")
TOLD, NOTED, ASKED = "Marela lives in Velford.", "Noted.", "Where does Marela live?"
SAID = {TOLD, "I like tea."}
HISTORY = [Message("user", TOLD), Message("assistant", NOTED)]
LINE = st.text(st.characters(exclude_characters="\n"), min_size=1)


@given(st.lists(LINE), st.lists(st.tuples(LINE, LINE)), LINE)
def test_whatever_the_built_in_systems_send_of_what_was_said_is_known(notes, exchanges, question):
    history = [message for told, reply in exchanges for message in (Message("user", told), Message("assistant", reply))]
    said = {*notes, *(told for told, _ in exchanges)}
    assert is_known(build("bracketed", history, notes, SEEN, question), question, said)


KNOWN = build("bracketed", HISTORY, ["I like tea."], SEEN, ASKED)


@pytest.mark.parametrize(
    "messages",
    [
        [],
        [Message("user", ASKED)],
        [Message("system", "You are brief."), *KNOWN[1:]],
        KNOWN[1:],
        [*KNOWN, Message("assistant", "")],
        [*KNOWN[:-1], Message("user", ASKED)],
        [*KNOWN[:-1], Message("user", f"Notes:\n- {TOLD}\n\n{ASKED}")],
        [KNOWN[0], Message("system", TOLD), *KNOWN[1:]],
        [KNOWN[0], HISTORY[0], *KNOWN[1:]],
        build("bracketed", HISTORY, ["I like tea."], SEEN, "What does Marela like?"),
        build("bracketed", HISTORY, ["Marela: home=Velford"], SEEN, ASKED),
        build("bracketed", [Message("user", "A summary: Marela, Velford."), HISTORY[1]], [], SEEN, ASKED),
    ],
)
def test_another_layout_or_other_words_are_not(messages):
    assert is_known(KNOWN, ASKED, SAID)
    assert KNOWN[0].content == LAYOUTS["bracketed"].system_prompt
    assert not is_known(messages, ASKED, SAID)
