"""The package agenticaiframework through the lab's contract: what it answers, keeps, serves again, and fails with."""

import asyncio
import errno
import json
import sys
import threading
from pathlib import Path

import msgspec
import pytest
from agenticaiframework.memory import MemoryManager
from agenticaiframework.tracing import tracer
from hypothesis import given
from hypothesis import strategies as st

from systems import registry
from systems.agenticaiframework.agent import AgenticAiFramework
from systems.agenticaiframework.memory import SessionMemory
from systems.agenticaiframework.settings import FrameworkSettings
from systems.engines.interface import Message
from systems.engines.scripted import Script, Scripts, scripted
from systems.engines.simulated import SimulatedEngine, SimulatedSettings
from systems.errors import (
    Abandoned,
    BadInput,
    DeadlineExceeded,
    EngineBusy,
    EngineError,
    PromptTooLong,
    StoreError,
    SystemClosed,
)
from systems.interface import Request, Source
from systems.server.hosting import host
from tests.systems.conversing import simulated


class Listening(SimulatedEngine):
    """Keeps what it was asked, and raises what ``failing`` holds, one a call."""

    def __init__(self):
        super().__init__(SimulatedSettings())
        self.calls = []
        self.failing = []

    def generate(self, call):
        self.calls.append(call)
        if self.failing:
            raise self.failing.pop(0)
        return super().generate(call)

    @property
    def prompt(self):
        return "\n".join(message.content for message in self.calls[-1].messages)


@pytest.fixture
def engine():
    return Listening()


@pytest.fixture
async def agent(engine, tmp_path):
    async with hosted(engine, tmp_path) as running:
        yield running


def hosted(engine, folder, **settings):
    return host(AgenticAiFramework(FrameworkSettings(**settings), engine, folder))


def asked(text, number=0, session="s", **more):
    return Request(id=str(number), session=session, text=text, max_tokens=4, **more)


async def test_a_scripted_reply_is_what_is_answered_streamed_and_kept(tmp_path):
    request = asked("Where does Vera live?")
    engine = scripted(simulated(), Scripts([Script("s", request.text, ("Vera lives in Lisbon .",))]))
    pieces = []
    async with hosted(engine, tmp_path) as running:
        reply = await running.answer(msgspec.structs.replace(request, max_tokens=None), pieces.append)
    assert reply.text == "Vera lives in Lisbon ." == "".join(pieces)
    assert reply.source is Source.MODEL
    assert 0 <= reply.first_token_s <= reply.total_s
    [file] = tmp_path.glob("*.json")
    [entry] = json.loads(file.read_text())["long_term"].values()
    assert (entry["value"], entry["metadata"]["answer"]) == (request.text, reply.text)
    with pytest.raises(SystemClosed):
        await running.answer(request)


async def test_a_prompt_has_the_role_the_conversation_and_what_was_found_of_the_session(agent, engine):
    first = await agent.answer(asked("Vera keeps bees in Lisbon."))
    assert [message.role for message in engine.calls[0].messages] == ["system", "user"]
    second = await agent.answer(asked("What do the bees of Vera do?", instructions="Answer in Portuguese."))
    assert second.memories == ("Vera keeps bees in Lisbon.",)
    assert first.text in engine.prompt
    assert "Answer in Portuguese." in engine.calls[-1].messages[0].content
    assert engine.calls[-1].messages[-1].content.endswith("What do the bees of Vera do?")
    await agent.answer(asked("What do the bees of Vera do?", session="another"))
    assert "Lisbon" not in engine.prompt
    await agent.answer(asked("And the bees of Vera?", conversation="another of the same"))
    assert first.text not in engine.prompt
    assert "Lisbon" in engine.prompt


async def test_what_a_session_said_is_found_again_after_a_restart(engine, tmp_path):
    for text in ("Vera keeps bees in Lisbon.", "What do the bees of Vera do?"):
        async with hosted(engine, tmp_path) as running:
            reply = await running.answer(asked(text))
    assert reply.memories == ("Vera keeps bees in Lisbon.",)


async def test_sessions_that_nobody_asks_for_leave_memory_for_their_files(engine, tmp_path):
    async with hosted(engine, tmp_path, sessions=1) as running:
        for session in ("s", "another"):
            await running.answer(asked("Vera keeps bees in Lisbon.", session=session))
        assert len(list(tmp_path.glob("*.json"))) == 1
        reply = await running.answer(asked("What do the bees of Vera do?"))
    assert reply.memories == ("Vera keeps bees in Lisbon.",)


@pytest.fixture
def unsaved(monkeypatch):
    """Sessions' questions: a memory that holds one of these cannot be saved."""
    questions = set()
    save = MemoryManager.export_to_json

    def export(memory, path):
        if questions.intersection(entry.value for entry in memory.long_term.values()):
            Path(path).write_text('{"long_term": {')
            raise OSError(errno.ENOSPC, "No space left on device")
        save(memory, path)

    monkeypatch.setattr(MemoryManager, "export_to_json", export)
    return questions


async def test_whose_file_cannot_be_written_stays_in_memory_and_another_users_turn_is_answered(
    engine, tmp_path, unsaved
):
    unsaved.add("Vera keeps bees.")
    async with hosted(engine, tmp_path, sessions=1) as running:
        for session, text in (("vera", "Vera keeps bees."), ("bo", "Bo keeps goats."), ("cy", "Cy keeps cats.")):
            await running.answer(asked(text, session=session))
        assert sum("goats" in path.read_text() for path in tmp_path.glob("*.json")) == 1, "others still leave"
        assert (await running.answer(asked("What does Vera keep?", session="vera"))).memories == ("Vera keeps bees.",)
        unsaved.clear()
        await running.answer(asked("Hello.", session="dora"))
        assert len(list(tmp_path.glob("*.json"))) == 3, "once there is room again all leave but one"


async def test_at_the_end_every_session_is_saved_that_can_be_and_the_first_error_is_raised(engine, tmp_path, unsaved):
    running = hosted(engine, tmp_path)
    await running.start()
    texts = [f"{name} keeps bees." for name in ("Vera", "Bo", "Cy")]
    for text in texts:
        await running.answer(asked(text, session=text))
    unsaved.add(texts[0])
    with pytest.raises(StoreError, match="No space left"):
        await running.close()
    saved = [path.read_text() for path in tmp_path.iterdir()]
    assert sorted(text for text in texts for each in saved if text in each) == sorted(texts[1:])


def test_a_memory_that_could_not_be_written_leaves_the_file_as_it_was(tmp_path, unsaved):
    path = tmp_path / "session.json"
    memory = SessionMemory(path, kept=5, shown=5)
    memory.keep("Vera keeps bees.", "yes")
    memory.save()
    memory.keep("And goats.", "yes")
    unsaved.add("And goats.")
    with pytest.raises(StoreError, match="No space left"):
        memory.save()
    assert SessionMemory(path, kept=5, shown=5).retrieve("bees") == ["Vera keeps bees."]
    assert list(tmp_path.iterdir()) == [path]


async def test_a_prompt_that_was_answered_is_served_again_where_everything_it_depends_on_is_the_same(agent, engine):
    first = await agent.answer(asked("How many bees?"))
    pieces = []
    again = await agent.answer(asked("How many bees?", 1, "another"), pieces.append)
    await asyncio.sleep(0)
    assert (first.source, again.source) == (Source.MODEL, Source.CACHE)
    assert first.text == again.text == "".join(pieces)
    longer = await agent.answer(msgspec.structs.replace(asked("How many bees?", 2, "a third"), max_tokens=8))
    told = await agent.answer(asked("How many bees?", 3, "a fourth", instructions="Count them."))
    # In the same conversation the context is another one.
    later = await agent.answer(asked("How many bees?", 4))
    assert {longer.source, told.source, later.source} == {Source.MODEL}
    counters = agent.counters()
    assert (counters.turns, counters.generations, counters.cache_hits, counters.saved) == (5, 4, 1, 5)


async def test_without_the_cache_every_question_is_asked(engine, tmp_path):
    async with hosted(engine, tmp_path, cache=False) as running:
        replies = [await running.answer(asked("How many bees?", session=session)) for session in ("s", "t")]
    assert [reply.source for reply in replies] == [Source.MODEL, Source.MODEL]


async def test_what_will_fail_again_is_tried_once_and_is_the_engines_own_error(agent, engine):
    engine.failing = [EngineError("The model fell over.")]
    with pytest.raises(EngineError, match="fell over"):
        await agent.answer(asked("How many bees?"))
    assert len(engine.calls) == 1
    assert (await agent.answer(asked("How many bees?"))).source is Source.MODEL


async def test_what_may_succeed_in_a_moment_is_tried_again(agent, engine):
    engine.failing = [EngineBusy("Just now."), EngineBusy("Just now.")]
    assert (await agent.answer(asked("How many bees?"))).source is Source.MODEL
    assert len(engine.calls) == 3
    assert agent.counters().retries == 2
    engine.failing = [EngineBusy("Just now.")] * 3
    with pytest.raises(EngineBusy, match="Just now"):
        await agent.answer(asked("How many wasps?"))


@pytest.mark.parametrize("error", [PromptTooLong("Too long."), DeadlineExceeded("Too late."), Abandoned("Gone.")])
async def test_what_one_user_asks_wrongly_or_leaves_shuts_the_model_for_nobody(agent, engine, error):
    for number in range(6):
        engine.failing = [error]
        with pytest.raises(type(error)):
            await agent.answer(asked(f"Bees {number}?", number))
    assert len(engine.calls) == 6
    assert (await agent.answer(asked("How many bees?", session="another"))).source is Source.MODEL
    assert agent.counters().retries == 0
    assert tracer.get_stats()["active_spans"] == 0


class Meeting(SimulatedEngine):
    """Answers two calls once both are there, and no call alone."""

    def __init__(self):
        super().__init__(SimulatedSettings(slots=2))
        self.both = threading.Barrier(2, timeout=20)
        self.entered = threading.Event()

    def generate(self, call):
        self.entered.set()
        self.both.wait()
        return super().generate(call)


async def test_as_many_sessions_are_answered_at_once_as_the_engine_can(tmp_path):
    async with hosted(Meeting(), tmp_path) as running:
        replies = await asyncio.gather(*(running.answer(asked("How many bees?", session=name)) for name in "ab"))
    assert [reply.source for reply in replies] == [Source.MODEL, Source.MODEL]


async def test_turns_of_one_session_are_answered_in_order(agent, engine):
    replies = await asyncio.gather(*(agent.answer(asked(f"Bees {number}?", number)) for number in range(5)))
    assert [call.messages[-1].content[-7:] for call in engine.calls] == [f"Bees {number}?" for number in range(5)]
    assert replies[3].text in engine.prompt


async def test_a_turn_whose_deadline_has_passed_is_not_taken(agent, engine, tmp_path):
    with pytest.raises(DeadlineExceeded):
        await agent.answer(asked("How many bees?", deadline_s=1e-9))
    assert engine.calls == []
    assert agent.counters().deadline_exceeded == 1


async def test_a_turn_that_is_under_way_when_the_agent_is_closed_is_answered_and_kept(tmp_path):
    engine = Meeting()
    running = hosted(engine, tmp_path)
    await running.start()
    turn = asyncio.create_task(running.answer(asked("Vera keeps bees.")))
    await asyncio.to_thread(engine.entered.wait)
    closing = asyncio.create_task(running.close())
    await asyncio.sleep(0)
    await asyncio.to_thread(engine.both.wait)
    assert (await turn).source is Source.MODEL
    await closing
    [file] = tmp_path.glob("*.json")
    assert "Vera keeps bees." in file.read_text()


async def test_a_turn_that_is_not_kept_is_in_no_later_prompt(agent, engine):
    await agent.answer(asked("Vera keeps bees in Lisbon."))
    passing = await agent.answer(asked("Do bees of Vera sleep?", kept=False))
    assert "Lisbon" in engine.prompt
    await agent.answer(asked("And now?", 2))
    assert passing.text not in engine.prompt
    assert "sleep" not in engine.prompt


async def test_what_a_client_says_was_said_before_is_the_conversation(agent, engine):
    await agent.answer(asked("Bo keeps goats."))
    before = (Message("user", "Vera keeps bees."), Message("assistant", "In Lisbon."))
    await agent.answer(asked("And where?", before=before))
    assert "In Lisbon." in engine.prompt
    assert "goats" not in engine.prompt
    await agent.answer(asked("Whose?"))
    assert "In Lisbon." in engine.prompt


@pytest.mark.parametrize("text", ["", "\0", "' OR 1=1; --", "😀", "лисбон 里斯本 لشبونة", "bees " * 50_000])
async def test_whatever_is_said_is_a_turn_that_is_kept_as_it_was_said(agent, tmp_path, text):
    await agent.answer(asked(text))
    await agent.close()
    [file] = tmp_path.glob("*.json")
    assert [entry["value"] for entry in json.loads(file.read_text())["long_term"].values()] == [text]


@given(st.lists(st.text(st.characters(exclude_categories=("Cs",)), max_size=20), max_size=8), st.integers(1, 5))
def test_a_memory_is_read_as_it_was_written_and_its_oldest_turns_leave(tmp_path_factory, questions, kept):
    path = tmp_path_factory.mktemp("memory") / "session.json"
    memory = SessionMemory(path, kept=kept, shown=5)
    for question in questions:
        memory.keep(question, "yes")
    memory.save()
    again = SessionMemory(path, kept=kept, shown=5)
    for question in questions[-kept:]:
        assert memory.retrieve(question) == again.retrieve(question)
    again.keep("Vera keeps bees.", "yes")
    assert again.retrieve("bees")[0] == "Vera keeps bees."


def test_a_file_that_is_no_memory_is_an_error_of_the_store(tmp_path):
    path = tmp_path / "session.json"
    path.write_text('{"long_term": {"x": 1}}')
    with pytest.raises(StoreError, match=r"session\.json"):
        SessionMemory(path, kept=1, shown=1)


def test_without_the_package_one_sentence_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "agenticaiframework", None)
    monkeypatch.delitem(sys.modules, "systems.agenticaiframework.agent")
    with pytest.raises(BadInput, match=r"pip install 'fourgig\[agenticaiframework\]'"):
        registry.systems.get("agenticaiframework").load()
