"""A step that fails is done without, and the reply says so; the model never is."""

import sqlite3
from contextlib import closing

import pytest

from systems.asynchronous.agent import Asynchronous
from systems.asynchronous.settings import AsynchronousSettings
from systems.errors import EngineError, StoreError
from systems.interface import Degraded, Source
from systems.mechanisms.caches import BoundedCache
from systems.memory.fulltext import FullTextStore
from systems.memory.keywords import Keywords
from systems.turn import surroundings
from tests.systems.asynchronous.asking import SECRET, Shaky, answered, ask, raising

BREAKS = {
    "keywords": (Keywords, "extract", ValueError("no dictionary"), "no keywords"),
    "system information": (surroundings, "read_system_information", OSError("no /proc"), "unknown"),
    "memory lookup": (FullTextStore, "find", StoreError("malformed"), "no memories"),
    "cache": (BoundedCache, "get", RuntimeError("broken"), "a miss"),
}


@pytest.mark.parametrize("step", BREAKS)
async def test_a_failed_step_is_done_without_and_the_reply_says_so(tmp_path, monkeypatch, step):
    where, name, error, to = BREAKS[step]
    monkeypatch.setattr(where, name, raising(error))
    reply, counters = await answered(tmp_path, ask(), all_words=False)
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
        await answered(tmp_path, ask(), degradation=False, all_words=False)


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
