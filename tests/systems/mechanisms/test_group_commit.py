"""Turns that are saved before they are acknowledged, several in one transaction."""

import asyncio

import pytest

from systems.errors import NotSaved, StoreBusy, StoreError
from systems.mechanisms import saving
from systems.mechanisms.saving import GroupCommit
from systems.memory.schema import SavedTurn
from tests.systems.killing import killed, questions


def turn(number):
    return SavedTurn(session="s", question=f"question {number}", answer="answer")


class Gated:
    """Saves when the gate is open, and notes what it was given together."""

    def __init__(self):
        self.began = asyncio.Event()
        self.gate = asyncio.Event()
        self.groups = []

    async def __call__(self, turns):
        self.groups.append([one.question for one in turns])
        self.began.set()
        await self.gate.wait()


async def test_a_turn_is_acknowledged_after_it_is_saved():
    save = Gated()
    saver = GroupCommit(save, batch=8)
    added = asyncio.create_task(saver.add(turn(1)))
    await save.began.wait()
    assert not added.done()
    save.gate.set()
    await added
    assert saver.saved == 1


async def test_turns_that_wait_share_the_next_transaction():
    save = Gated()
    saver = GroupCommit(save, batch=4)
    first = asyncio.create_task(saver.add(turn(0)))
    await save.began.wait()
    others = [asyncio.create_task(saver.add(turn(number))) for number in range(1, 7)]
    await asyncio.sleep(0)
    save.gate.set()
    await asyncio.gather(first, *others)
    assert [len(group) for group in save.groups] == [1, 4, 2]
    assert [question for group in save.groups for question in group] == [f"question {number}" for number in range(7)]


async def test_what_a_caller_left_is_saved_all_the_same():
    save = Gated()
    saver = GroupCommit(save, batch=4)
    left = asyncio.create_task(saver.add(turn(0)))
    await save.began.wait()
    left.cancel()
    save.gate.set()
    await saver.close()
    assert saver.saved == 1


async def test_a_turn_that_cannot_be_saved_is_nobody_elses_failure():
    saved = []

    async def save(turns):
        if any(one.question == "question 1" for one in turns):
            raise StoreError("this one does not fit")
        saved.extend(one.question for one in turns)

    saver = GroupCommit(save, batch=8)
    outcomes = await asyncio.gather(*(saver.add(turn(number)) for number in range(3)), return_exceptions=True)
    assert saved == ["question 0", "question 2"]
    assert [type(each) for each in outcomes] == [type(None), NotSaved, type(None)]
    assert saver.saved == 2


async def test_a_passing_failure_is_tried_again_and_one_that_stays_is_told(monkeypatch):
    monkeypatch.setattr(saving, "RETRY_FIRST_S", 0.001)
    attempts = 0

    async def save(turns):
        nonlocal attempts
        attempts += 1
        if attempts == 1 or attempts > 2:
            raise StoreBusy("database is locked")

    saver = GroupCommit(save, batch=8)
    await saver.add(turn(0))
    assert (saver.saved, saver.failures) == (1, 1)
    with pytest.raises(NotSaved, match="database is locked"):
        await saver.add(turn(1))


WRITER = """
import asyncio
from pathlib import Path
from systems.mechanisms.saving import GroupCommit
from systems.memory.fulltext import FullTextStore
from systems.memory.schema import SavedTurn

async def talk(run, folder):
    store = FullTextStore(Path(folder) / "memory.sqlite")
    await store.open()
    saver = GroupCommit(store.save, batch=16)

    async def user(name):
        number = 0
        while True:
            await saver.add(SavedTurn(session=name, question=f"{name} said {number}", answer="yes"))
            print(f"{name} said {number}", flush=True)
            number += 1

    await asyncio.gather(*(user(f"run {run}, user {number}") for number in range(24)))
"""


def test_nothing_acknowledged_is_lost_by_a_kill(tmp_path):
    # Each at another moment, and on the file that the one before left.
    for acknowledged in killed(WRITER, str(tmp_path), after=[40 + 37 * kill for kill in range(4)]):
        assert set(acknowledged) <= questions(tmp_path)
        assert len(set(acknowledged)) >= 40
