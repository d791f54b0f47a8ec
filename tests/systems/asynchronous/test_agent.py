"""The asynchronous agent's mechanisms at work in whole turns."""

import asyncio

import msgspec
import pytest

from systems.asynchronous.agent import Asynchronous
from systems.asynchronous.settings import MECHANISMS, AsynchronousSettings, everything_off
from systems.engines.simulated import SimulatedSettings
from systems.errors import DeadlineExceeded, EngineError, Refused
from systems.interface import Request, Source
from systems.memory.keywords import Keywords
from tests.systems.asynchronous.asking import until
from tests.systems.conversing import CONVERSATION, Failing, conversed, requests, simulated, stored


@pytest.mark.parametrize("mechanism", [*MECHANISMS, "warm_up"])
async def test_each_mechanism_works_alone(tmp_path, mechanism):
    settings = msgspec.structs.replace(everything_off(), **{mechanism: True})
    replies = await conversed(Asynchronous(settings, simulated(), tmp_path), requests())
    commands = sum(text.startswith("/") for _, text in CONVERSATION)
    assert [reply.request_id for reply in replies] == [str(number) for number in range(len(CONVERSATION))]
    assert len(stored(tmp_path)) == len(CONVERSATION) - commands


@pytest.mark.parametrize("mechanism", MECHANISMS)
async def test_each_mechanism_can_be_left_out(tmp_path, mechanism):
    settings = AsynchronousSettings(**{mechanism: False})
    replies = await conversed(Asynchronous(settings, simulated(), tmp_path), requests())
    assert all(reply.text for reply in replies)


async def test_lazy_loading_loads_nothing_before_the_first_turn_and_once_for_many(tmp_path):
    engine = Failing(SimulatedSettings(slots=8))
    system = Asynchronous(AsynchronousSettings(), engine, tmp_path)
    await system.start()
    assert engine.loads == 0
    asked = [Request(id=str(n), session=f"s{n}", text=f"Hello number {n}", max_tokens=2) for n in range(20)]
    replies = await asyncio.gather(*(system.answer(request) for request in asked))
    assert engine.loads == 1
    assert len(replies) == 20
    await system.close()


async def test_warm_up_loads_without_being_asked_and_its_failure_waits_for_the_first_turn(tmp_path):
    engine = Failing(SimulatedSettings())
    engine.broken = True
    system = Asynchronous(AsynchronousSettings(warm_up=True), engine, tmp_path)
    await system.start()
    with pytest.raises(EngineError, match="will not load"):
        await system.answer(Request(id="1", session="s", text="Hello there", max_tokens=2))
    engine.broken = False
    assert (await system.answer(Request(id="2", session="s", text="Hello there", max_tokens=2))).text
    await system.close()


async def test_the_same_question_asked_twice_at_once_is_generated_once(tmp_path):
    system = Asynchronous(AsynchronousSettings(), simulated(token_s=0.01), tmp_path)
    await system.start()
    asked = [Request(id=str(n), session="s", text="How are the bees?", max_tokens=4) for n in range(3)]
    replies = await asyncio.gather(*(system.answer(request) for request in asked))
    counters = system.counters()
    await system.close()
    assert [reply.request_id for reply in replies] == ["0", "1", "2"]
    assert len({reply.text for reply in replies}) == 1
    assert sorted(reply.source for reply in replies) == [Source.CACHE, Source.CACHE, Source.MODEL]
    assert (counters.generations, counters.coalesced, counters.turns) == (1, 2, 3)
    # Each of them was acknowledged, so each of them is saved.
    assert len(stored(tmp_path)) == 3


async def test_turns_of_one_session_stay_in_order(tmp_path):
    system = Asynchronous(AsynchronousSettings(), simulated(slots=8, token_s=0.001, jitter=1.0), tmp_path)
    await system.start()
    asked = [Request(id=str(n), session="s", text=f"Question number {n} for Vera", max_tokens=4) for n in range(8)]
    await asyncio.gather(*(system.answer(request) for request in asked))
    await system.close()
    assert [question for _, question, _ in stored(tmp_path)] == [request.text for request in asked]


async def test_a_full_queue_refuses_with_a_time_to_come_back(tmp_path):
    settings = AsynchronousSettings(queue_limit=2)
    system = Asynchronous(settings, simulated(token_s=0.005), tmp_path)
    await system.start()
    asked = [Request(id=str(n), session=f"s{n}", text=f"Question {n}", max_tokens=4) for n in range(6)]
    answers = await asyncio.gather(*(system.answer(request) for request in asked), return_exceptions=True)
    counters = system.counters()
    await system.close()
    refused = [answer for answer in answers if isinstance(answer, Refused)]
    assert len(refused) == 3
    assert all(answer.retry_after_s > 0 for answer in refused)
    assert counters.refused == 3
    assert len(stored(tmp_path)) == 3


async def test_a_deadline_ends_the_wait_with_a_type(tmp_path):
    system = Asynchronous(AsynchronousSettings(), simulated(first_token_s=0.2), tmp_path)
    await system.start()
    with pytest.raises(DeadlineExceeded):
        await system.answer(Request(id="1", session="s", text="Hurry up, Vera", deadline_s=0.01))
    assert system.counters().deadline_exceeded == 1
    await system.close()


async def test_closing_waits_for_turns_under_way_and_saves_them(tmp_path):
    system = Asynchronous(AsynchronousSettings(), simulated(first_token_s=0.05), tmp_path)
    await system.start()
    turn = asyncio.create_task(system.answer(Request(id="1", session="s", text="Hello Vera", max_tokens=2)))
    await asyncio.sleep(0)
    await system.close()
    reply = await turn
    assert stored(tmp_path) == [("s", "Hello Vera", reply.text)]


async def test_a_failed_warm_up_of_any_kind_does_not_keep_turns_from_being_saved(tmp_path, monkeypatch):
    attempts = 0
    loaded = Keywords.load

    def load(self):
        nonlocal attempts
        attempts += 1
        if attempts == 1:
            raise PermissionError("the dictionary's folder")
        loaded(self)

    monkeypatch.setattr(Keywords, "load", load)
    system = Asynchronous(AsynchronousSettings(warm_up=True, all_words=False), simulated(), tmp_path)
    await system.start()
    await until(lambda: system.counters().warm_up_failures)
    await system.answer(Request(id="1", session="s", text="Hello Vera", max_tokens=2))
    await system.close()
    await system.close()
    assert len(stored(tmp_path)) == 1


async def test_a_cancelled_close_still_saves(tmp_path):
    system = Asynchronous(AsynchronousSettings(), simulated(), tmp_path)
    await system.start()
    for number in range(5):
        await system.answer(Request(id=str(number), session=f"s{number}", text="Hello Vera", max_tokens=2))
    closing = asyncio.create_task(system.close())
    await asyncio.sleep(0)
    closing.cancel()
    await asyncio.wait([closing])
    await system.close()
    assert len(stored(tmp_path)) == 5


async def test_an_abandoned_generation_stops(tmp_path):
    engine = simulated(token_s=0.01)
    system = Asynchronous(AsynchronousSettings(), engine, tmp_path)
    await system.start()
    first = asyncio.Event()
    loop = asyncio.get_running_loop()
    seen = []

    def on_token(token):
        seen.append(token)
        loop.call_soon_threadsafe(first.set)

    turn = asyncio.create_task(
        system.answer(Request(id="1", session="s", text="A very long story", max_tokens=4000), on_token)
    )
    await first.wait()
    turn.cancel()
    await asyncio.wait([turn])
    # The next turn is not held up by the four thousand tokens nobody wants.
    await system.answer(Request(id="2", session="t", text="A short one", max_tokens=1))
    await system.close()
    assert len(seen) < 1000
