"""What is kept of conversations: listed, looked into, corrected, and forgotten so that it is gone."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from contextlib import closing

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from systems.asynchronous.agent import Asynchronous
from systems.asynchronous.settings import AsynchronousSettings
from systems.baseline.agent import Baseline
from systems.engines.interface import Message
from systems.engines.scripted import Script, Scripts, scripted
from systems.engines.simulated import SimulatedEngine, SimulatedSettings
from systems.errors import BadInput, NotSaved, StillReadable, StoreError
from systems.interface import Keeper, Request, talk
from systems.memory import rewriting
from systems.memory.fulltext import FullTextStore
from tests.systems.conversing import simulated

VERA = "vera"


def ask(text, conversation=None, **more):
    return Request(id=text, session=VERA, conversation=conversation, text=text, max_tokens=4, **more)


def in_files(folder, word):
    return [path.name for path in folder.iterdir() if path.is_file() and word.encode() in path.read_bytes()]


class Hearing(SimulatedEngine):
    """Writes down what it was sent."""

    def __init__(self):
        super().__init__(SimulatedSettings())
        self.sent = []

    def generate(self, call):
        self.sent.append([message.content for message in call.messages])
        return super().generate(call)


async def started(folder, scripts=(), engine=None, **changes):
    engine = scripted(engine or simulated(), Scripts([Script(VERA, question, (reply,)) for question, reply in scripts]))
    agent = Asynchronous(AsynchronousSettings(**changes), engine, folder)
    await agent.start()
    return agent


async def test_conversations_are_listed_and_read_in_pages(tmp_path):
    agent = await started(tmp_path)
    try:
        for number in range(60):
            await agent.answer(ask(f"Number {number} of one", "one"))
        await agent.answer(ask("\n  A title of two\nand more", "two"))
        await agent.answer(ask("x" * 200))
        listed = await agent.conversations(VERA)
        assert [(each.id, each.turns) for each in listed] == [("", 1), ("two", 1), ("one", 60)]
        assert listed[1].title == "A title of two"
        assert len(listed[0].title) == 80
        assert await agent.conversations("somebody else") == []
        newest = await agent.turns(VERA, conversation="one")
        assert [turn.question for turn in newest] == [f"Number {number} of one" for number in range(10, 60)]
        older = await agent.turns(VERA, conversation="one", before=newest[0].id)
        assert [turn.question for turn in older] == [f"Number {number} of one" for number in range(10)]
        assert [turn.question for turn in await agent.turns(VERA, containing="NUMBER 7 ")] == ["Number 7 of one"]
        assert await agent.turns(VERA, containing="%") == []
    finally:
        await agent.close()


async def test_pages_of_conversations_neither_repeat_nor_end_where_one_is_gone_on_with_or_forgotten(tmp_path):
    agent = await started(tmp_path)
    try:
        for number in range(6):
            await agent.answer(ask(f"Number {number}", str(number)))
        first = await agent.conversations(VERA, most=2)
        assert [each.id for each in first] == ["5", "4"]
        await agent.answer(ask("And more", "4"))
        second = await agent.conversations(VERA, most=2, after=first[-1].place)
        assert [each.id for each in second] == ["3", "2"]
        await agent.forget(VERA, conversation="2")
        third = await agent.conversations(VERA, most=2, after=second[-1].place)
        assert [each.id for each in third] == ["1", "0"]
        for wrong in ("2", "", "x" * 1000):
            with pytest.raises(BadInput, match="no such place"):
                await agent.conversations(VERA, after=wrong)
    finally:
        await agent.close()


@pytest.mark.parametrize("background_saving", [False, True])
async def test_what_is_forgotten_is_gone_from_the_file_and_from_what_is_held(tmp_path, background_saving):
    agent = await started(
        tmp_path,
        [("My cat is Quibbleworth.", "What a name, Quibbleworth!"), ("Again?", "Yes.")],
        background_saving=background_saving,
    )
    try:
        for number in range(400):  # an index of several segments
            await agent.answer(ask(f"Padding {number} about the weather"))
        await agent.answer(ask("My cat is Quibbleworth.", "one"))
        await agent.answer(ask("My dog is Barkington.", "two"))
        await agent.answer(ask("What is my cat called?", "two"))
        assert (await agent.answer(ask("What is my cat called?", "three"))).memories
        [turn] = await agent.turns(VERA, containing="quibbleworth", conversation="one")
        assert in_files(tmp_path, "Quibbleworth")
        assert (await agent.forget(VERA, turn=turn.id)).turns == 1
        for word in ("Quibbleworth", "quibbleworth"):
            assert in_files(tmp_path, word) == []
        assert in_files(tmp_path, "Barkington")
        assert await agent.conversations(VERA) != []
        assert "one" not in {each.id for each in await agent.conversations(VERA)}
        reply = await agent.answer(ask("What is my cat called?", "three"))
        assert not any("Quibble" in memory for memory in reply.memories)
        assert reply.source == "model", "no cached reply that knew it"
        reply = await agent.answer(ask("What is my dog called?", "four"))
        assert reply.memories[0] == "My dog is Barkington."
    finally:
        await agent.close()
    assert in_files(tmp_path, "Quibbleworth") == []


async def test_a_conversation_loses_what_was_said_since_a_turn_and_goes_on_from_there(tmp_path):
    agent = await started(tmp_path)
    try:
        for text in ("First.", "Second.", "Third."):
            await agent.answer(ask(text, "one"))
        turns = await agent.turns(VERA, conversation="one")
        await agent.answer(ask("Elsewhere.", "two"))
        with pytest.raises(BadInput, match="in this conversation"):
            await agent.forget(VERA, conversation="two", since=turns[0].id)
        assert await agent.forget(VERA, conversation="two")
        assert (await agent.forget(VERA, conversation="one", since=turns[1].id)).turns == 2
        again = await agent.answer(ask("Second.", "one"))
        assert again.source == "model"
        assert [turn.question for turn in await agent.turns(VERA, conversation="one")] == ["First.", "Second."]
        assert (await agent.forget(VERA, conversation="one")).turns == 2
        assert await agent.turns(VERA) == []
    finally:
        await agent.close()


async def test_what_is_corrected_is_found_by_its_new_words_only(tmp_path):
    agent = await started(tmp_path, [("My dentist is Doctor Zanthor.", "Doctor Zanthor, then."), ("It pours.", "Yes.")])
    try:
        await agent.answer(ask("It rains.", "one"))
        await agent.answer(ask("My dentist is Doctor Zanthor.", "one"))
        await agent.answer(ask("It pours.", "one"))
        [_, turn, _] = await agent.turns(VERA, conversation="one")
        corrected = await agent.correct(VERA, turn.id, "My dentist is Doctor Miller.")
        assert (corrected.question, corrected.answer) == ("My dentist is Doctor Miller.", "")
        assert in_files(tmp_path, "Zanthor") == in_files(tmp_path, "zanthor") == []
        said = [each.question for each in await agent.turns(VERA, conversation="one")]
        assert said == ["It rains.", "My dentist is Doctor Miller.", "It pours."]
        assert (await agent.answer(ask("Who is my dentist?", "two"))).memories[0] == "My dentist is Doctor Miller."
    finally:
        await agent.close()


async def test_a_conversation_comes_back_after_a_restart(tmp_path):
    for texts in (["My name is Vera.", "It is late."], ["What did I say?"]):
        agent = await started(tmp_path, history_length=4)
        try:
            replies = [await agent.answer(ask(text, "one")) for text in texts]
        finally:
            await agent.close()
    told = await started(tmp_path / "new" if (tmp_path / "new").mkdir() is None else tmp_path, history_length=4)
    try:
        alone = await told.answer(ask("What did I say?", "one"))
    finally:
        await told.close()
    assert replies[0].prompt_tokens > alone.prompt_tokens, "the prompt has what was said before the restart"


async def test_nobody_forgets_what_is_not_theirs_or_not_there(tmp_path):
    agent = await started(tmp_path)
    try:
        await agent.answer(ask("Mine."))
        [turn] = await agent.turns(VERA)
        for named in ({"turn": turn.id}, {"conversation": ""}):
            with pytest.raises(BadInput, match="no such"):
                await agent.forget("somebody else", **named)
        for named in (
            {},
            {"turn": turn.id, "conversation": ""},
            {"conversation": "x"},
            {"turn": "1000000-0000000000000000"},
            {"turn": "x"},
        ):
            with pytest.raises(BadInput):
                await agent.forget(VERA, **named)
        with pytest.raises(BadInput):
            await agent.correct("somebody else", turn.id, "Not mine.")
        assert [each.question for each in await agent.turns(VERA)] == ["Mine."]
    finally:
        await agent.close()


async def test_who_reads_the_file_meanwhile_is_told_of(tmp_path, impatient):
    agent = await started(tmp_path)
    try:
        await agent.answer(ask("A Flumdiddle."))
        [turn] = await agent.turns(VERA)
        with closing(sqlite3.connect(tmp_path / "memory.sqlite")) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM memories").fetchone()
            with pytest.raises(StillReadable):
                await agent.forget(VERA, turn=turn.id)
        assert await agent.turns(VERA) == []
        assert (await agent.answer(ask("And?"))).source == "model"
    finally:
        await agent.close()


async def test_what_a_reader_kept_readable_is_gone_with_the_next_turn_after_it(tmp_path, impatient):
    agent = await started(tmp_path, background_saving=False)
    try:
        await agent.answer(ask("A Flumdiddle."))
        with closing(sqlite3.connect(tmp_path / "memory.sqlite")) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM memories").fetchone()
            with pytest.raises(StillReadable, match="the next turn that is saved"):
                await agent.forget(VERA, conversation="")
        assert in_files(tmp_path, "Flumdiddle")
        await agent.answer(ask("And?"))
        assert in_files(tmp_path, "Flumdiddle") == []
    finally:
        await agent.close()


async def test_where_the_file_cannot_be_written_anew_it_says_so_and_what_was_deleted_is_zeros(tmp_path, monkeypatch):
    agent = await started(tmp_path)
    try:
        await agent.answer(ask("A Flumdiddle."))
        with monkeypatch.context() as patched:
            patched.setattr("systems.memory.index.exists", _full)
            with pytest.raises(StillReadable, match="could not be written anew: the disk is full"):
                await agent.forget(VERA, conversation="")
        assert await agent.turns(VERA) == []
        await agent.answer(ask("Something else."))
        await agent.forget(VERA, conversation="")
        assert in_files(tmp_path, "Flumdiddle") == []
    finally:
        await agent.close()


def _full(_):
    raise sqlite3.OperationalError("the disk is full")


class Writing:
    """Writing the file anew, which ends when it is told to."""

    def __init__(self, monkeypatch):
        self.began, self.may_end = threading.Event(), threading.Event()
        self._rewrite = rewriting.rewrite_beside
        monkeypatch.setattr(rewriting, "rewrite_beside", self.slowly)

    def slowly(self, path, deleted):
        self.began.set()
        assert self.may_end.wait(30)
        self._rewrite(path, deleted)


async def test_others_are_answered_while_the_file_is_written_anew(tmp_path, monkeypatch):
    agent = await started(tmp_path)
    try:
        await agent.answer(ask("A Flumdiddle.", "one"))
        await agent.answer(ask("My dog is Barkington.", "two"))
        writing = Writing(monkeypatch)
        forgetting = asyncio.create_task(agent.forget(VERA, conversation="one"))
        await asyncio.to_thread(writing.began.wait, 30)
        reply = await agent.answer(ask("What is my dog called?", "three"))
        assert reply.memories[0] == "My dog is Barkington."
        assert (await agent.answer(ask("A Flumdiddle?", "four"))).memories == ()
        assert not forgetting.done()
        writing.may_end.set()
        assert (await forgetting).turns == 1
        assert len(await agent.turns(VERA)) == 3
    finally:
        await agent.close()


async def test_what_was_stopped_is_kept_but_not_in_a_conversation_that_is_being_forgotten(tmp_path, monkeypatch):
    agent = await started(tmp_path)
    try:
        await agent.answer(ask("A Flumdiddle.", "one"))
        await agent.keep(ask("And a Snorkelwump.", "one"), "Yes, and")
        assert [turn.answer for turn in await agent.turns(VERA, conversation="one")][1:] == ["Yes, and"]
        writing = Writing(monkeypatch)
        forgetting = asyncio.create_task(agent.forget(VERA, conversation="one"))
        await asyncio.to_thread(writing.began.wait, 30)
        keeping = asyncio.create_task(agent.keep(ask("A Flumdiddle, once more.", "one"), "Once"))
        await asyncio.sleep(0)
        writing.may_end.set()
        assert (await forgetting).turns == 2
        with pytest.raises(NotSaved, match="forgotten"):
            await keeping
        assert await agent.turns(VERA) == []
    finally:
        await agent.close()


@pytest.mark.parametrize("background_saving", [False, True])
async def test_what_was_stopped_while_it_was_being_saved_is_kept_once_and_whole(
    tmp_path, monkeypatch, background_saving
):
    saving, may_go_on, real = asyncio.Event(), asyncio.Event(), FullTextStore.save

    async def slow(self, turns):
        await real(self, turns)  # a caller that is cancelled here does not know it
        saving.set()
        await may_go_on.wait()

    monkeypatch.setattr(FullTextStore, "save", slow)
    script, engine = [("A Flumdiddle.", "It is whole.")], Hearing()
    agent = await started(tmp_path, script, engine, background_saving=background_saving)
    try:
        request = ask("A Flumdiddle.", "one")
        answering = asyncio.create_task(agent.answer(request))
        await saving.wait()
        answering.cancel()
        await asyncio.wait([answering])
        keeping = asyncio.create_task(agent.keep(request, "It is"))
        await asyncio.sleep(0)
        may_go_on.set()
        await keeping
        assert [turn.answer for turn in await agent.turns(VERA)] == ["It is whole."]
        await agent.answer(ask("And then?", "one"))
        assert engine.sent[-1][1:-1] == ["A Flumdiddle.", "It is whole."]
    finally:
        await agent.close()


async def test_who_stops_what_was_asked_before_under_the_same_name_has_that_kept_too(tmp_path):
    engine = Held()
    agent = await started(tmp_path, engine=engine)
    try:
        request = ask("A Flumdiddle.", "one")
        await agent.answer(request)
        engine.asked.clear()
        engine.may.clear()
        answering = asyncio.create_task(agent.answer(request))
        await asyncio.to_thread(engine.asked.wait, 30)
        answering.cancel()
        engine.may.set()
        await asyncio.wait([answering])
        await agent.keep(request, "It is")
        assert [turn.answer for turn in await agent.turns(VERA)][1:] == ["It is"]
    finally:
        await agent.close()


async def test_what_was_stopped_while_it_could_not_be_saved_is_kept_as_far_as_it_was_said(tmp_path, monkeypatch):
    saving, may_go_on, real = asyncio.Event(), asyncio.Event(), FullTextStore.save

    async def full(self, turns):
        if saving.is_set():
            return await real(self, turns)
        saving.set()
        await may_go_on.wait()
        raise StoreError("The disk is full.")

    monkeypatch.setattr(FullTextStore, "save", full)
    agent = await started(tmp_path, [("A Flumdiddle.", "It is whole.")], background_saving=False)
    try:
        request = ask("A Flumdiddle.", "one")
        answering = asyncio.create_task(agent.answer(request))
        await saving.wait()
        answering.cancel()
        await asyncio.wait([answering])
        may_go_on.set()
        await agent.keep(request, "It is")
        assert [turn.answer for turn in await agent.turns(VERA)] == ["It is"]
    finally:
        await agent.close()


async def test_what_is_begun_is_done_to_the_end_though_nobody_waits(tmp_path, monkeypatch):
    agent = await started(tmp_path)
    await agent.answer(ask("A Flumdiddle.", "one"))
    writing = Writing(monkeypatch)
    forgetting = asyncio.create_task(agent.forget(VERA, conversation="one"))
    await asyncio.to_thread(writing.began.wait, 30)
    forgetting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await forgetting
    closing_agent = asyncio.create_task(agent.close())
    writing.may_end.set()
    await closing_agent
    assert in_files(tmp_path, "Flumdiddle") == []


class Held(SimulatedEngine):
    """An engine that says nothing before it may."""

    def __init__(self):
        super().__init__(SimulatedSettings(slots=2))
        self.asked, self.may = threading.Event(), threading.Event()
        self.may.set()

    def generate(self, call):
        self.asked.set()
        assert self.may.wait(30)
        return super().generate(call)


async def test_a_reply_that_was_being_made_meanwhile_is_not_served_again(tmp_path):
    engine = Held()
    agent = Asynchronous(AsynchronousSettings(cache_key="question"), engine, tmp_path)
    await agent.start()
    try:
        await agent.answer(ask("My cat is Quibbleworth.", "one"))
        engine.asked.clear()
        engine.may.clear()
        question = ask("What is my cat called?", "two")
        asked = [asyncio.create_task(agent.answer(question)) for _ in range(2)]
        await asyncio.to_thread(engine.asked.wait, 30)
        await agent.forget(VERA, conversation="one")
        engine.may.set()
        replies = await asyncio.gather(*asked)
        assert [reply.source for reply in replies] == ["model", "model"]
        assert [reply.memories for reply in replies] == [("My cat is Quibbleworth.",), ()]
        assert (await agent.answer(question)).memories == ()
    finally:
        engine.may.set()
        await agent.close()


async def test_a_conversation_keeps_its_title_when_its_second_turn_is_corrected_and_gets_that_of_a_corrected_first(
    tmp_path,
):
    agent = await started(tmp_path)
    try:
        for text in ("First.", "Second."):
            await agent.answer(ask(text, "one"))
        for place, title in ((1, "First."), (0, "Corrected 0.")):
            turn = (await agent.turns(VERA, conversation="one"))[place]
            await agent.correct(VERA, turn.id, f"Corrected {place}.")
            assert [each.title for each in await agent.conversations(VERA)] == [title]
    finally:
        await agent.close()


async def test_texts_are_found_in_any_case_of_any_letters_and_of_any_length(tmp_path):
    agent = await started(tmp_path)
    long = "so " * 30_000
    try:
        await agent.answer(ask("Über Äpfel, 100 % sicher."))
        assert len(await agent.turns(VERA, containing="über ÄPFEL")) == 1
        assert len(await agent.turns(VERA, containing="A\u0308pfel".lower())) == 1
        assert len(await agent.turns(VERA, containing="100 %")) == 1
        assert await agent.turns(VERA, containing="_ber") == await agent.turns(VERA, containing=long) == []
    finally:
        await agent.close()


async def test_what_a_client_told_in_one_with_it_is_out_of_the_history_too(tmp_path):
    agent = await started(tmp_path)
    try:
        await agent.answer(ask("A Flumdiddle.", "one"))
        before = (Message("user", "Hello."), Message("user", "A Flumdiddle."), Message("assistant", "I see."))
        await agent.answer(ask("Go on.", "one", before=before))
        with_it = await agent.answer(ask("And?", "one", kept=False))
        [turn] = await agent.turns(VERA, containing="flumdiddle")
        await agent.forget(VERA, turn=turn.id)
        without = await agent.answer(ask("And?", "one", kept=False))
        assert without.prompt_tokens < with_it.prompt_tokens
    finally:
        await agent.close()


async def test_a_reply_that_two_share_is_not_served_again_when_its_own_conversation_is_forgotten_in_between(tmp_path):
    engine = Held()
    agent = Asynchronous(AsynchronousSettings(), engine, tmp_path)
    await agent.start()
    try:
        await agent.answer(ask("My cat is Quibbleworth.", "one"))
        engine.asked.clear()
        engine.may.clear()
        asked = [asyncio.create_task(agent.answer(ask("What is my cat called?", "one"))) for _ in range(2)]
        await asyncio.to_thread(engine.asked.wait, 30)
        forgetting = asyncio.create_task(agent.forget(VERA, conversation="one"))
        for _ in range(3):  # it looks first, as these do, and then waits in line behind the first turn
            await agent.conversations(VERA)
        engine.may.set()
        first, second = await asyncio.gather(*asked)
        assert first.source == "model"
        # Whichever of the two comes first in line behind the first turn, nothing outlives the forgetting that knew it.
        shared = second.source == "cache"
        assert (await forgetting).turns == (3 if shared else 2)
        assert len(await agent.turns(VERA)) == (0 if shared else 1)
    finally:
        engine.may.set()
        await agent.close()


class Forgetful(SimulatedEngine):
    """An engine that notes which conversations it is to forget."""

    def __init__(self):
        super().__init__(SimulatedSettings())
        self.forgotten = []

    def forget(self, conversation):
        self.forgotten.append(conversation)


async def test_the_engine_is_told_to_forget_what_it_computed_of_a_conversation(tmp_path):
    engine = Forgetful()
    agent = Asynchronous(AsynchronousSettings(), engine, tmp_path)
    await agent.start()
    try:
        for name in ("one", "two", None):
            await agent.answer(ask("A Flumdiddle.", name))
        await agent.forget(VERA, conversation="one")
        assert engine.forgotten == [talk(VERA, name) for name in ("one", "two", None)], (
            "others may have had notes of it"
        )
        engine.forgotten.clear()
        [turn] = await agent.turns(VERA, conversation="")
        await agent.correct(VERA, turn.id, "A Snorkelwump.")
        assert engine.forgotten[0] == talk(VERA, None)
    finally:
        await agent.close()


async def test_a_turn_under_way_is_waited_for(tmp_path):
    agent = await started(tmp_path)
    try:
        await agent.answer(ask("A Snorkelwump.", "one"))
        asked = asyncio.create_task(agent.answer(ask("What about it?", "one")))
        await asyncio.sleep(0)
        assert (await agent.forget(VERA, conversation="one")).turns == 2
        await asked
        assert await agent.turns(VERA) == []
    finally:
        await agent.close()


def test_the_asynchronous_agent_is_a_keeper_and_the_baseline_is_none(tmp_path):
    assert isinstance(Asynchronous(AsynchronousSettings(), simulated(), tmp_path), Keeper)
    assert not isinstance(Baseline(Baseline.Settings(), simulated(), tmp_path), Keeper)


async def test_memory_that_is_no_full_text_says_so(tmp_path):
    agent = await started(tmp_path, full_text=False)
    try:
        await agent.answer(ask("Hello.", "one"))
        with pytest.raises(BadInput, match="full text"):
            await agent.conversations(VERA)
    finally:
        await agent.close()


class Keeping(RuleBasedStateMachine):
    """Whatever is said, forgotten and corrected: what is kept is what a list keeps, and nothing else is in the file."""

    folder = None

    @initialize()
    def start(self):
        self.runner = asyncio.Runner()
        self.folder = Keeping.folders.mktemp("kept")
        self.agent = self.runner.run(started(self.folder, background_saving=True))
        self.kept, self.gone, self.count = [], [], 0

    def word(self):
        self.count += 1
        return f"zq{self.count}wx"

    @rule(conversation=st.sampled_from(["", "a", "b"]))
    def say(self, conversation):
        text = f"The {self.word()} is here."
        self.runner.run(self.agent.answer(ask(text, conversation or None)))
        self.kept.append((conversation, text))

    @rule(data=st.data())
    def forget(self, data):
        if self.kept:
            conversation, text = data.draw(st.sampled_from(self.kept))
            [turn] = self.runner.run(self.agent.turns(VERA, containing=text))
            self.runner.run(self.agent.forget(VERA, turn=turn.id))
            self.kept.remove((conversation, text))
            self.gone.append(text.split()[1])

    @rule(conversation=st.sampled_from(["", "a", "b"]))
    def forget_all(self, conversation):
        of = [each for each in self.kept if each[0] == conversation]
        if of:
            assert self.runner.run(self.agent.forget(VERA, conversation=conversation)).turns == len(of)
            self.kept = [each for each in self.kept if each[0] != conversation]
            self.gone += [text.split()[1] for _, text in of]

    @rule(data=st.data())
    def correct(self, data):
        if self.kept:
            place = data.draw(st.integers(0, len(self.kept) - 1))
            conversation, text = self.kept[place]
            [turn] = self.runner.run(self.agent.turns(VERA, containing=text))
            self.kept[place] = (conversation, f"The {self.word()} is there.")
            self.runner.run(self.agent.correct(VERA, turn.id, self.kept[place][1]))
            self.gone.append(text.split()[1])

    @invariant()
    def holds(self):
        if self.folder is not None:
            turns = self.runner.run(self.agent.turns(VERA))
            assert [(turn.conversation, turn.question) for turn in turns] == self.kept[-50:]
            for word in self.gone:
                assert in_files(self.folder, word) == []
            if self.kept:
                _, text = self.kept[-1]
                asked = ask(f"Where is the {text.split()[1]}?", "z", kept=False)
                assert text in self.runner.run(self.agent.answer(asked)).memories

    def teardown(self):
        if self.folder is not None:
            self.runner.run(self.agent.close())
            self.runner.close()


def test_keeping(tmp_path_factory):
    Keeping.folders = tmp_path_factory
    run_state_machine_as_test(
        Keeping,
        settings=settings(
            max_examples=8, stateful_step_count=12, deadline=None, suppress_health_check=[HealthCheck.too_slow]
        ),
    )
