"""What the asynchronous agent does when a part of it fails: try again, go on without it, or say so; and its logs."""

import asyncio
import io
import json
import logging
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from systems.asynchronous import agent
from systems.asynchronous.agent import Asynchronous
from systems.asynchronous.settings import AsynchronousSettings
from systems.engines.llama import LlamaEngine, LlamaSettings
from systems.engines.scripted import Scripts, scripted
from systems.engines.simulated import SimulatedEngine, SimulatedSettings
from systems.errors import DeadlineExceeded, EngineBusy, EngineError, StoreBusy, StoreError
from systems.interface import Degraded, Observed, Request, Source
from systems.logs import install, session_digest
from systems.mechanisms.caches import BoundedCache
from systems.mechanisms.retrying import ATTEMPTS, Backoff
from systems.mechanisms.saving import BackgroundSaver
from systems.memory import like
from systems.memory.fulltext import FullTextStore
from systems.memory.keywords import Keywords
from systems.memory.like import LikeStore
from systems.memory.schema import SavedTurn
from systems.turn import surroundings

OBSERVED = Observed(clock="2025-01-01 10:00", system="processor 10 %", emotion="neutral")
SECRET = "My hidden hobby is beekeeping"


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch):
    monkeypatch.setattr(agent, "RETRY_FIRST_S", 0.001)


@pytest.fixture
def lines():
    """Return a function that gives the log's lines so far, from DEBUG up."""
    stream, log = io.StringIO(), logging.getLogger("systems")
    before = log.level, log.propagate
    handler = install(stream, logging.DEBUG)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    log.removeHandler(handler)
    log.setLevel(before[0])
    log.propagate = before[1]


def ask(number=1, **fields):
    fields = {"session": "anna", "text": SECRET, "max_tokens": 3, "observed": OBSERVED, **fields}
    return Request(id=str(number), **fields)


class Shaky(SimulatedEngine):
    """Fails with each of ``failures`` in turn, after ``spoken`` tokens, then works."""

    def __init__(self, *failures, spoken=0):
        super().__init__(SimulatedSettings())
        self.failures = list(failures)
        self.spoken = spoken
        self.calls = 0

    def generate(self, call):
        self.calls += 1
        if self.failures:
            for _ in range(self.spoken):
                call.on_token("word ")
            raise self.failures.pop(0)
        return super().generate(call)


async def until(condition):
    while not condition():  # noqa: ASYNC110 - it is another thread, or another task's inside, that is waited for
        await asyncio.sleep(0.001)


async def answered(folder, request, engine=None, on_token=None, **settings):
    system = Asynchronous(AsynchronousSettings(**settings), engine or Shaky(), folder)
    await system.start()
    try:
        return await system.answer(request, on_token), system.counters()
    finally:
        await system.close()


def raising(error):
    def fail(*_, **__):
        raise error

    return fail


BREAKS = {
    "keywords": (Keywords, "analyse", ValueError("no dictionary"), "no keywords"),
    "system information": (surroundings, "read_system_information", OSError("no /proc"), "unknown"),
    "memory lookup": (FullTextStore, "find", StoreError("malformed"), "no memories"),
    "cache": (BoundedCache, "get", RuntimeError("broken"), "a miss"),
}


# Degradation


@pytest.mark.parametrize("step", BREAKS)
async def test_a_failed_step_is_done_without_and_the_reply_says_so(tmp_path, monkeypatch, step):
    where, name, error, to = BREAKS[step]
    monkeypatch.setattr(where, name, raising(error))
    reply, counters = await answered(tmp_path, ask())
    assert reply.source is Source.MODEL
    assert reply.text
    assert reply.degraded == (Degraded(step=step, to=to, error=type(error).__name__),)
    assert (counters.degraded, counters.turns) == (1, 1)
    with closing(sqlite3.connect(tmp_path / "memory.sqlite")) as connection:
        assert connection.execute("SELECT question FROM memories").fetchall() == [(SECRET,)]


@pytest.mark.parametrize("step", BREAKS)
async def test_without_degradation_a_failed_step_raises_as_traditionally(tmp_path, monkeypatch, step):
    where, name, error, _ = BREAKS[step]
    monkeypatch.setattr(where, name, raising(error))
    with pytest.raises(type(error), match=str(error)):
        await answered(tmp_path, ask(), degradation=False)


async def test_a_reply_made_without_its_memories_is_not_served_again(tmp_path, monkeypatch):
    found = FullTextStore.find
    system = Asynchronous(AsynchronousSettings(cache_key="question"), Shaky(), tmp_path)
    await system.start()
    monkeypatch.setattr(FullTextStore, "find", raising(StoreError("malformed")))
    first = await system.answer(ask(1))
    monkeypatch.setattr(FullTextStore, "find", found)
    second, third = await system.answer(ask(2)), await system.answer(ask(3))
    await system.close()
    assert [reply.source for reply in (first, second, third)] == [Source.MODEL, Source.MODEL, Source.CACHE]
    assert [bool(reply.degraded) for reply in (first, second, third)] == [True, False, False]


async def test_the_model_never_degrades_to_a_sentence(tmp_path):
    with pytest.raises(EngineError, match="fell over"):
        await answered(tmp_path, ask(), Shaky(EngineError("It fell over.")))


async def test_an_error_nobody_planned_in_the_model_passes_through_as_itself(tmp_path):
    with pytest.raises(ZeroDivisionError):
        await answered(tmp_path, ask(), Shaky(ZeroDivisionError()))


# Retries


async def test_a_transient_failure_of_the_engine_is_tried_again(tmp_path):
    engine = Shaky(*[EngineBusy("Busy.")] * (ATTEMPTS - 1))
    reply, counters = await answered(tmp_path, ask(), engine)
    assert reply.source is Source.MODEL
    assert reply.degraded == ()
    assert (engine.calls, counters.retries, counters.generations) == (ATTEMPTS, ATTEMPTS - 1, 1)


@pytest.mark.parametrize(
    ("failure", "spoken", "settings"),
    [
        (EngineError("It fell over."), 0, {}),  # would fail again
        (EngineBusy("Busy."), 1, {}),  # what was said cannot be taken back
        (EngineBusy("Busy."), 0, {"retries": False}),
    ],
)
async def test_what_must_not_be_repeated_is_called_once(tmp_path, failure, spoken, settings):
    engine = Shaky(failure, spoken=spoken)
    with pytest.raises(type(failure)):
        await answered(tmp_path, ask(), engine, on_token=str, **settings)
    assert engine.calls == 1


async def test_attempts_are_bounded(tmp_path):
    engine = Shaky(*[EngineBusy("Busy.")] * 100)
    with pytest.raises(EngineBusy):
        await answered(tmp_path, ask(), engine)
    assert engine.calls == ATTEMPTS


async def test_no_wait_outlasts_the_deadline(tmp_path, monkeypatch):
    monkeypatch.setattr(agent, "RETRY_FIRST_S", 1000.0)
    monkeypatch.setattr(agent, "RETRY_LAST_S", 1000.0)
    engine = Shaky(EngineBusy("Busy."))
    # The engine's own error, at once, and not a deadline passed in waiting.
    with pytest.raises(EngineBusy):
        await answered(tmp_path, ask(deadline_s=60), engine)
    assert engine.calls == 1


async def test_a_busy_store_is_tried_again_and_then_done_without(tmp_path, monkeypatch):
    found, attempts = FullTextStore.find, 0

    async def find(self, *arguments):
        nonlocal attempts
        attempts += 1
        if attempts in (1, 3, 4, 5):
            raise StoreBusy("database is locked")
        return await found(self, *arguments)

    monkeypatch.setattr(FullTextStore, "find", find)
    system = Asynchronous(AsynchronousSettings(), Shaky(), tmp_path)
    await system.start()
    recovered, without = await system.answer(ask(1)), await system.answer(ask(2))
    await system.close()
    assert recovered.degraded == ()
    assert [degraded.error for degraded in without.degraded] == ["StoreBusy"]
    assert attempts == 5


@pytest.mark.parametrize("operation", ["find", "save"])
def test_a_locked_database_is_a_transient_error_and_a_broken_one_is_not(tmp_path, monkeypatch, operation):
    monkeypatch.setattr(like, "BUSY_S", 0.01)
    store = LikeStore(tmp_path / "memory.sqlite")
    store.open()
    saved = SavedTurn(session="s", question="q", answer="a", keywords=())
    call = {"find": lambda: store.find("s", ["word"], 3), "save": lambda: store.save([saved])}[operation]
    with closing(sqlite3.connect(tmp_path / "memory.sqlite")) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreBusy) as caught:
            call()
        assert caught.value.transient
    call()
    with closing(sqlite3.connect(tmp_path / "memory.sqlite")) as other:
        other.execute("DROP TABLE memories")
    with pytest.raises(StoreError) as caught:
        call()
    assert not caught.value.transient


@given(first=st.floats(0.001, 10), more=st.floats(1, 1000), failures=st.integers(1, 10**6), seed=st.integers(0, 2**32))
def test_waits_grow_to_a_bound_with_a_jitter_that_the_seed_decides(first, more, failures, seed):
    last = first * more
    wait = Backoff(first, last, Random(seed)).wait_s(failures)
    whole = min(last, first * 2.0 ** min(failures - 1, 64))
    assert whole / 2 <= wait <= whole <= last
    assert wait == Backoff(first, last, Random(seed)).wait_s(failures)


async def test_saving_waits_by_the_same_rule(monkeypatch):
    waits, slept = [], asyncio.sleep

    async def sleep(seconds):
        waits.append(seconds)
        await slept(0)

    async def save(turns):
        if len(waits) < 3:
            raise StoreBusy("database is locked")

    monkeypatch.setattr(asyncio, "sleep", sleep)
    saver = BackgroundSaver(save, batch=1, queue_limit=1, seed=7)
    await saver.add(SavedTurn(session="s", question="q", answer="a", keywords=()))
    while not saver.saved:
        await slept(0)
    await saver.close()
    expected = Backoff(0.1, 5.0, Random(7))
    assert waits == [expected.wait_s(failures) for failures in (1, 2, 3)]


# Deadlines and cancellation, carried into the threads


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
    extracted, extract = [], Keywords.analyse

    def counting(self, text):
        extracted.append(text)
        return extract(self, text)

    monkeypatch.setattr(Keywords, "analyse", counting)
    engine = Shaky()
    engine._settings = SimulatedSettings(first_token_s=0.3)
    # Without admission the second generation waits for the engine's only thread; a third turn waits for its session.
    system = Asynchronous(AsynchronousSettings(admission=False), engine, tmp_path)
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


# Starting and closing


def own_threads():
    """The threads that are not the event loop's own, which it keeps."""
    return {thread for thread in threading.enumerate() if not thread.name.startswith("asyncio")}


class Unloadable(Shaky):
    def load(self):
        raise EngineError("The model will not load.")


async def test_a_start_that_fails_leaves_nothing_behind(tmp_path):
    before = own_threads()
    system = Asynchronous(AsynchronousSettings(lazy_loading=False), Unloadable(), tmp_path)
    with pytest.raises(EngineError):
        await system.start()
    assert own_threads() <= before


@pytest.mark.parametrize("pauses", [0, 1, 3, 10])
async def test_closing_during_warm_up_waits_for_it_and_leaves_nothing_behind(tmp_path, pauses):
    before = own_threads()
    engine = SimulatedEngine(SimulatedSettings(load_s=0.05))
    system = Asynchronous(AsynchronousSettings(warm_up=True), engine, tmp_path)
    await system.start()
    for _ in range(pauses):
        await asyncio.sleep(0)
    await system.close()
    assert own_threads() <= before


NOT_CLOSED = """
import asyncio, sys
from pathlib import Path
from systems.asynchronous.agent import Asynchronous
from systems.asynchronous.settings import AsynchronousSettings
from systems.engines.simulated import SimulatedEngine, SimulatedSettings
from systems.interface import Request

async def main():
    agent = Asynchronous(AsynchronousSettings(), SimulatedEngine(SimulatedSettings()), Path(sys.argv[1]))
    await agent.start()
    await agent.answer(Request(id="1", session="anna", text="Where do bees live?", max_tokens=3))
    raise SystemExit(7)

asyncio.run(main())
"""


def test_a_program_that_fails_before_it_closes_its_agent_ends(tmp_path):
    assert subprocess.run([sys.executable, "-c", NOT_CLOSED, tmp_path], timeout=60, check=False).returncode == 7


async def test_closing_waits_for_a_load_whose_caller_has_left(tmp_path):
    before = own_threads()
    system = Asynchronous(AsynchronousSettings(), Shaky(), tmp_path)
    await system.start()
    turn = asyncio.create_task(system.answer(ask()))
    await until(lambda: any(task.get_name() == "load long-term memory" for task in asyncio.all_tasks()))
    turn.cancel()
    await asyncio.wait([turn])
    await system.close()
    assert own_threads() <= before


async def test_a_failed_warm_up_is_counted_and_logged(tmp_path, lines):
    system = Asynchronous(AsynchronousSettings(warm_up=True), Unloadable(), tmp_path)
    await system.start()
    with pytest.raises(EngineError):
        await system.answer(ask())
    assert system.counters().warm_up_failures == 1
    await system.close()
    [line] = [line for line in lines() if line["event"] == "warm-up failed"]
    assert (line["level"], line["error"]) == ("WARNING", "EngineError")


# Logs


async def test_a_turn_is_one_line_and_each_of_its_steps_another_without_the_users_words(tmp_path, lines, monkeypatch):
    monkeypatch.setattr(Keywords, "analyse", raising(ValueError(f"cannot extract {SECRET}")))
    await answered(tmp_path, ask(), Shaky(EngineBusy("Busy.")))
    found = lines()
    assert [line["step"] for line in found if line["event"] == "step"] == [
        "keywords",
        "system information",
        "memory lookup",
        "model",
    ]
    [turn] = [line for line in found if line["event"] == "turn"]
    assert (turn["level"], turn["outcome"], turn["retries"], turn["degraded"]) == ("INFO", "ok", 1, ["keywords"])
    assert (turn["request"], turn["session"], turn["source"]) == ("1", session_digest("anna"), "model")
    assert turn["duration_s"] >= turn["first_token_s"] >= 0
    [retry] = [line for line in found if line["event"] == "retry"]
    assert (retry["level"], retry["step"], retry["error"]) == ("WARNING", "model", "EngineBusy")
    [degraded] = [line for line in found if line["event"] == "degraded"]
    # Nobody plans a ValueError: its frames are there, its message, which quotes the user, is not.
    assert (degraded["level"], degraded["error"]) == ("ERROR", "ValueError")
    assert any("in extract" in frame or "in fail" in frame for frame in degraded["traceback"])
    text = json.dumps(found)
    assert "beekeeping" not in text
    assert "anna" not in text


@pytest.mark.parametrize(("failure", "outcome"), [(EngineError("No."), "EngineError"), (KeyError("x"), "KeyError")])
async def test_a_turn_that_fails_is_one_line_too(tmp_path, lines, failure, outcome):
    with pytest.raises(type(failure)):
        await answered(tmp_path, ask(), Shaky(failure))
    [turn] = [line for line in lines() if line["event"] == "turn"]
    assert turn["outcome"] == outcome
    assert "source" not in turn
