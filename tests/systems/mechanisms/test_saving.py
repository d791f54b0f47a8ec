"""Turns that are saved in the background: none that was acknowledged is lost."""

import asyncio
from random import Random

import pytest

from systems.errors import NotSaved, StoreBusy, StoreError
from systems.mechanisms.retrying import Backoff
from systems.mechanisms.saving import BackgroundSaver
from systems.memory.schema import SavedTurn


def turn(number):
    return SavedTurn(session="s", question=f"question {number}", answer="answer", keywords=())


async def test_everything_accepted_is_saved_in_order_when_closed():
    saved = []

    async def save(turns):
        await asyncio.sleep(0)
        saved.extend(turns)

    saver = BackgroundSaver(save, batch=3, queue_limit=4)
    turns = [turn(number) for number in range(20)]
    for one in turns:
        await saver.add(one)
    await saver.close()
    assert saved == turns
    assert saver.saved == 20


async def test_it_says_of_which_conversations_turns_wait():
    async def save(turns):
        await asyncio.sleep(0)

    saver = BackgroundSaver(save, batch=1, queue_limit=4)
    await saver.add(turn(1))
    assert [saver.waits(*each) for each in (("s", ""), ("s", "another"), ("t", ""))] == [True, False, False]
    await saver.settled()
    assert not saver.waits("s", "")
    await saver.close()


async def test_a_failed_save_is_tried_again_and_loses_nothing():
    saved, attempts = [], 0

    async def save(turns):
        nonlocal attempts
        attempts += 1
        if attempts == 1:
            raise StoreError("database is locked")
        saved.extend(turns)

    saver = BackgroundSaver(save, batch=10, queue_limit=10)
    await saver.add(turn(1))
    await saver.add(turn(2))
    await saver.close()
    assert [one.question for one in saved] == ["question 1", "question 2"]
    assert saver.failures == 1


async def test_turns_that_cannot_be_saved_are_counted_out_loud_at_the_end():
    async def save(turns):
        raise StoreError("disk full")

    saver = BackgroundSaver(save, batch=1, queue_limit=10)
    for number in range(3):
        await saver.add(turn(number))
    with pytest.raises(StoreError, match="3 acknowledged turns could not be saved: disk full"):
        await saver.close()


async def test_a_store_that_fails_in_an_unplanned_way_loses_no_turn_either():
    saved, attempts = [], 0

    async def save(turns):
        nonlocal attempts
        attempts += 1
        if attempts == 1:
            raise ValueError("nobody planned this")
        saved.extend(turns)

    saver = BackgroundSaver(save, batch=1, queue_limit=2)
    for number in range(5):
        await saver.add(turn(number))
    await saver.close()
    assert [one.question for one in saved] == [f"question {number}" for number in range(5)]


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


async def test_nobody_waits_for_room_while_saving_fails_and_memory_stays_bounded(monkeypatch):
    attempts, slept = 0, asyncio.sleep
    saved, works = [], asyncio.Event()

    async def save(turns):
        nonlocal attempts
        attempts += 1
        if not works.is_set():
            raise StoreError("disk full")
        saved.extend(turns)

    async def sleep(seconds):
        await (works.wait() if attempts >= 3 else slept(0))

    monkeypatch.setattr(asyncio, "sleep", sleep)
    saver = BackgroundSaver(save, batch=2, queue_limit=4)
    given = [turn(number) for number in range(40)]
    results = await asyncio.gather(*(saver.add(one) for one in given), return_exceptions=True)
    assert results[:4] == [None] * 4
    assert {type(result) for result in results[4:]} == {NotSaved}
    assert "4 turns wait to be saved, as many as may, and saving fails: disk full" in str(results[4])
    works.set()
    while len(saved) < 4:
        await slept(0)
    await saver.add(given[-1])
    await saver.close()
    assert saved == [*given[:4], given[-1]]


async def test_a_turn_that_waits_for_room_gets_it_after_a_passing_failure():
    attempts, saved = 0, []

    async def save(turns):
        nonlocal attempts
        attempts += 1
        if attempts in (1, 2):
            raise StoreBusy("database is locked")
        saved.extend(turns)

    saver = BackgroundSaver(save, batch=1, queue_limit=1)
    await asyncio.gather(*(saver.add(turn(number)) for number in range(3)))
    await saver.close()
    assert [one.question for one in saved] == [f"question {number}" for number in range(3)]


async def test_a_caller_that_leaves_while_it_waits_for_room_leaves_nothing():
    may_save, saved = asyncio.Event(), []

    async def save(turns):
        await may_save.wait()
        saved.extend(turns)

    saver = BackgroundSaver(save, batch=1, queue_limit=1)
    await saver.add(turn(0))
    waiting = asyncio.create_task(saver.add(turn(1)))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    may_save.set()
    await saver.close()
    assert [one.question for one in saved] == ["question 0"]


async def test_who_waits_for_what_was_accepted_does_not_wait_for_what_is_accepted_later():
    saved, released = [], asyncio.Semaphore(0)

    async def save(turns):
        await released.acquire()
        saved.extend(turns)

    saver = BackgroundSaver(save, batch=1, queue_limit=10)
    await saver.add(turn(1))
    settled = asyncio.create_task(saver.settled())
    await asyncio.sleep(0)
    await saver.add(turn(2))
    released.release()
    async with asyncio.timeout(30):
        await settled
    assert [one.question for one in saved] == ["question 1"]
    released.release()
    await saver.close()


async def test_who_waits_for_what_was_accepted_is_told_that_saving_fails(monkeypatch):
    monkeypatch.setattr("systems.mechanisms.saving.RETRY_FIRST_S", 0.001)
    monkeypatch.setattr("systems.mechanisms.saving.RETRY_LAST_S", 0.001)
    full = True

    async def save(turns):
        if full:
            raise StoreError("the disk is full")

    saver = BackgroundSaver(save, batch=1, queue_limit=10)
    await saver.add(turn(1))
    with pytest.raises(NotSaved, match="the disk is full"):
        await saver.settled()
    full = False
    await saver.close()
