"""The pooled agent through its public surface: its pool, where a conversation lies, what it keeps and what it tells."""

import asyncio
import time
import zlib
from pathlib import Path

import msgspec
import pytest

from systems.engines.simulated import SimulatedEngine, SimulatedSettings
from systems.errors import DeadlineExceeded, Refused, StillReadable
from systems.interface import Keeper, Profiled, Request, Source, Telling, talk
from systems.pooled.agent import Pooled
from systems.pooled.monitoring.window import Window
from systems.pooled.settings import MECHANISMS, PooledSettings
from systems.server.metrics import Metrics
from tests.systems.asynchronous.asking import until
from tests.systems.conversing import Failing, conversed, requests, simulated
from tests.systems.killing import said_last

VERA, BO = "vera", "bo"


class Hearing(SimulatedEngine):
    """Writes down what it was sent; says nothing while it is ``silent``."""

    silent = False

    def __init__(self, **settings):
        super().__init__(SimulatedSettings(**settings))
        self.sent = []

    def generate(self, call):
        self.sent.append([message.content for message in call.messages])
        while self.silent:
            call.check()
            time.sleep(0.001)  # as an engine's own work would
        return super().generate(call)


def ask(text, session=VERA, conversation=None, max_tokens=4, **more):
    return Request(id=text, session=session, conversation=conversation, text=text, max_tokens=max_tokens, **more)


async def started(folder, engine=None, **changes):
    agent = Pooled(PooledSettings(**changes), engine or simulated(), folder)
    await agent.start()
    return agent


def in_files(folder, word):
    found = [(path.name, path.read_bytes()) for path in folder.rglob("*") if path.is_file()]
    said = [(name, zlib.decompress(content) if name.endswith(".z") else content) for name, content in found]
    return [name for name, content in said if word.encode() in content]


@pytest.mark.parametrize("mechanism", MECHANISMS)
async def test_each_mechanism_can_be_turned_off_alone(tmp_path, mechanism):
    replies = await conversed(Pooled(PooledSettings(**{mechanism: False}), simulated(), tmp_path), requests())
    assert len(replies) == len(requests())


async def test_no_more_conversations_are_live_than_there_are_agents_and_all_go_on(tmp_path):
    engine = Hearing()
    agent = await started(tmp_path, engine, agents=2, memories=0)
    for user in range(5):
        await agent.answer(ask(f"I am user {user}.", f"user {user}"))
        assert agent._pipeline.histories.count <= 2
    for user in range(5):
        reply = await agent.answer(ask("Who am I?", f"user {user}"))
        assert any(f"I am user {user}." in content for content in engine.sent[-1])
        assert reply.tier == "hot"
    await agent.close()


async def test_a_turn_waits_for_an_agent_and_no_longer_than_it_may(tmp_path):
    engine = Hearing(slots=4)
    engine.silent = True
    agent = await started(tmp_path, engine, agents=1, wait_s=0.05)
    first = asyncio.create_task(agent.answer(ask("Hello.")))
    await until(lambda: engine.sent)
    with pytest.raises(DeadlineExceeded):
        await agent.answer(ask("Hello?", BO, deadline_s=0.01))
    with pytest.raises(Refused, match="agents are at work") as refused:
        await agent.answer(ask("Hello?", BO))
    assert refused.value.retry_after_s > 0
    assert agent.counters().refused == 1
    engine.silent = False
    assert (await first).source is Source.MODEL
    assert (await agent.answer(ask("Hello?", BO))).source is Source.MODEL
    await agent.close()


async def test_one_conversation_has_one_agent_however_much_is_asked_in_it(tmp_path):
    engine = Hearing(slots=8)
    engine.silent = True
    agent = await started(tmp_path, engine, agents=2)
    many = [asyncio.create_task(agent.answer(ask(f"Hello {number}."))) for number in range(6)]
    await until(lambda: engine.sent)
    other = asyncio.create_task(agent.answer(ask("Hello?", BO)))
    async with asyncio.timeout(20):
        await until(lambda: len(engine.sent) == 2)
    assert "Hello?" in engine.sent[1][-1]
    engine.silent = False
    await asyncio.gather(*many, other)
    await agent.close()


async def test_who_waited_for_an_agent_while_it_was_cleaned_is_idle_later(tmp_path):
    engine = Hearing()
    engine.silent = True
    agent = await started(tmp_path, engine, agents=1, hot_s=1e-6, idle_agents=0, clean_every_s=1e6)
    other = asyncio.create_task(agent.answer(ask("Hello?", BO)))
    await until(lambda: engine.sent)
    waiting = asyncio.create_task(agent.answer(ask("Hello.")))
    await until(lambda: agent._pool.waiting)
    await agent._lower.clean()
    engine.silent = False
    await asyncio.gather(other, waiting)
    assert agent._pipeline.histories.count == 1
    await agent._lower.clean()
    assert agent._pipeline.histories.count == 0
    await agent.close()


async def test_who_waits_for_an_agent_is_live_no_longer_than_others_let_it_be(tmp_path):
    engine = Hearing()
    agent = await started(tmp_path, engine, agents=1, memories=0)
    await agent.answer(ask("I am Vera."))
    engine.silent = True
    other = asyncio.create_task(agent.answer(ask("I am Bo.", BO)))
    await until(lambda: len(engine.sent) == 2)
    waiting = asyncio.create_task(agent.answer(ask("Who am I?")))
    await until(lambda: agent._pool.waiting)
    live, generate = [], engine.generate

    def counting(call):
        live.append(agent._pipeline.histories.count)
        return generate(call)

    engine.generate = counting
    engine.silent = False
    await asyncio.gather(other, waiting)
    assert live == [1]
    await agent.close()


async def test_who_is_idle_is_not_live_any_more_and_goes_on_with_what_was_said(tmp_path):
    engine = Hearing()
    agent = await started(tmp_path, engine, hot_s=1e-6, warm_s=1e-6, idle_agents=1, clean_every_s=1e6, memories=0)
    await agent.answer(ask("My bees are called Ada and Bo."))
    await agent.answer(ask("Hello.", BO))
    await agent._lower.clean()
    assert agent._pipeline.histories.count == 1
    assert agent._lower.where(VERA) == "cold"
    reply = await agent.answer(ask("What are they called?"))
    assert reply.tier == "cold"
    assert 0 < reply.fetched_s < reply.total_s
    assert any("Ada" in content for content in engine.sent[-1])
    await agent.close()


async def test_a_restart_brings_near_what_was_used_last(tmp_path):
    agent = await started(tmp_path, memories=0)
    for user in range(4):
        await agent.answer(ask(f"I am user {user}.", f"user {user}"))
    await agent.close()
    engine = Hearing()
    agent = await started(tmp_path, engine, memories=0, idle_agents=2)
    await agent._warming
    assert [agent._lower.where(f"user {user}") for user in range(4)] == ["warm", "warm", "hot", "hot"]
    assert (await agent.answer(ask("Who am I?", "user 3"))).tier == "hot"
    assert (await agent.answer(ask("Who am I?", "user 0"))).tier == "warm"
    assert any("I am user 0." in content for content in engine.sent[-1])
    await agent.close()


@pytest.mark.parametrize("tier", ["live", "hot", "warm", "cold"])
async def test_what_is_forgotten_is_in_no_tier_and_in_no_file(tmp_path, tier):
    engine = Hearing()
    ages = {"hot_s": 1e-6} if tier in ("warm", "cold") else {}
    ages |= {"warm_s": 1e-6} if tier == "cold" else {}
    agent = await started(tmp_path, engine, agents=2 if tier == "live" else 1, clean_every_s=1e6, **ages)
    await agent.answer(ask("My cat is Quibbleworth.", conversation="one"))
    await agent.answer(ask("My dog is Barkington.", conversation="one"))
    await agent.answer(ask("Hello.", BO))
    if ages:
        await agent._lower.clean()
    assert agent._lower.where(talk(VERA, "one")) == (None if tier == "live" else tier)
    [turn] = await agent.turns(VERA, containing="Quibbleworth")
    assert (await agent.forget(VERA, turn=turn.id)).turns == 1
    await agent.answer(ask("What are they called?", conversation="one"))
    assert not any("Quibble" in content for content in engine.sent[-1])
    assert any("Barkington" in content for content in engine.sent[-1])
    assert in_files(tmp_path, "Quibbleworth") == []
    await agent.close()
    assert in_files(tmp_path, "Quibbleworth") == []
    agent = await started(tmp_path, engine)
    await agent.answer(ask("And again?", conversation="one"))
    assert not any("Quibble" in content for content in engine.sent[-1])
    await agent.close()


async def test_where_a_copy_stays_the_engine_is_told_and_the_history_read_anew(tmp_path, monkeypatch):
    def refused(*_, **__):
        raise PermissionError("It is held open.")

    told = []
    engine = Hearing()
    engine.forget = told.append
    agent = await started(tmp_path, engine, agents=1, memories=0, hot_s=1e-6, warm_s=1e-6, clean_every_s=1e6)
    for text, conversation in (("Of cats.", "two"), ("I live in Porto.", "one"), ("I was born in Delft.", "one")):
        await agent.answer(ask(text, conversation=conversation))
    await agent._lower.clean()
    assert agent._lower.where(talk(VERA, "two")) == "cold"
    [lived, _] = await agent.turns(VERA, conversation="one")
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", refused)
        with pytest.raises(StillReadable):
            await agent.forget(VERA, turn=lived.id)
    assert {talk(VERA, "one"), talk(VERA, "two")} <= set(told)
    await agent.answer(ask("Where am I from?", conversation="one"))
    assert "I was born in Delft." in engine.sent[-1]
    assert not any("Porto" in text for text in engine.sent[-1])
    await agent.close()


async def test_a_list_of_conversations_says_where_each_lies(tmp_path):
    agent = await started(tmp_path, agents=1)
    await agent.answer(ask("One.", conversation="one"))
    await agent.answer(ask("Two.", conversation="two"))
    assert {each.id: each.tier for each in await agent.conversations(VERA)} == {"one": "hot", "two": "hot"}
    await agent.close()
    agent = await started(tmp_path, agents=1, warm_up=False)
    assert {each.id: each.tier for each in await agent.conversations(VERA)} == {"one": "warm", "two": "warm"}
    assert isinstance(agent, Keeper)
    await agent.close()


async def test_what_is_critical_outlives_a_long_conversation_and_the_rest_is_shortened(tmp_path):
    engine = Hearing()
    agent = await started(tmp_path, engine, memories=0, history_length=100, history_tokens=200)
    await agent.answer(ask("My sister Vera lives in Lisbon."))
    for number in range(30):
        await agent.answer(ask(f"What is {number} plus one?", max_tokens=60))
    await agent.close()
    assert engine.sent[-1][1] == "My sister Vera lives in Lisbon."
    assert max(sum(map(len, sent)) for sent in engine.sent) < 4_000
    assert len(engine.sent[-1]) < 40


async def test_the_key_of_a_cached_reply_covers_the_model_and_the_system_prompt(tmp_path):
    class Other(Hearing):
        @property
        def identity(self):
            return "another model"

    engine = Hearing()
    settings = PooledSettings(memories=0, history_length=0)
    asked = [{}, {"instructions": "Be brief."}, {"max_tokens": 5}, {}]
    agent = Pooled(settings, engine, tmp_path)
    await agent.start()
    request = ask("Why?")
    sources = [(await agent.answer(msgspec.structs.replace(request, **more))).source for more in asked]
    await agent.close()
    assert sources == ["model", "model", "model", "cache"]
    keys = set()
    for number, kind in enumerate((Hearing(), Other())):
        (tmp_path / str(number)).mkdir()
        agent = Pooled(settings, kind, tmp_path / str(number))
        await agent.start()
        await agent.answer(request)
        keys |= set(agent._pipeline.cache._entries)
        await agent.close()
    assert len(keys) == 2


async def test_it_tells_how_it_keeps_its_targets_and_what_is_short(tmp_path):
    engine = Failing(SimulatedSettings())
    agent = await started(tmp_path, engine, profile_turns=True, retries=False)
    assert isinstance(agent, Telling) and isinstance(agent, Profiled)
    for number in range(3):
        await agent.answer(ask(f"What is {number} plus one?"))
    judged = {each.target.reading: each for each in agent.targets()}
    assert judged["success"].status == "excellent"
    assert judged["p50_s"].value > 0
    assert judged["memory"].value > 0
    engine.broken = True
    with pytest.raises(Exception, match="fell over"):
        await agent.answer(ask("And now?"))
    assert {each.target.reading: each.status for each in agent.targets()}["success"] == "missed"
    metrics = Metrics(agent.counters, agent.metrics, lambda: (0, 0, 0.0)).text().decode()
    assert 'fourgig_target_status{reading="success",status="missed",target="S4-success"} 1.0' in metrics
    assert 'fourgig_target_reading{reading="success",target="S4-success"} 0.75' in metrics
    assert 'fourgig_pool_agents{state="most"} 50.0' in metrics
    assert 'fourgig_turn_steps_total{step="model"} 4.0' in metrics
    assert "model" in agent.profile()
    await agent.close()


async def test_what_the_last_turns_were_like_is_read_once_for_all_that_is_told_of_it(tmp_path, monkeypatch):
    agent = await started(tmp_path)
    await agent.answer(ask("Hello."))
    read, reads = Window.read, []
    monkeypatch.setattr(Window, "read", lambda window: (reads.append(1), read(window))[1])
    named = {metric.name for metric in agent.metrics()}
    assert {"target_reading", "target_status"} <= named
    assert len(reads) == 1
    await agent.close()


async def test_without_a_profile_no_step_is_timed(tmp_path):
    agent = await started(tmp_path)
    await agent.answer(ask("Hello."))
    assert agent.profile() is None
    await agent.close()


def test_killed_it_has_lost_nothing_acknowledged_and_goes_on_with_it(tmp_path):
    small = {"agents": 2, "hot_bytes": 500, "warm_bytes": 1000}
    newest = said_last(tmp_path, "systems.pooled.agent:Pooled", small, kills=2)
    asyncio.run(goes_on_with(tmp_path, newest))


async def goes_on_with(folder, newest):
    engine = Hearing()
    agent = await started(folder, engine, memories=0)
    for user, line in newest.items():
        await agent.answer(ask("What did I say?", user))
        history = engine.sent[-1][1:-1]
        assert any(content.endswith(line) for content in history), (user, line, history)
    await agent.close()
