"""What is forgotten is gone below the hot tier too: of warm conversations, damaged bundles, stores that are away."""

import asyncio

import pytest

from systems.errors import StillReadable, StoreError
from systems.interface import talk
from systems.tiered.tiers.objects import Folder
from tests.systems.tiered.test_agent import BO, VERA, Hearing, ask, started


async def frozen_in(folder):
    """Return an agent of which Vera's session is frozen."""
    agent = await started(folder, memories=0)
    await agent.answer(ask("My bees are called Ada and Bo."))
    await agent.answer(ask("Hello.", BO))
    await agent.close()
    agent = await started(folder, memories=0, sessions=1)
    assert await agent._lower.freeze(VERA)
    return agent


async def test_the_engine_is_told_of_conversations_that_lie_warm(tmp_path):
    told = []
    engine = Hearing()
    engine.forget = told.append
    agent = await started(tmp_path, engine, sessions=1)
    await agent.answer(ask("My sister Vera keeps bees in Porto.", VERA, "a"))
    await agent.answer(ask("Where does my sister keep bees?", VERA, "b"))
    await agent.answer(ask("Hello.", BO))
    assert agent._lower.where(talk(VERA, "b")) == "warm"
    await agent.forget(VERA, conversation="a")
    assert talk(VERA, "b") in told
    await agent.close()


async def test_a_damaged_bundle_does_not_keep_the_rest_from_being_read_and_all_of_it_from_being_forgotten(tmp_path):
    agent = await frozen_in(tmp_path)
    for path in (tmp_path / "frozen").iterdir():
        path.write_bytes(b"x" + path.read_bytes()[1:])
    await agent.answer(ask("Something new.", VERA, "new"))
    assert [each.id for each in await agent.conversations(VERA)] == ["new"]
    assert (await agent.forget(VERA, conversation="new")).turns == 1
    assert not list((tmp_path / "frozen").iterdir())
    await agent.close()


async def test_a_history_is_not_called_empty_where_its_bundle_cannot_be_read(tmp_path):
    agent = await frozen_in(tmp_path)
    (tmp_path / "frozen").rename(tmp_path / "away")
    with pytest.raises(StoreError):
        await agent.answer(ask("/forget"))
    await agent.close()


async def test_who_forgets_is_told_of_a_bundle_that_could_not_be_deleted(tmp_path, monkeypatch):
    async def unreachable(*_):
        raise StoreError("The store does not answer.")

    agent = await frozen_in(tmp_path)
    monkeypatch.setattr(Folder, "delete", unreachable)
    with pytest.raises(StillReadable):
        await agent.forget(VERA, conversation="")
    monkeypatch.undo()
    await agent.close()


async def test_forgetting_does_not_wait_for_what_others_say_meanwhile(tmp_path):
    agent = await started(tmp_path, memories=0)
    await agent.answer(ask("Hello."))
    memory = await agent._pipeline.store.get()
    save, going, over = memory.save, asyncio.Event(), asyncio.Event()

    async def slow(turns):
        going.set()
        await asyncio.sleep(0.005)
        await save(turns)

    async def talking(name):
        number = 0
        while not over.is_set():
            number += 1
            await agent.answer(ask(f"Hello {number}.", name))

    memory.save = slow
    others = [asyncio.create_task(talking(f"other {number}")) for number in range(30)]
    await going.wait()
    async with asyncio.timeout(20):
        await agent.answer(ask("/forget"))
    over.set()
    await asyncio.gather(*others)
    await agent.close()


async def test_a_state_that_lacks_what_was_said_last_does_not_count(tmp_path):
    engine = Hearing()
    for tiers, text in ((True, "I live in Porto."), (False, "Now I live in Delft."), (True, "Where is that?")):
        agent = await started(tmp_path, engine, memories=0, tiers=tiers)
        reply = await agent.answer(ask(text, VERA, "a"))
        await agent.close()
    assert reply.tier is None
    assert {"I live in Porto.", "Now I live in Delft."} <= set(engine.sent[-1])


async def test_what_an_agent_without_tiers_forgot_last_is_in_no_history(tmp_path):
    engine = Hearing()
    agent = await started(tmp_path, engine, memories=0)
    await agent.answer(ask("I live in Porto.", VERA, "a"))
    await agent.answer(ask("I was born in Delft.", VERA, "a"))
    await agent.close()
    agent = await started(tmp_path, engine, memories=0, tiers=False)
    [_, born] = await agent.turns(VERA, conversation="a")
    await agent.forget(VERA, turn=born.id)
    await agent.close()
    agent = await started(tmp_path, engine, memories=0)
    await agent.answer(ask("Where am I from?", VERA, "a"))
    await agent.close()
    assert not any("Delft" in text for text in engine.sent[-1])
