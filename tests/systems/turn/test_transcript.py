"""What a client tells of a conversation, and what is held of it as it was sent."""

from __future__ import annotations

from systems.engines.interface import Message
from systems.turn.history import AsSent, Exchange
from systems.turn.transcript import as_sent, carried


def told(*exchanges):
    return [Message(role, text) for one in exchanges for role, text in (("user", one[0]), ("assistant", one[1]))]


TWICE = told(("Hello", "Hi"), ("Hello", "Hi"), ("Hello", "Hi"))
HELD = [Exchange("Hello", "Hi", sent="Context: a note. Hello"), Exchange("Hello", "Hi")]


def test_what_was_said_twice_is_as_it_was_sent_each_time():
    said = as_sent(TWICE, HELD)
    assert said == [*TWICE[:2], AsSent("user", "Context: a note. Hello", "Hello"), *TWICE[3:]]
    assert carried([Exchange("Hello", "Hi")] * 3, HELD) == [Exchange("Hello", "Hi"), *HELD]


def test_what_was_never_sent_otherwise_is_as_it_is_told():
    assert as_sent(TWICE, []) == TWICE
    assert as_sent(TWICE, [Exchange("Hello", "Ho", sent="Another")]) == TWICE
