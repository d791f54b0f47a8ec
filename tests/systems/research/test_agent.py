"""The research agent as a whole: what it answers and cites, what it does without, what it keeps."""

import asyncio
import sqlite3
import threading
from contextlib import closing, suppress

import msgspec
import psutil
import pytest

from systems.engines.interface import Message
from systems.engines.scripted import Script, Scripts, scripted
from systems.engines.simulated import SimulatedEngine, SimulatedSettings
from systems.errors import CallsSpent, DeadlineExceeded, EngineBusy, EngineError, StoreError
from systems.interface import Source
from systems.research.agent import Research
from systems.research.findings import Findings
from systems.research.settings import NAIVE, ResearchSettings
from systems.research.turn import together
from tests.experiments.measuring.test_interruption import small_disk
from tests.systems.research.asking import QUESTION, Recording, asked, kept, running, saying, settings


async def found_by(agent, request=None, **how):
    request = request or asked()
    findings = Findings(question=request.text)
    reply = await agent.research(request, findings, **how)
    return reply, findings


async def test_an_answer_cites_the_passage_it_rests_on(tmp_path):
    async with running(tmp_path, saying("It is 84 metres long [1].")) as agent:
        reply, findings = await found_by(agent)
    assert (reply.text, reply.source) == ("It is 84 metres long [1].", Source.MODEL)
    assert findings.passages[0].source.endswith("velm.md")
    assert findings.cited.by_model == (1,)
    assert "84 metres" in reply.memories[0]
    assert reply.degraded == ()
    assert findings.complete
    assert len(findings.read) == 3
    assert findings.analysis.count == 3
    assert 0 < reply.first_token_s <= reply.total_s


async def test_a_citation_of_nothing_is_taken_out_of_what_streams_and_is_told(tmp_path):
    pieces = []
    async with running(tmp_path, saying("It is 84 [9] metres long [1].")) as agent:
        reply, findings = await found_by(agent, on_token=pieces.append)
    assert reply.text == "".join(pieces) == findings.answer == "It is 84 metres long [1]."
    assert (findings.cited.by_model, findings.cited.dropped) == ((1,), (9,))


@pytest.mark.parametrize("name", NAIVE)
async def test_every_pattern_gives_the_same_answer_from_the_same_passages(tmp_path, name):
    said = {}
    for place, patterns in enumerate(({}, {name: NAIVE[name]})):
        folder = tmp_path / str(place)
        folder.mkdir()
        async with running(folder, saying("It is 84 metres long [1]."), **patterns) as agent:
            reply, findings = await found_by(agent)
            said[place] = (reply.text, [each.text for each in findings.passages], findings.cited, findings.topics)
        assert len(kept(folder)) == 2
    assert said[0] == said[1]


async def test_the_twin_has_every_pattern_naive_and_says_the_same(tmp_path):
    assert all(getattr(ResearchSettings(), name) != naive for name, naive in NAIVE.items())
    async with running(tmp_path, saying("It is 84 metres long [1]."), **NAIVE) as agent:
        reply = await agent.answer(asked())
    assert reply.text == "It is 84 metres long [1]."
    assert reply.degraded == ()


async def test_the_model_names_topics_first_and_answers_then(tmp_path):
    engine = Recording()
    async with running(tmp_path, engine, topics="model") as agent:
        await agent.answer(asked())
        calls = {metric.labels["for"]: metric.value for metric in agent.metrics()}
    assert calls == {"topics": 1, "answer": 1}
    topics, answer = engine.calls
    assert topics.messages[-1].content == QUESTION
    assert answer.messages[-1].content.endswith(QUESTION)
    assert (topics.conversation, answer.conversation) == (None, "anna")


@pytest.mark.parametrize(
    ("attribute", "method", "step", "to"),
    [
        ("_library", "read", "sources", "no sources"),
        ("_relevance", "scores", "relevance", "the order of the words alone"),
        ("_analysis", "analyse", "analysis", "no analysis"),
        ("_memory", "restore", "memory lookup", "an empty history"),
        ("_memory", "add", "saving", "not saved"),
    ],
)
async def test_a_part_that_fails_is_done_without_and_told(tmp_path, monkeypatch, attribute, method, step, to):
    async def fail(*_, **__):
        raise StoreError("It is broken.")

    async with running(tmp_path, saying("It is 84 metres long [1].")) as agent:
        monkeypatch.setattr(getattr(agent, attribute), method, fail)
        reply = await agent.answer(asked())
        counters = agent.counters()
    assert [(each.step, each.to) for each in reply.degraded] == [(step, to)]
    assert reply.text.startswith("It is 84 metres long")
    assert counters.degraded == 1
    assert counters.unsaved == (step == "saving")


async def test_topics_that_cannot_be_made_are_the_questions_own_words(tmp_path):
    class FailsFirst(SimulatedEngine):
        failed = False

        def generate(self, call):
            if not self.failed:
                self.failed = True
                raise EngineError("No topics.")
            return super().generate(call)

    async with running(tmp_path, FailsFirst(SimulatedSettings()), topics="model") as agent:
        reply, findings = await found_by(agent)
    assert [each.step for each in reply.degraded] == ["topics"]
    assert "bridge" in findings.topics[0]


async def test_where_no_source_can_be_read_the_reply_says_so(tmp_path):
    async with running(tmp_path, saying("I do not know.")) as agent:
        reply, findings = await found_by(agent, sources=[str(tmp_path / "nowhere")])
    assert [each.step for each in reply.degraded] == ["sources"]
    assert len(findings.refused) == 1
    assert findings.passages == ()


async def test_an_answer_that_fails_is_an_error_and_keeps_nothing(tmp_path):
    class Broken(SimulatedEngine):
        def generate(self, call):
            raise EngineError("The model fell over.")

    async with running(tmp_path, Broken(SimulatedSettings())) as agent:
        with pytest.raises(EngineError, match="fell over"):
            await agent.answer(asked())
    assert kept(tmp_path) == []


async def test_a_turn_calls_the_model_no_more_often_than_it_may(tmp_path):
    class Busy(SimulatedEngine):
        calls = 0

        def generate(self, call):
            self.calls += 1
            raise EngineBusy("Not now.")

    engine = Busy(SimulatedSettings())
    async with running(tmp_path, engine, topics="model", model_calls=2) as agent:
        with pytest.raises(CallsSpent):
            await agent.answer(asked())
    assert engine.calls == 2


async def test_a_conversation_goes_on_where_it_was_left_also_by_another_agent(tmp_path):
    async with running(tmp_path, saying("It is 84 metres long [1].")) as agent:
        await agent.answer(asked())
    engine = Recording()
    given = agent._settings
    other = Research(given, engine, tmp_path)
    await other.start()
    await other.answer(asked("And that of Orrin?", 2))
    await other.close()
    before = engine.calls[-1].messages[1:-1]
    assert before == [Message("user", QUESTION), Message("assistant", "It is 84 metres long [1].")]
    assert [content for _, _, content in kept(tmp_path)][:3] == [
        QUESTION,
        "It is 84 metres long [1].",
        "And that of Orrin?",
    ]


async def test_what_is_not_to_be_kept_is_not(tmp_path):
    async with running(tmp_path) as agent:
        await agent.answer(asked(kept=False))
    assert kept(tmp_path) == []


async def test_what_a_client_says_was_said_counts(tmp_path):
    engine = Recording()
    before = (Message("user", "Hello"), Message("assistant", "Hi"))
    async with running(tmp_path, engine) as agent:
        await agent.answer(asked(before=before))
    assert tuple(engine.calls[-1].messages[1:-1]) == before


async def test_a_long_conversation_is_summed_up_behind_its_back(tmp_path):
    engine = Recording()
    async with running(tmp_path, engine, summarise_at=6, recent_messages=2) as agent:
        for number in range(3):
            await agent.answer(asked(f"What of number {number}?", number))
        await agent.settled()
        await agent.answer(asked("And now?", 9))
        calls = {metric.labels["for"]: metric.value for metric in agent.metrics()}
    assert calls == {"answer": 4, "summary": 1}
    system, *recent, _ = engine.calls[-1].messages
    assert "What was said before: " in system.content
    assert [message.content for message in recent][:1] == ["What of number 2?"]
    assert len(kept(tmp_path)) == 8  # none of them is dropped


async def test_a_passed_deadline_ends_a_turn_and_the_next_one_works(tmp_path):
    engine = SimulatedEngine(SimulatedSettings(token_s=0.02))
    async with running(tmp_path, engine) as agent:
        with pytest.raises(DeadlineExceeded):
            await agent.answer(msgspec.structs.replace(asked(deadline_s=0.3), max_tokens=4000))
        reply = await agent.answer(asked(number=2))
        assert agent.counters().deadline_exceeded == 1
    assert reply.source is Source.MODEL


async def test_a_cancelled_turn_stops_the_model_and_its_sources_are_kept(tmp_path):
    generating = threading.Event()

    class Telling(SimulatedEngine):
        def generate(self, call):
            generating.set()
            return super().generate(call)

    said = []
    engine = Telling(SimulatedSettings(token_s=0.01))
    async with running(tmp_path, engine) as agent:
        request, findings = msgspec.structs.replace(asked(), max_tokens=4000), Findings(question=QUESTION)
        turn = asyncio.create_task(agent.research(request, findings, on_token=said.append))
        await asyncio.to_thread(generating.wait)
        while not said:  # noqa: ASYNC110 - a thread's word is waited for
            await asyncio.sleep(0.001)
        turn.cancel()
        await asyncio.gather(turn, return_exceptions=True)
        assert findings.passages
        assert not findings.complete
        await agent.keep_stopped(request, findings)
        again = await agent.answer(asked(number=2))
    assert again.source is Source.MODEL
    assert [content for _, _, content in kept(tmp_path)][:2] == [QUESTION, findings.answer]


async def test_a_turn_that_is_stopped_while_it_is_saved_is_there_once(tmp_path, monkeypatch):
    async with running(tmp_path, saying("It is 84 metres long [1].")) as agent:
        add, saving = agent._memory.add, asyncio.Event()

        async def told(*given):
            saving.set()
            return await add(*given)

        monkeypatch.setattr(agent._memory, "add", told)
        request, findings = asked(), Findings(question=QUESTION)
        with closing(sqlite3.connect(tmp_path / "research.sqlite", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")  # so the disk is slow
            turn = asyncio.create_task(agent.research(request, findings))
            await saving.wait()
            turn.cancel()
            other.execute("ROLLBACK")
        await asyncio.gather(turn, return_exceptions=True)
        assert turn.cancelled()
        await agent.keep_stopped(request, findings)
    assert [content for _, _, content in kept(tmp_path)] == [QUESTION, "It is 84 metres long [1]."]


async def test_a_turn_that_is_stopped_while_it_is_summed_up_is_there_once(tmp_path):
    summing = threading.Event()

    class SumsUpSlowly(SimulatedEngine):
        def generate(self, call):
            if call.all_messages:
                summing.set()
                call = msgspec.structs.replace(call, max_tokens=4000)
            return super().generate(call)

    engine = SumsUpSlowly(SimulatedSettings(token_s=0.01))
    bounds = {"summarise_at": 2, "recent_messages": 1}
    async with running(tmp_path, engine, summarising="in-turn", **bounds) as agent:
        request, findings = asked(), Findings(question=QUESTION)
        turn = asyncio.create_task(agent.research(request, findings))
        await asyncio.to_thread(summing.wait)
        turn.cancel()
        await asyncio.gather(turn, return_exceptions=True)
        await agent.keep_stopped(request, findings)
    assert [content for _, _, content in kept(tmp_path)] == [QUESTION, findings.answer]


async def test_a_question_that_was_stopped_before_its_answer_is_not_asked_again(tmp_path):
    engine = Recording()
    async with running(tmp_path, engine) as agent:
        await agent.keep_stopped(asked("What was that?"), Findings(question="What was that?"))
        await agent.answer(asked(number=2))
    # Many templates take no two messages of one role in a row.
    assert [message.role for message in engine.calls[-1].messages] == ["system", "user"]
    assert [content for _, _, content in kept(tmp_path)][:2] == ["What was that?", QUESTION]


async def test_conversations_are_answered_at_once_and_each_in_order(tmp_path):
    async with running(tmp_path) as agent:
        replies = await asyncio.gather(
            *(agent.answer(asked(f"What of {number}?", number, f"user {number % 3}")) for number in range(9))
        )
    assert len({reply.text for reply in replies}) == 9
    told = kept(tmp_path)
    for user in range(3):
        mine = [content for session, role, content in told if session == f"user {user}" and role == "user"]
        assert mine == [f"What of {number}?" for number in range(user, 9, 3)]


@pytest.mark.needs_root
@pytest.mark.parametrize("saving", ["in-loop", "thread", "queued"])
async def test_on_a_full_disk_an_answer_says_that_it_is_not_kept(tmp_path, saving):
    with small_disk(tmp_path / "small", "4m") as disk:
        async with running(disk, saving=saving) as agent:
            await agent.answer(asked("Is there room?", 1))
            with suppress(OSError), (disk / "filler").open("wb", buffering=0) as filler:
                while True:
                    filler.write(bytes(4096))
            for session in ("anna", "bo"):
                reply = await agent.answer(asked("Is the disk full?", 2, session))
                assert [(each.step, each.to, each.error) for each in reply.degraded] == [
                    ("saving", "not saved", "StoreError")
                ]
            (disk / "filler").unlink()
            await agent.answer(asked("Is there room again?", 3))
        asked_and_kept = [content for _, role, content in kept(disk) if role == "user"]
        assert asked_and_kept == ["Is there room?", "Is there room again?"]


async def test_no_process_is_left_when_it_closes(tmp_path):
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    async with running(tmp_path, relevance="shared", analysis="process") as agent:
        await agent.answer(asked())
    left = {child.pid for child in psutil.Process().children(recursive=True)} - before
    assert left == set()


async def test_it_forgets_a_conversation(tmp_path):
    async with running(tmp_path) as agent:
        await agent.answer(asked())
        await agent.answer(asked(session="bo"))
        assert await agent.forget("anna") == 2
    assert {session for session, _, _ in kept(tmp_path)} == {"bo"}


async def test_of_steps_at_once_one_that_fails_ends_the_others():
    ended = []

    async def waits():
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    async def fails():
        await asyncio.sleep(0)
        raise EngineError("It failed.")

    with pytest.raises(EngineError):
        await together([waits, fails], at_once=True)
    assert ended == [True]


async def test_a_reply_of_a_form_stays_as_it_was_said(tmp_path):
    engine = scripted(SimulatedEngine(SimulatedSettings()), Scripts([Script("anna", QUESTION, ("[9]",))]))
    engine.check_heeds = lambda *_: None
    async with running(tmp_path, engine) as agent:
        reply = await agent.answer(asked(grammar='root ::= "[9]"'))
    assert reply.text == "[9]"


def test_its_settings_can_be_read_from_text(tmp_path):
    from systems.settings import parse

    found = parse(ResearchSettings, {"sources": "a,b", "fetching": "threads", "passages": "2"}, "research")
    assert found == {"sources": ("a", "b"), "fetching": "threads", "passages": 2}
    assert settings(tmp_path, passages=2).passages == 2
