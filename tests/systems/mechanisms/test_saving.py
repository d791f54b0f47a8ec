"""Turns that are saved in the background: none that was acknowledged is lost."""

import asyncio
from random import Random

import pytest

from systems.errors import StoreBusy, StoreError
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
