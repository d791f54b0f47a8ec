"""Calling an engine from an event loop, whether or not it can be awaited."""

import asyncio
import threading
import time

import pytest

from systems.engines.interface import AsyncEngine, Call, Generation, Message
from systems.engines.simulated import SimulatedEngine, SimulatedSettings
from systems.errors import Abandoned, EngineError
from systems.interface import Reply, Request, Source
from systems.mechanisms import awaiting
from systems.mechanisms.wanted import Wanted


def wanted():
    return Wanted(time.perf_counter() + 60)


def call(whose, **fields):
    return Call(messages=[Message("user", "Who?")], max_tokens=3, check=whose.check, **fields)


class Noting(SimulatedEngine):
    """Notes on which thread it was called."""

    def __init__(self):
        super().__init__(SimulatedSettings())
        self.load()
        self.called_on = None

    def generate(self, call):
        self.called_on = threading.current_thread()
        return super().generate(call)


class Awaited(Noting, AsyncEngine):
    async def reply(self, call):
        await asyncio.sleep(0)
        return Generation(text="awaited", prompt_tokens=0, generated_tokens=1, first_token_s=0.0, finish_reason="stop")


async def test_an_engine_that_can_be_awaited_needs_no_thread_unless_it_is_called_as_another():
    engine, whose = Awaited(), wanted()
    before = time.perf_counter()
    generation, at = await awaiting.reply(engine, call(whose), whose, asyncio.to_thread)
    assert (generation.text, engine.called_on) == ("awaited", None)
    assert before <= at <= time.perf_counter()
    generation, _ = await awaiting.reply(engine, call(whose), whose, asyncio.to_thread, may_await=False)
    assert generation.text != "awaited"
    assert engine.called_on is not threading.current_thread()


@pytest.mark.parametrize("listens", [True, False])
async def test_a_caller_that_is_cancelled_ends_a_call_on_a_thread(listens):
    begun, ended, loop = asyncio.Event(), asyncio.Event(), asyncio.get_running_loop()

    class Endless(Noting):
        def generate(self, call):
            try:
                while True:
                    loop.call_soon_threadsafe(begun.set)
                    call.check()
                    if call.on_token is not None:
                        call.on_token("word ")
            except Abandoned:
                loop.call_soon_threadsafe(ended.set)
                raise

    whose = wanted()
    sink = awaiting.Sink(lambda _: None, whose) if listens else None
    task = asyncio.create_task(awaiting.reply(Endless(), call(whose, on_token=sink), whose, asyncio.to_thread))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with asyncio.timeout(30):
        await ended.wait()


async def test_what_the_engine_raises_is_what_the_caller_gets():
    class Broken(Noting):
        def generate(self, call):
            raise EngineError("It fell over.")

    whose = wanted()
    with pytest.raises(EngineError, match="fell over"):
        await awaiting.reply(Broken(), call(whose), whose, asyncio.to_thread)
    whose.check()  # it may be called again


def test_a_sink_passes_on_what_is_wanted_and_tells_whether_it_did():
    whose, heard = wanted(), []
    sink = awaiting.Sink(heard.append, whose)
    assert not sink.used
    sink("word")
    whose.abandon()
    with pytest.raises(Abandoned):
        sink("more")
    assert (heard, sink.used) == (["word"], True)


def test_a_reply_says_what_its_generation_says_and_counts_from_the_request():
    generation = Generation(
        text="Vera", prompt_tokens=9, generated_tokens=2, first_token_s=0.5, finish_reason="length", reused_tokens=4
    )
    request = Request(id="1", session="s", text="Who?")
    assert Reply.of(request, generation, called_s=0.25, memories=["I know Vera."]) == Reply(
        request_id="1",
        text="Vera",
        source=Source.MODEL,
        memories=("I know Vera.",),
        prompt_tokens=9,
        reused_tokens=4,
        generated_tokens=2,
        finish_reason="length",
        first_token_s=0.75,
    )


def test_a_call_that_asks_for_nothing_cannot_be_made():
    with pytest.raises(EngineError, match="At least one token"):
        Call(messages=[], max_tokens=0)
