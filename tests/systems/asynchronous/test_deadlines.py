"""Deadlines and cancellation, carried into the threads."""

import asyncio

import msgspec
import pytest

from systems.asynchronous.agent import Asynchronous
from systems.asynchronous.settings import AsynchronousSettings
from systems.engines.llama import LlamaEngine, LlamaSettings
from systems.engines.scripted import Scripts, scripted
from systems.engines.simulated import SimulatedEngine, SimulatedSettings
from systems.errors import DeadlineExceeded
from systems.interface import Source
from systems.memory.keywords import Keywords
from tests.systems.asynchronous.asking import Shaky, ask, until


@pytest.mark.parametrize("isolation", [True, False])
async def test_a_passed_deadline_stops_the_engine_within_a_token(tmp_path, isolation):
    engine = SimulatedEngine(SimulatedSettings(token_s=0.02))
    settings = AsynchronousSettings(isolation=isolation)
    system = Asynchronous(settings, engine, tmp_path)
    await system.start()
    await system.answer(ask(0, max_tokens=1, session="warm"))
    seen = []
    with pytest.raises(DeadlineExceeded):
        await system.answer(ask(1, max_tokens=4000, deadline_s=0.2), seen.append)
    assert system.counters().deadline_exceeded == 1
    await system.close()
    assert len(seen) < 400


async def test_a_turn_that_expires_in_a_queue_never_starts_its_work(tmp_path, monkeypatch):
    extracted, extract = [], Keywords.extract

    def counting(self, text):
        extracted.append(text)
        return extract(self, text)

    monkeypatch.setattr(Keywords, "extract", counting)
    engine = Shaky()
    engine._settings = SimulatedSettings(first_token_s=0.3)
    # Without admission the second generation waits for the engine's only thread; a third turn waits for its session.
    system = Asynchronous(AsynchronousSettings(admission=False, all_words=False), engine, tmp_path)
    await system.start()
    await system.answer(ask(0, session="warm", text="warm"))
    long = asyncio.create_task(system.answer(ask(1, text="long")))
    await until(lambda: engine.calls == 2)
    queued = system.answer(ask(2, session="bo", text="queued", deadline_s=0.05))
    behind = system.answer(ask(3, text="behind", deadline_s=0.05))
    failures = await asyncio.gather(queued, behind, return_exceptions=True)
    await long
    await system.close()
    assert [type(failure) for failure in failures] == [DeadlineExceeded] * 2
    assert engine.calls == 2
    assert "behind" not in extracted


async def test_a_shared_turn_lives_as_long_as_its_longest_waiter(tmp_path):
    # Not isolated, the engine can only be stopped by the clock, and must not be by the first caller's alone.
    engine = SimulatedEngine(SimulatedSettings(token_s=0.01))
    system = Asynchronous(AsynchronousSettings(isolation=False), engine, tmp_path)
    await system.start()
    await system.answer(ask(0, max_tokens=1, session="warm"))
    asked = (ask(1, max_tokens=20, deadline_s=0.05), ask(2, max_tokens=20, deadline_s=60))
    hasty, patient = await asyncio.gather(*(system.answer(request) for request in asked), return_exceptions=True)
    await system.close()
    assert isinstance(hasty, DeadlineExceeded)
    assert patient.text


async def test_llama_stops_within_a_token_and_is_whole_for_the_next_turn(tmp_path, tiny_model):
    settings = LlamaSettings(model_path=str(tiny_model), context_tokens=4096, threads=1)
    long, scripts = ask(1, max_tokens=3000), Scripts()
    replies = []
    for folder, interrupted in (("a", True), ("b", False)):
        (tmp_path / folder).mkdir()
        system = Asynchronous(AsynchronousSettings(), scripted(LlamaEngine(settings), scripts), tmp_path / folder)
        await system.start()
        if interrupted:
            scripts.add(long.session, long.text, ["bees and " * 3000])
            for deadline_s in (0.2, None):
                seen, first, loop = [], asyncio.Event(), asyncio.get_running_loop()

                def on_token(token, seen=seen, first=first, loop=loop):
                    seen.append(token)
                    loop.call_soon_threadsafe(first.set)

                request = msgspec.structs.replace(long, deadline_s=deadline_s)
                turn = asyncio.create_task(system.answer(request, on_token))
                if deadline_s is None:
                    await first.wait()
                    turn.cancel()
                await asyncio.wait([turn])
                assert turn.cancelled() or isinstance(turn.exception(), DeadlineExceeded)
        scripts.clear()
        replies.append(await system.answer(ask(2, text="And the ants?", max_tokens=12)))
        if interrupted:
            assert len(seen) < 2000
        await system.close()
    assert replies[0].text == replies[1].text
    assert replies[0].generated_tokens == replies[1].generated_tokens == 12


async def test_commands_asked_at_once_are_each_answered_as_commands(tmp_path):
    system = Asynchronous(AsynchronousSettings(), Shaky(), tmp_path)
    await system.start()
    replies = await asyncio.gather(*(system.answer(ask(number, text="/help")) for number in range(3)))
    counters = system.counters()
    await system.close()
    assert {reply.source for reply in replies} == {Source.COMMAND}
    assert [reply.first_token_s for reply in replies] == [None] * 3
    assert (counters.turns, counters.coalesced) == (3, 0)
