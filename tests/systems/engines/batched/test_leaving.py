"""Whoever leaves frees the slot within a step, and disturbs nobody."""

from __future__ import annotations

import asyncio
import gc
import threading
from concurrent.futures import CancelledError, ThreadPoolExecutor
from typing import Any

import pytest

from systems.engines.batched.context import Context
from systems.engines.batched.jobs import Job
from systems.engines.batched.slots import Slots
from systems.engines.interface import Call, Sampling
from systems.errors import Abandoned, DeadlineExceeded
from tests.systems.engines.batched.talking import SYSTEM, talk


@pytest.mark.parametrize("leave", ["check", "on_token", "future"])
def test_a_caller_who_leaves_frees_the_slot_and_disturbs_nobody(make, leave):
    engine = make(slots=2)
    tokens: list[str] = []
    gone = threading.Event()

    def check() -> None:
        if leave == "check" and len(tokens) > 3:
            raise Abandoned("Nobody waits.")

    def on_token(token: str) -> None:
        tokens.append(token)
        if len(tokens) > 3:
            gone.set()
            if leave == "on_token":
                raise Abandoned("Nobody waits.")

    endless = Sampling(ignore_end=True)
    future = engine.submit(
        Call(
            messages=[SYSTEM, talk(1, 1)],
            max_tokens=300,
            on_token=on_token,
            check=check,
            conversation="leaver",
            sampling=endless,
        )
    )
    with ThreadPoolExecutor(1) as threads:
        other = threads.submit(engine.generate, Call(messages=[SYSTEM, talk(2, 1)], max_tokens=40, sampling=endless))
        assert gone.wait(30)
        if leave == "future":
            assert future.cancel()
        with pytest.raises((Abandoned, CancelledError)):
            future.result(30)
        assert other.result(30).generated_tokens == 40
    after = len(tokens)
    assert (
        engine.generate(
            Call(messages=[SYSTEM, talk(1, 1)], max_tokens=4, conversation="leaver", sampling=endless)
        ).reused_tokens
        > 40
    )
    assert len(tokens) == after < 300


def test_a_caller_who_leaves_as_the_reply_is_ready_disturbs_nobody(make, monkeypatch):
    engine = make(slots=2)
    generation = Job.generation

    def leave(self: Job) -> Any:
        found = generation(self)
        if self.conversation == "leaver":
            done, self.future.done = self.future.done, lambda: False  # it was asked before the caller left
            self.future.cancel()
            assert done()
        return found

    monkeypatch.setattr(Job, "generation", leave)
    stays = engine.submit(Call(messages=[SYSTEM, talk(2, 1)], max_tokens=60, sampling=Sampling(ignore_end=True)))
    engine.submit(Call(messages=[SYSTEM, talk(1, 1)], max_tokens=2, script="no yes", conversation="leaver"))
    assert stays.result(30).generated_tokens == 60
    assert engine.counters().failed_steps == 0


async def test_an_asyncio_caller_who_is_cancelled_frees_the_slot(make, caplog):
    engine = make(slots=1, context_tokens=2048)
    begun, loop = asyncio.Event(), asyncio.get_running_loop()
    task = asyncio.create_task(
        engine.reply(
            Call(
                messages=[SYSTEM, talk(1, 1)],
                max_tokens=1900,
                on_token=lambda _: loop.call_soon_threadsafe(begun.set),
                sampling=Sampling(ignore_end=True),
            )
        )
    )
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await engine.reply(Call(messages=[SYSTEM, talk(2, 1)], max_tokens=5, script="one two"))).text == "one two"
    assert engine.counters().decoded_tokens < 1900, "the slot was freed only when the reply was complete"
    del task
    gc.collect()
    await asyncio.sleep(0)
    assert "never retrieved" not in caplog.text


@pytest.mark.parametrize("how", ["cancels", "deadline", "raises on a token"])
def test_the_slot_of_who_leaves_is_taken_in_the_very_next_step(make, monkeypatch, how):
    engine = make(slots=2)
    computed: list[int] = []
    decode, begin = Context.decode, Slots.begin
    begun_after: dict[str | None, int] = {}
    left_after: list[int] = []

    def count(self: Context, pieces: Any) -> Any:
        computed.append(len(pieces))
        return decode(self, pieces)

    def note(self: Slots, job: Job) -> None:
        begun_after[job.conversation] = len(computed)
        begin(self, job)

    monkeypatch.setattr(Context, "decode", count)
    monkeypatch.setattr(Slots, "begin", note)
    said: list[str] = []

    def leaves(token: str) -> None:
        said.append(token)
        if len(said) == 5:
            left_after.append(len(computed))
            if how == "cancels":
                leaver.cancel()
            if how == "raises on a token":
                raise Abandoned("Nobody waits.")

    def check() -> None:
        if left_after and how == "deadline":
            raise DeadlineExceeded("too late")

    endless = Sampling(ignore_end=True)
    ready = threading.Event()
    hold = engine.submit(Call(messages=[SYSTEM], max_tokens=300, on_token=lambda _: ready.wait(30), sampling=endless))
    leaver = engine.submit(
        Call(messages=[SYSTEM, talk(1, 1)], max_tokens=300, on_token=leaves, check=check, sampling=endless)
    )
    waiting = engine.submit(Call(messages=[SYSTEM, talk(2, 1)], max_tokens=1, conversation="waiting"))
    ready.set()
    assert waiting.result(30).generated_tokens == 1
    assert begun_after["waiting"] == left_after[0], "steps were computed between leaving and the slot's next use"
    with pytest.raises((Abandoned, DeadlineExceeded, CancelledError)):
        leaver.result(0)
    assert len(said) == 5
    hold.cancel()
