"""What fails is a typed error of those it concerns, and the engine goes on."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import llama_cpp
import pytest

from systems.engines.batched.context import Context, Model
from systems.engines.batched.decoder import Decoder
from systems.engines.batched.inbox import Inbox
from systems.engines.batched.jobs import Job
from systems.engines.batched.slots import Slots
from systems.engines.interface import Call, Message, Sampling
from systems.errors import EngineBusy, EngineError
from tests.systems.engines.batched.talking import SYSTEM, talk


@pytest.mark.parametrize(("code", "kind"), [(1, EngineBusy), (2, EngineError), (-1, EngineError), (-3, EngineError)])
def test_a_step_that_llama_cpp_refuses_fails_its_requests_and_the_engine_goes_on(make, monkeypatch, code, kind):
    engine = make()
    with monkeypatch.context() as patch:
        patch.setattr(llama_cpp, "llama_decode", lambda *_: code)
        with pytest.raises(EngineError, match=f"returned {code}") as raised:
            engine.generate(Call(messages=[SYSTEM, talk(1, 1)], max_tokens=4, conversation="one"))
    assert raised.type is kind
    found = engine.generate(Call(messages=[SYSTEM, talk(1, 1)], max_tokens=4, script="all is well", conversation="one"))
    assert (found.text, found.reused_tokens) == ("all is well", 0)
    assert engine.counters().failed_steps == 1


def test_a_defect_in_a_step_is_a_typed_error_and_the_engine_goes_on(make, monkeypatch):
    engine = make()
    with monkeypatch.context() as patch:
        patch.setattr(Decoder, "_piece", lambda *_: 1 / 0)
        with pytest.raises(EngineError, match="ZeroDivisionError"):
            engine.generate(Call(messages=[SYSTEM, talk(1, 1)], max_tokens=4))
    assert engine.generate(Call(messages=[SYSTEM, talk(1, 1)], max_tokens=4, script="well")).text == "well"


def test_a_defect_in_one_request_fails_that_one_alone(make, monkeypatch):
    engine = make()
    begin = Slots.begin

    def defective(self: Slots, job: Job) -> None:
        if job.conversation == "bad":
            raise ZeroDivisionError
        begin(self, job)

    monkeypatch.setattr(Slots, "begin", defective)
    begun = threading.Event()
    neighbour = engine.submit(
        Call(
            messages=[SYSTEM, talk(1, 1)],
            max_tokens=40,
            conversation="good",
            on_token=lambda _: begun.set(),
            sampling=Sampling(ignore_end=True),
        )
    )
    assert begun.wait(30)
    with pytest.raises(EngineError, match="could not begin"):
        engine.generate(Call(messages=[SYSTEM, talk(2, 1)], max_tokens=4, conversation="bad"))
    assert neighbour.result(30).generated_tokens == 40


def test_requests_that_race_with_closing_are_answered_or_refused(make):
    engine = make()
    stop = threading.Event()
    outcomes = []

    def ask() -> None:
        while not stop.is_set():
            try:
                outcomes.append(engine.generate(Call(messages=[SYSTEM, talk(1, 1)], max_tokens=1)).generated_tokens)
            except EngineError as error:
                outcomes.append(str(error))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(5):
        engine.close()
        engine.load()
    stop.set()
    for thread in threads:
        thread.join()
    assert (
        {1}
        < set(outcomes)
        <= {1, "The batched engine is not loaded.", "The batched engine was closed."}
        | {"The batched engine is closed."}
    )


def test_a_step_that_never_ends_fails_its_callers(make, monkeypatch):
    engine = make(stuck_s=0.2)
    release = threading.Event()
    decode = Context.decode

    def hang(self: Context, pieces: Any) -> Any:
        release.wait(30)
        return decode(self, pieces)

    monkeypatch.setattr(Context, "decode", hang)
    with pytest.raises(EngineError, match="not finished a step"):
        engine.generate(Call(messages=[SYSTEM, talk(1, 1)], max_tokens=4))
    with pytest.raises(EngineError, match="not finished a step"):
        engine.close()
    release.set()


def test_who_waits_for_a_stuck_step_is_told_even_when_the_engine_was_closed(make, monkeypatch):
    engine = make(stuck_s=0.2)
    hangs, release, freed = threading.Event(), threading.Event(), threading.Event()
    decode, close = Context.decode, Model.close

    def hang(self: Context, pieces: Any) -> Any:
        hangs.set()
        release.wait(30)
        return decode(self, pieces)

    def free(self: Model) -> None:
        close(self)
        freed.set()

    monkeypatch.setattr(Context, "decode", hang)
    monkeypatch.setattr(Model, "close", free)
    with ThreadPoolExecutor(1) as threads:
        waits = threads.submit(engine.generate, Call(messages=[SYSTEM, talk(1, 1)], max_tokens=4))
        assert hangs.wait(30)
        with pytest.raises(EngineError, match="not finished a step"):
            engine.close()
        try:
            with pytest.raises(EngineError, match="not finished a step"):
                waits.result(20)
            assert not freed.is_set(), "the model is in use"
        finally:
            release.set()
    assert freed.wait(30), "the model was never freed"


async def test_a_reply_that_is_ready_is_given_whatever_the_next_step_does(make, monkeypatch):
    engine = make()
    monkeypatch.setattr(Inbox, "stuck_s", lambda _: 1e9)
    assert (await engine.reply(Call(messages=[SYSTEM, talk(1, 1)], max_tokens=2, script="yes no"))).text == "yes no"


def test_messages_that_make_no_prompt_are_refused_and_disturb_nobody(make, monkeypatch):
    engine = make()

    def bare(messages: Any) -> Any:  # the template of many a base model
        return SimpleNamespace(prompt="".join(message["content"] for message in messages))

    monkeypatch.setattr(engine._model.text, "_template", bare)
    begun = threading.Event()
    neighbour = engine.submit(
        Call(messages=[talk(1, 1)], max_tokens=200, on_token=lambda _: begun.set(), sampling=Sampling(ignore_end=True))
    )
    assert begun.wait(30)
    with pytest.raises(EngineError, match="no prompt"):
        engine.generate(Call(messages=[Message("user", "")], max_tokens=4))
    assert neighbour.result(30).generated_tokens == 200


def test_closing_fails_what_is_under_way_and_the_engine_can_be_loaded_again(make):
    engine = make(slots=1)
    begun = threading.Event()
    running = engine.submit(
        Call(
            messages=[SYSTEM, talk(1, 1)],
            max_tokens=400,
            on_token=lambda _: begun.set(),
            sampling=Sampling(ignore_end=True),
        )
    )
    waiting = engine.submit(Call(messages=[SYSTEM, talk(2, 1)], max_tokens=4))
    assert begun.wait(30)
    engine.close()
    for future in (running, waiting):
        with pytest.raises(EngineError, match="closed"):
            future.result(0)
    with pytest.raises(EngineError, match="not loaded"):
        engine.submit(Call(messages=[SYSTEM], max_tokens=1))
    engine.load()
    assert engine.generate(Call(messages=[SYSTEM], max_tokens=4, script="back")).text == "back"
