"""The rolling summary: every message is in it or in the window, whatever the model does and whoever is in its way."""

import asyncio
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from systems.engines.interface import Message
from systems.errors import BadInput, EngineBusy, EngineError, PromptTooLong, StoreError
from systems.research.keeping.memory import ResearchMemory
from systems.research.summarising import RollingSummary, SessionContext

PIECE, TOKENS = 2400, 150
_COVERS = re.compile(r"Covers ([\d ]*)\.")


def message(number, length=10):
    return Message("user" if number % 2 == 0 else "assistant", f"<{number}> " + "x" * length)


def messages(first, count, length=10):
    return [message(number, length) for number in range(first, first + count)]


def numbers_in(text):
    """Return the messages that a text has: itself, or in the summary of them that it quotes."""
    found = {int(number) for number in re.findall(r"<(\d+)>", text)}
    for covered in _COVERS.findall(text):
        found |= {int(number) for number in covered.split()}
    return found


def summary_of(text):
    return f"Covers {' '.join(map(str, sorted(numbers_in(text))))}."


class Summariser:
    """Answers when it is told to, and how."""

    def __init__(self):
        self.asked = []

    async def __call__(self, text, max_tokens):
        assert len(text) <= PIECE
        assert max_tokens == TOKENS
        answer = asyncio.get_running_loop().create_future()
        self.asked.append((text, answer))
        try:
            return await answer
        finally:
            self.asked.remove((text, answer))

    def answers(self, how="well"):
        """Answer the oldest question, if there is one."""
        text, answer = next(((text, answer) for text, answer in self.asked if not answer.done()), (None, None))
        if text is None:
            return
        match how:
            case "well":
                answer.set_result(summary_of(text))
            case "at length":
                answer.set_result(summary_of(text) + " And so on." * 500)
            case "nothing":
                answer.set_result(" \n")
            case "no room":
                answer.set_exception(PromptTooLong("The prompt is too long."))
            case "defect":
                answer.set_exception(ValueError("nobody thought of this"))
            case _:
                answer.set_exception(EngineBusy("The engine is busy."))


async def at_once(text, max_tokens):
    return summary_of(text)


def rolling(summarise, keep=None, **more):
    return RollingSummary(summarise, keep, max_tokens=TOKENS, piece_characters=PIECE, **more)


async def steps(count=10):
    for _ in range(count):
        await asyncio.sleep(0)


def check(summaries, session, said):
    """Every message is in exactly one of the two, and the number that is covered says which."""
    summary, window = summaries.context(session)
    covered = numbers_in(summary)
    shown = [number for each in window for number in numbers_in(each.content)]
    assert sorted(covered) + shown == list(range(said))
    assert summaries.covered(session) == len(covered)


# What holds at any moment

ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("say"), st.sampled_from(["anna", "bob"]), st.sampled_from([0, 30, 900, 7000])),
        st.tuples(st.just("begin"), st.sampled_from(["anna", "bob"])),
        st.tuples(st.just("make way"), st.sampled_from(["anna", "bob"])),
        st.tuples(
            st.just("answer"),
            st.sampled_from(["well", "well", "well", "at length", "nothing", "no room", "busy", "defect"]),
        ),
        st.tuples(st.just("restart")),
    ),
    max_size=60,
)


@settings(max_examples=150)
@given(actions=ACTIONS, fails=st.sets(st.integers(0, 8)))
def test_every_message_is_in_the_summary_or_in_the_window(actions, fails):
    asyncio.run(lived(actions, fails))


async def lived(actions, fails):
    summariser, kept, said, keeping = Summariser(), {}, {"anna": 0, "bob": 0}, 0

    async def keep(session, summary, up_to, last):
        nonlocal keeping
        keeping += 1
        await asyncio.sleep(0)
        if keeping in fails:
            raise StoreError("The disk is full.")
        assert up_to >= kept.get(session, ("", 0))[1]
        assert numbers_in(summary) == set(range(up_to))
        assert numbers_in(last.content) == {up_to - 1}
        kept[session] = summary, up_to

    summaries = rolling(summariser, keep)
    for action, *how in actions:
        match action:
            case "say":
                session, length = how
                summaries.add(session, messages(said[session], 2, length), said[session] + 2)
                said[session] += 2
            case "begin":
                summaries.begin(how[0])
            case "make way":
                making = asyncio.create_task(summaries.make_way(how[0]))
                await steps()
                while not making.done():  # it waits for a summary, which it may only where the window is long
                    assert len(summaries.context(how[0]).messages) >= 4
                    summariser.answers()
                    await steps()
                    check(summaries, how[0], said[how[0]])
            case "answer":
                summariser.answers(how[0])
            case _:
                await summaries.close()
                summaries = rolling(summariser, keep)
                for session, count in said.items():
                    summary, up_to = kept.get(session, ("", 0))
                    summaries.take_up(session, summary, messages(up_to, count - up_to, 10), up_to)
        for session, count in said.items():
            check(summaries, session, count)
        await steps()
        for session, count in said.items():
            check(summaries, session, count)
    await summaries.close()
    assert summariser.asked == []


# One at a time


async def test_what_is_due_is_summed_up_and_the_newest_stay_as_they_are():
    summaries = rolling(at_once)
    summaries.add("anna", messages(0, 8))
    summaries.begin("anna")
    await summaries.settled()
    assert summaries.context("anna") == SessionContext("", tuple(messages(0, 8)))
    summaries.add("anna", messages(8, 2))
    summaries.begin("anna")
    await summaries.settled()
    assert summaries.context("anna").messages == tuple(messages(6, 4))
    assert summaries.covered("anna") == 6
    check(summaries, "anna", 10)


async def test_what_is_said_during_a_summary_stays():
    summariser = Summariser()
    summaries = rolling(summariser)
    summaries.add("anna", messages(0, 10))
    summaries.begin("anna")
    await steps()
    summaries.add("anna", messages(10, 6))
    check(summaries, "anna", 16)
    summariser.answers()
    await summaries.settled()
    assert summaries.covered("anna") == 6
    check(summaries, "anna", 16)


async def test_who_comes_back_finds_the_engine_free_and_the_summary_is_made_later():
    summariser = Summariser()
    summaries = rolling(summariser)
    summaries.add("anna", messages(0, 10))
    summaries.begin("anna")
    await steps()
    await summaries.make_way("anna")
    assert summariser.asked == []
    assert summaries.cancelled == 1
    summaries.begin("anna")
    await steps()
    summariser.answers()
    await summaries.settled()
    assert summaries.covered("anna") == 6


async def test_a_turn_of_another_session_cancels_it_too_and_it_is_begun_again_after_that_turn():
    summariser = Summariser()
    summaries = rolling(summariser)
    summaries.add("anna", messages(0, 10))
    summaries.begin("anna")
    await steps()
    await summaries.make_way("bob")
    assert summariser.asked == []
    summaries.add("bob", messages(0, 2))
    summaries.begin("bob")
    await steps()
    summariser.answers()
    await summaries.settled()
    assert (summaries.covered("anna"), summaries.covered("bob")) == (6, 0)


async def test_cancelled_before_it_began_it_is_begun_again():
    summaries = rolling(at_once)
    summaries.add("anna", messages(0, 10))
    summaries.begin("anna")
    await summaries.make_way("anna")
    summaries.begin("anna")
    await summaries.settled()
    assert summaries.covered("anna") == 6


async def test_a_turn_whose_window_is_long_waits_and_nobody_cancels_what_it_waits_for():
    summariser = Summariser()
    summaries = rolling(summariser)
    summaries.add("anna", messages(0, 20))
    waiting = asyncio.create_task(summaries.make_way("anna"))
    await steps()
    await summaries.make_way("bob")
    assert not waiting.done()
    assert len(summariser.asked) == 1
    while not waiting.done():
        summariser.answers()
        await steps()
    assert len(summaries.context("anna").messages) == 4
    check(summaries, "anna", 20)


async def test_a_prompt_is_bounded_for_whoever_never_pauses():
    summaries = rolling(at_once)
    for number in range(0, 200, 2):
        await summaries.make_way("anna")
        assert len(summaries.context("anna").messages) < 20
        summaries.add("anna", messages(number, 2))
        summaries.begin("anna")  # and no moment in which it could be made
    check(summaries, "anna", 200)


@pytest.mark.parametrize("how", ["nothing", "busy", "defect"])
async def test_one_that_fails_leaves_everything_and_is_asked_again_after_as_many_messages(how, caplog):
    summariser = Summariser()
    summaries = rolling(summariser)
    summaries.add("anna", messages(0, 10))
    summaries.begin("anna")
    await steps()
    summariser.answers(how)
    await summaries.settled()
    assert summaries.context("anna") == SessionContext("", tuple(messages(0, 10)))
    assert summaries.failed == 1
    assert "no summary was made" in caplog.text
    summaries.add("anna", messages(10, 4))
    summaries.begin("anna")
    await steps()
    assert summariser.asked == []
    summaries.add("anna", messages(14, 2))
    summaries.begin("anna")
    await steps()
    summariser.answers()
    await summaries.settled()
    check(summaries, "anna", 16)
    assert summaries.covered("anna") == 12


async def test_nobody_waits_again_for_a_summariser_that_just_failed():
    async def fails(text, max_tokens):
        raise EngineError("No model is there.")

    summaries = rolling(fails)
    summaries.add("anna", messages(0, 20))
    for _ in range(3):
        await summaries.make_way("anna")
    assert summaries.failed == 1
    check(summaries, "anna", 20)


async def test_what_is_long_is_read_in_pieces_each_with_the_summary_before_it():
    texts = []

    async def noting(text, max_tokens):
        texts.append(text)
        return summary_of(text)

    summaries = rolling(noting)
    summaries.add("anna", [*messages(0, 3, 600), *messages(3, 1, 5000), *messages(4, 8)])
    summaries.begin("anna")
    await summaries.settled()
    assert len(texts) > 5
    assert all(len(text) <= PIECE for text in texts)
    assert all("Covers 0" in text for text in texts[1:])
    assert sum(text.count("x") for text in texts) == 3 * 600 + 5000 + 4 * 10
    assert summaries.covered("anna") == 8
    check(summaries, "anna", 12)


async def test_a_cancelled_summary_has_lost_no_piece_that_was_made():
    summariser = Summariser()
    summaries = rolling(summariser)
    summaries.add("anna", messages(0, 10, 900))
    summaries.begin("anna")
    await steps()
    summariser.answers()
    await steps()
    covered = summaries.covered("anna")
    assert 0 < covered < 6
    await summaries.make_way("anna")
    assert summaries.covered("anna") == covered
    check(summaries, "anna", 10)


async def test_pieces_are_halved_where_the_engine_has_no_room():
    async def small(text, max_tokens):
        if len(text) > 700:
            raise PromptTooLong("The prompt has more tokens than the context.")
        return summary_of(text)

    summaries = rolling(small)
    summaries.add("anna", messages(0, 10, 300))
    summaries.begin("anna")
    await summaries.settled()
    assert summaries.covered("anna") == 6
    assert summaries.failed == 0


async def test_where_there_is_no_room_at_all_it_fails_and_does_not_try_for_ever():
    asked = 0

    async def none(text, max_tokens):
        nonlocal asked
        asked += 1
        raise PromptTooLong("The prompt has more tokens than the context.")

    summaries = rolling(none)
    summaries.add("anna", messages(0, 10, 300))
    summaries.begin("anna")
    await summaries.settled()
    assert asked < 5
    assert summaries.failed == 1
    check(summaries, "anna", 10)


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("One. " + "Two. " * 400, "One." + " Two." * 239),
        ("x" * 5000, "x" * 8 * TOKENS),
        ("一句。" * 900, "一句。" * 400),
    ],
)
async def test_a_summary_that_is_too_long_ends_with_a_whole_sentence(said, kept):
    async def at_length(text, max_tokens):
        return said

    summaries = rolling(at_length)
    summaries.add("anna", messages(0, 10))
    summaries.begin("anna")
    await summaries.settled()
    assert summaries.context("anna").summary == kept


async def test_what_cannot_be_kept_does_not_count():
    async def full(session, summary, up_to, last):
        raise StoreError("The disk is full.")

    summaries = rolling(at_once, full)
    summaries.add("anna", messages(0, 10))
    summaries.begin("anna")
    await summaries.settled()
    assert summaries.context("anna").summary == ""
    assert summaries.failed == 1
    check(summaries, "anna", 10)


async def test_a_summary_is_kept_to_the_end_though_somebody_comes_back():
    begun, may_end = asyncio.Event(), asyncio.Event()

    async def slowly(session, summary, up_to, last):
        begun.set()
        await may_end.wait()

    summaries = rolling(at_once, slowly)
    summaries.add("anna", messages(0, 10))
    summaries.begin("anna")
    await begun.wait()
    coming = asyncio.create_task(summaries.make_way("anna"))
    await steps()
    assert not coming.done()
    may_end.set()
    await coming
    assert summaries.covered("anna") == 6
    check(summaries, "anna", 10)


async def test_a_session_that_is_forgotten_begins_anew():
    summariser = Summariser()
    summaries = rolling(summariser)
    summaries.add("anna", messages(0, 10))
    summaries.begin("anna")
    await steps()
    await summaries.forget("anna")
    await summaries.forget("nobody")
    assert summariser.asked == []
    assert summaries.context("anna") == SessionContext("", ())
    summaries.add("anna", messages(0, 2), 2)
    check(summaries, "anna", 2)


async def test_a_session_that_is_not_as_its_memory_has_it_is_to_be_restored():
    summaries = rolling(at_once)
    summaries.add("anna", messages(0, 2), 2)
    with pytest.raises(BadInput, match="restored"):
        summaries.add("anna", messages(2, 2), 6)
    with pytest.raises(BadInput, match="forgotten first"):
        summaries.take_up("anna", "", [], 0)
    check(summaries, "anna", 2)


@pytest.mark.parametrize(
    "bounds", [{"recent": 10}, {"wait_at": 9}, {"begin_at": 3}, {"piece_characters": 8 * TOKENS + 399}]
)
def test_bounds_that_leave_nothing_are_refused(bounds):
    with pytest.raises(BadInput):
        RollingSummary(at_once, **{"max_tokens": TOKENS} | bounds)


async def test_with_a_memory_a_restored_session_goes_on_where_it_was(tmp_path):
    memory = ResearchMemory(tmp_path / "research.sqlite")
    await memory.open()
    summaries = rolling(at_once, memory.summarised)
    for number in range(0, 40, 2):
        await summaries.make_way("anna")
        up_to = await memory.add("anna", messages(number, 2))
        summaries.add("anna", messages(number, 2), up_to)
        summaries.begin("anna")
    await summaries.settled()
    before = summaries.context("anna")
    await memory.close()
    again = ResearchMemory(tmp_path / "research.sqlite")
    await again.open()
    restored = await again.restore("anna")
    await again.close()
    assert SessionContext(restored.summary, restored.window) == before
    assert restored.messages == tuple(messages(0, 40))
    later = rolling(at_once)
    later.take_up("anna", restored.summary, restored.window, restored.summarised_up_to)
    later.add("anna", messages(40, 2), 42)
    check(later, "anna", 42)
