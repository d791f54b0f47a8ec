"""The notes' share of a prompt: never more than their budget, the weakest shortened first."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from systems.engines.llama import LlamaEngine, LlamaSettings
from systems.engines.simulated import count
from systems.models.find import resolve
from systems.turn.layouts import LAYOUTS
from systems.turn.notes import ANSWER_CHARACTERS, ELLIPSIS, answered, fit_surely, within
from systems.turn.prompt import note

LONG = "The quick brown fox jumps over the lazy dog. " * 40
TEXT = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        ["I like tea.", LONG, "我的叔叔林娜搬到了成都，" * 30, "x" * 500, "a\n" * 200, "<s>" * 90, "🎉" * 99, "[" * 99]
    ),
)
MEMORIES = st.lists(TEXT, max_size=6)


def in_bytes(text):
    return len(text.encode())


@pytest.fixture(scope="module", params=["tiny", "reader", "simulated", "bytes"])
def counts(request, tiny_model):
    if request.param in ("simulated", "bytes"):
        yield count if request.param == "simulated" else in_bytes
        return
    path = tiny_model if request.param == "tiny" else resolve("reader").path
    engine = LlamaEngine(LlamaSettings(model_path=str(path), context_tokens=128, threads=1))
    engine.load()
    yield engine.count
    engine.close()


@given(layout=st.sampled_from([*LAYOUTS]), memories=MEMORIES, most=st.integers(0, 400))
def test_notes_never_exceed_their_budget_and_begin_as_what_was_said(counts, layout, memories, most):
    laid_out = LAYOUTS[layout].laid_out
    notes = within(layout, memories, most, counts)
    assert counts(laid_out(notes)) <= most or not notes
    for memory, each in zip(memories, notes, strict=False):
        assert each == note(memory) or (each.endswith(ELLIPSIS) and note(memory).startswith(each[:-1]))
        assert note(each) == each
    if counts(laid_out([note(memory) for memory in memories])) <= most:
        assert notes == [note(memory) for memory in memories]
    if fit_surely(layout, memories, most):
        assert notes == [note(memory) for memory in memories]
        assert counts(laid_out(notes)) <= most


def test_short_notes_stay_whole_beside_long_ones_and_the_weakest_are_shortened_most():
    first, short, last = within("bracketed", [LONG, "I like tea.", LONG], 200, count)
    assert short == "I like tea."
    assert len(first) > len(last) > 200
    assert first.endswith(f" {first[:-1].split()[-1]}{ELLIPSIS}")
    assert first[:-1].split()[-1].strip(".") in LONG.replace(".", "").split()


def test_the_best_note_is_whole_before_a_weaker_one_has_more_than_its_beginning():
    best, *others = within("bracketed", [LONG, LONG * 2, LONG * 2], count(LONG) + 150, count)
    assert best == note(LONG)
    assert all(80 < len(other) < len(LONG) for other in others)


def test_a_note_says_first_how_its_turn_was_answered():
    assert answered("My order 17 arrived broken.", "Its ticket is TK-4. ") == (
        "(You answered: Its ticket is TK-4.) My order 17 arrived broken."
    )
    assert answered("My order 17 arrived broken.", " ") == "My order 17 arrived broken."
    long = answered("My order 17 arrived broken.", LONG)
    assert long.startswith("(You answered: The quick brown fox") and long.endswith(
        f"{ELLIPSIS}) My order 17 arrived broken."
    )
    assert len(long) < ANSWER_CHARACTERS + 60


def test_notes_of_which_hardly_anything_would_be_left_are_dropped_the_weakest_first():
    kept = within("bracketed", [f"{number} {LONG}" for number in range(20)], 64, count)
    assert [each.split()[0] for each in kept] == ["0", "1", "2", "3"]
    assert within("bracketed", [LONG], 0, count) == []
    assert within("bracketed", [LONG], 2, count) == []
