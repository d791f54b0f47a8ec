"""The tiered agent through its public surface: where a conversation lies, what it goes on with, and what is refused."""

import asyncio
import sqlite3
from contextlib import closing

import pytest

from systems.engines.simulated import SimulatedEngine, SimulatedSettings
from systems.errors import Refused
from systems.interface import Request, Source, talk
from systems.tiered.agent import Tiered
from systems.tiered.settings import MECHANISMS, TieredSettings
from tests.systems.asynchronous.asking import until
from tests.systems.conversing import conversed, requests, simulated
from tests.systems.killing import said_last

VERA, BO = "vera", "bo"


class Hearing(SimulatedEngine):
    """Writes down what it was sent."""

    def __init__(self):
        super().__init__(SimulatedSettings())
        self.sent = []

    def generate(self, call):
        self.sent.append([message.content for message in call.messages])
        return super().generate(call)


def ask(text, session=VERA, conversation=None, **more):
    return Request(id=text, session=session, conversation=conversation, text=text, max_tokens=4, **more)


async def started(folder, engine=None, **changes):
    agent = Tiered(TieredSettings(**changes), engine or simulated(), folder)
    await agent.start()
    return agent


def in_files(folder, word):
    return [path.name for path in folder.rglob("*") if path.is_file() and word.encode() in path.read_bytes()]


@pytest.mark.parametrize("mechanism", [*MECHANISMS, "warm_up"])
async def test_each_mechanism_can_be_turned_the_other_way_alone(tmp_path, mechanism):
    settings = TieredSettings(**{mechanism: not getattr(TieredSettings(), mechanism)})
    replies = await conversed(Tiered(settings, simulated(), tmp_path), requests())
    assert len(replies) == len(requests())


async def test_a_reply_says_where_its_conversation_lay_and_what_it_took_to_have_it(tmp_path):
    engine = Hearing()
    agent = await started(tmp_path, engine, sessions=1, memories=0)
    first = await agent.answer(ask("My bees are called Ada and Bo."))
    again = await agent.answer(ask("How many are they?"))
    await agent.answer(ask("Hello.", BO))
    warm = await agent.answer(ask("What was the first one called?"))
    kept = [content for content in engine.sent[-1] if "Ada" in content]
    await agent.close()
    assert (first.tier, again.tier, warm.tier) == (None, "hot", "warm")
    assert first.fetched_s is None
    assert again.fetched_s == 0.0
    assert 0 < warm.fetched_s < warm.total_s
    assert kept, "it goes on with what was said"
    agent = await started(tmp_path, engine, sessions=1, memories=0)
    cold = await agent.answer(ask("And the second one?"))
    assert engine.sent[-1][1:-1] == [*engine.sent[-2][1:], warm.text], "as it was sent"
    await agent.close()
    assert cold.tier == "cold"


@pytest.mark.parametrize("noted", [True, False])
@pytest.mark.parametrize("full_text", [True, False])
async def test_what_the_agent_itself_said_is_noted_with_what_it_answered(tmp_path, noted, full_text):
    engine = Hearing()
    agent = await started(tmp_path, engine, noted_answers=noted, full_text=full_text, history_length=2)
    for talk_ in (BO, VERA):  # another session's turns have numbers as well
        for text in ("The mill is by the river.", "Nothing else happened.", "The weather is fine."):
            await agent.answer(ask(text, talk_))
    said = (await agent.turns(VERA))[0].answer if full_text else ""
    await agent.answer(ask("Where is the mill?"))
    await agent.close()
    assert "The mill is by the river." in engine.sent[-1][-1]
    assert (f"(You answered: {said}) The mill is by the river." in engine.sent[-1][-1]) is (noted and full_text)


async def test_a_frozen_session_comes_back_with_what_it_said(tmp_path):
    agent = await started(tmp_path, sessions=1)
    await agent.answer(ask("My sister Vera keeps bees in Lisbon.", conversation="one"))
    await agent.answer(ask("Hello.", BO))
    assert await agent._lower.freeze(VERA)
    assert agent._lower.where(talk(VERA, "one")) == "frozen"
    with closing(sqlite3.connect(tmp_path / "memory.sqlite")) as connection:
        assert connection.execute("SELECT count(*) FROM memories WHERE session = ?", (VERA,)).fetchone() == (0,)
    reply = await agent.answer(ask("Where does my sister keep bees?", conversation="two"))
    assert reply.memories == ("My sister Vera keeps bees in Lisbon.",)
    reply = await agent.answer(ask("Are you sure?", conversation="one"))
    assert reply.tier in ("cold", "warm", "frozen")
    await agent.close()


@pytest.mark.parametrize("tier", ["hot", "warm", "cold", "frozen"])
async def test_what_is_forgotten_is_in_no_tier_and_in_no_file(tmp_path, tier):
    engine = Hearing()
    agent = await started(tmp_path, engine, sessions=2 if tier == "hot" else 1)
    await agent.answer(ask("My cat is Quibbleworth.", conversation="one"))
    await agent.answer(ask("My dog is Barkington.", conversation="one"))
    if tier != "hot":
        await agent.answer(ask("Hello.", BO))
    if tier == "cold":
        await agent.close()
        agent = await started(tmp_path, engine, sessions=1)
    if tier == "frozen":
        assert await agent._lower.freeze(VERA)
    else:
        assert agent._kept()._tier(talk(VERA, "one")) == tier
    [turn] = await agent.turns(VERA, containing="Quibbleworth")
    assert (await agent.forget(VERA, turn=turn.id)).turns == 1
    await agent.answer(ask("What are they called?", conversation="one"))
    assert not any("Quibble" in content for content in engine.sent[-1])
    assert any("Barkington" in content for content in engine.sent[-1])
    assert in_files(tmp_path, "Quibbleworth") == []
    await agent.close()
    assert in_files(tmp_path, "Quibbleworth") == []
    agent = await started(tmp_path, engine, sessions=1)
    await agent.answer(ask("And again?", conversation="one"))
    assert not any("Quibble" in content for content in engine.sent[-1])
    await agent.close()


async def test_a_list_of_conversations_says_where_each_lies(tmp_path):
    agent = await started(tmp_path, sessions=1)
    await agent.answer(ask("One.", conversation="one"))
    await agent.answer(ask("Two.", conversation="two"))
    assert {each.id: each.tier for each in await agent.conversations(VERA)} == {"one": "warm", "two": "hot"}
    named = {(metric.name, *metric.labels.values()): metric.value for metric in agent.metrics()}
    assert named["tier_moves", "hot", "warm"] == 1
    assert named["tier_states", "warm"] == 1
    await agent.close()


async def test_where_memory_is_short_a_turn_is_refused_and_told_when_to_ask_again(tmp_path):
    # This process has more than that in use.
    agent = await started(tmp_path, memory_bytes=8 << 20, look_every_s=0.01)
    try:
        await until(lambda: agent._pressure.stage == 4)
        with pytest.raises(Refused, match="memory is short") as refused:
            await agent.answer(ask("Hello."))
        assert refused.value.retry_after_s > 0
        assert agent.counters().refused == 1
    finally:
        await agent.close()


async def test_without_back_pressure_it_degrades_and_refuses_nobody(tmp_path):
    agent = await started(tmp_path, memory_bytes=8 << 20, look_every_s=0.01, back_pressure=False)
    try:
        await until(lambda: agent._pressure.stage == 3)
        assert (await agent.answer(ask("Hello."))).source is Source.MODEL
        assert (await agent.answer(ask("Hello."))).tier == "hot", "the one in use stays"
    finally:
        await agent.close()


def test_killed_it_has_lost_nothing_acknowledged_and_goes_on_with_it(tmp_path):
    newest = said_last(tmp_path, "systems.tiered.agent:Tiered", {"sessions": 2, "warm_bytes": 4000}, kills=3)
    asyncio.run(goes_on_with(tmp_path, newest))


async def goes_on_with(folder, newest):
    engine = Hearing()
    agent = await started(folder, engine, memories=0)
    for user, line in newest.items():
        await agent.answer(ask("What did I say?", user))
        told = [content for content in engine.sent[-1] if content.startswith("run ") or "\nrun " in content]
        assert any(line in content for content in told), (user, line, told)
    await agent.close()
