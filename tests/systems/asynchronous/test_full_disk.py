"""A disk that is full while turns are saved in the background: replies go on, and say what is not saved."""

import asyncio
import sqlite3
from contextlib import suppress

import pytest

from systems.asynchronous.agent import Asynchronous
from systems.asynchronous.settings import AsynchronousSettings
from systems.errors import NotSaved
from systems.interface import Degraded, Request
from tests.experiments.measuring.test_interruption import small_disk
from tests.systems.asynchronous.asking import until
from tests.systems.conversing import simulated, stored

WAITING = 3
NOT_SAVED = Degraded(step="saving", to="not saved", error="NotSaved")


def asked(text, number=0):
    return Request(id=f"{text} {number}", session=f"s{number}", text=f"{text} {number} " + "x" * 5000, max_tokens=2)


async def say(system, text, number=0):
    return await system.answer(asked(text, number))


async def spoken_until_unsaved(system):
    """Say things, one after another, until one is not saved; return what was accepted on the way."""
    accepted = []
    for number in range(400):
        reply = await say(system, "The disk fills", number)
        if reply.degraded:
            assert NOT_SAVED in reply.degraded
            return accepted
        accepted.append(asked("The disk fills", number).text)
    raise AssertionError("the disk did not fill")


async def goes_on_and_recovers(folder, system, make_room):
    accepted = await spoken_until_unsaved(system)
    # The store still fails, and many turns end; they only say so.
    failures, unsaved = system.counters().save_failures, system.counters().unsaved
    replies = await asyncio.gather(*(say(system, "Nothing fits", number) for number in range(30)))
    assert all(reply.text and NOT_SAVED in reply.degraded for reply in replies)
    assert system.counters().unsaved == unsaved + 30
    assert failures >= 3
    make_room()
    await until(lambda: system.counters().saved == len(accepted))
    assert NOT_SAVED not in (await say(system, "There is room again")).degraded
    await system.close()
    assert [question for _, question, _ in stored(folder)] == [*accepted, asked("There is room again").text]


async def test_a_file_that_may_not_grow(tmp_path, monkeypatch):
    connect, most_pages = sqlite3.connect, 60

    def limited(*given, **named):
        connection = connect(*given, **named)
        if most_pages:
            connection.execute(f"PRAGMA max_page_count={most_pages}")
        return connection

    def make_room():
        nonlocal most_pages
        most_pages = 0

    monkeypatch.setattr(sqlite3, "connect", limited)
    # LIKE connects for every operation, and so meets the bound that is in force.
    settings = AsynchronousSettings(full_text=False, save_queue=WAITING, deadline_s=60)
    system = Asynchronous(settings, simulated(slots=8), tmp_path)
    await system.start()
    await goes_on_and_recovers(tmp_path, system, make_room)


@pytest.mark.needs_root
async def test_a_disk_that_is_full(tmp_path):
    with small_disk(tmp_path / "small", "2m") as disk:
        system = Asynchronous(AsynchronousSettings(save_queue=WAITING), simulated(slots=8), disk)
        await system.start()
        await say(system, "There is room")
        await until(lambda: system.counters().saved)
        with suppress(OSError), (disk / "filler").open("wb", buffering=0) as filler:
            while True:
                filler.write(bytes(4096))
        accepted = [asked("There is room").text, *await spoken_until_unsaved(system)]
        replies = await asyncio.gather(*(say(system, "Nothing fits", number) for number in range(30)))
        assert all(reply.text and NOT_SAVED in reply.degraded for reply in replies)
        (disk / "filler").unlink()
        await until(lambda: system.counters().saved == len(accepted))
        await system.close()
        assert [question for _, question, _ in stored(disk)] == accepted


async def test_without_degradation_a_turn_that_is_not_saved_is_an_error(tmp_path, monkeypatch):
    connect = sqlite3.connect
    settings = AsynchronousSettings(full_text=False, save_queue=1, degradation=False)
    system = Asynchronous(settings, simulated(slots=8), tmp_path)
    await system.start()
    await say(system, "There is room")
    await until(lambda: system.counters().saved)

    class Full(sqlite3.Connection):
        def executemany(self, *_):
            raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(sqlite3, "connect", lambda *given, **named: connect(*given, **named, factory=Full))
    with pytest.raises(NotSaved, match="database or disk is full"):
        for number in range(3):
            await say(system, "Nothing fits", number)
    monkeypatch.setattr(sqlite3, "connect", connect)
    await system.close()


async def test_the_same_question_asked_at_once_says_of_each_turn_whether_it_is_saved(tmp_path, monkeypatch):
    connect = sqlite3.connect

    class Full(sqlite3.Connection):
        def executemany(self, *_):
            raise sqlite3.OperationalError("database or disk is full")

    system = Asynchronous(AsynchronousSettings(full_text=False, save_queue=1), simulated(token_s=0.01), tmp_path)
    await system.start()
    monkeypatch.setattr(sqlite3, "connect", lambda *given, **named: connect(*given, **named, factory=Full))
    await say(system, "This one waits")
    replies = await asyncio.gather(*(system.answer(asked("Not saved", 1)) for _ in range(3)))
    assert [reply.degraded.count(NOT_SAVED) for reply in replies] == [1, 1, 1]
    monkeypatch.setattr(sqlite3, "connect", connect)
    await system.close()
