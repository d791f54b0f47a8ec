"""What a session said lately, as the model is shown it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from systems.memory.importance import keep_important
from systems.turn.history import Exchange, Histories, keep_newest


@given(st.lists(st.tuples(st.sampled_from("ab"), st.booleans()), max_size=30), st.integers(0, 12), st.booleans())
def test_the_roles_of_a_history_always_alternate(turns, length, stepped):
    histories = Histories(length, 10, keep_important, stepped=stepped)
    for number, (session, important) in enumerate(turns):
        histories.add(session, Exchange(f"question {number}", f"answer {number}", important))
        messages = histories.messages(session)
        assert len(messages) <= length
        assert [message.role for message in messages] == ["user", "assistant"] * (len(messages) // 2)


@pytest.mark.parametrize(("stepped", "grew"), [(False, 4), (True, 12)])
def test_a_stepped_history_begins_like_the_last_one_on_most_turns(stepped, grew):
    histories = Histories(10, 1, keep_newest, stepped=stepped)
    before, alike = [], 0
    for number in range(17):
        histories.add("s", Exchange(f"question {number}", "fine"))
        after = histories.messages("s")
        alike += bool(before) and after[: len(before)] == before
        before = after
    assert alike == grew


def test_a_history_that_grows_begins_anew_with_half_of_its_tokens_or_messages_and_bare_questions():
    def said(number, **more):
        return Exchange(f"question {number:03}", "fine" * 24, sent=f"note\nquestion {number:03}", **more)

    histories = Histories(100, 1, keep_newest, room=lambda: 1_000)
    for number in range(9):
        histories.add("s", said(number), tokens=100 * (number + 1))
    assert [message.content for message in histories.messages("s")][::2] == [said(number).sent for number in range(9)]
    histories.add("s", said(9), tokens=1_001)
    kept = [message.content for message in histories.messages("s")][::2]
    assert kept == [f"question {number:03}" for number in range(10 - len(kept), 10)]
    assert 2 < len(kept) <= 6
    histories.add("s", said(10), tokens=10, outgrown=True)
    assert len(histories.messages("s")) < 2 * len(kept) + 2
    histories.resize("s", 4)
    assert len(histories.messages("s")) == 2
    histories.resize("s", 0)
    histories.add("s", said(11))
    assert histories.messages("s") == []


def test_what_is_laid_bare_counts_for_what_it_is():
    histories = Histories(10, 3, keep_newest, room=lambda: 1_000)
    histories.add("a", Exchange("q", "a"))
    bare = histories.bytes
    histories.add("b", Exchange("q", "a", sent="note q"))
    assert histories.bytes > 2 * bare
    histories.lay_bare(lambda session: session == "b")
    assert histories.bytes == 2 * bare
    assert histories.messages("a") == histories.messages("b")


def test_histories_forget_the_least_recently_active_session():
    histories = Histories(4, 2, keep_newest)
    for session in ("a", "b", "a", "c"):
        histories.add(session, Exchange(f"to {session}", "fine"))
    assert len(histories.messages("a")) == 4
    assert histories.messages("b") == []
    assert len(histories.messages("c")) == 2


def test_histories_are_held_in_so_many_bytes_the_least_recently_active_leaving_first():
    histories = Histories(10, 100, keep_newest, most_bytes=100_000)
    for number in range(30):
        histories.add(f"s{number % 10}", Exchange("q" * 9_000, "a" * 1_000))
        assert histories.bytes <= 100_000
    held = [number for number in range(10) if histories.knows(f"s{number}")]
    assert held == list(range(1, 10))
    histories.forget("s9")
    histories.replace("s8", [Exchange("😀" * 100_000, "")])
    assert histories.knows("s8"), "the newest stays, however long it is"
    assert not histories.knows("s7"), "it was the least recently active"
    histories.replace("s8", [])
    assert histories.bytes == 0
