"""What fails for a moment is tried again, and nothing else is."""

import pytest

from systems.answering import agent
from systems.asynchronous.agent import Asynchronous
from systems.asynchronous.settings import AsynchronousSettings
from systems.errors import EngineBusy, EngineError, StoreBusy
from systems.interface import Source
from systems.mechanisms.retrying import ATTEMPTS
from systems.memory.fulltext import FullTextStore
from tests.systems.asynchronous.asking import Shaky, answered, ask


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
