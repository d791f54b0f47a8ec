"""What goes wrong below a turn has a type, the turn goes on with what was saved, and nothing old comes back."""

import asyncio
import sqlite3
from contextlib import closing

import pytest

from systems.errors import BadInput, Damaged, StoreBusy, StoreError, Unreachable
from systems.interface import talk
from systems.tiered.tiers.objects import Folder, opened
from systems.tiered.tiers.tiers import FILE, Tiers
from systems.turn.history import Exchange
from tests.experiments.measuring.test_interruption import small_disk
from tests.systems.tiered.tiers.placing import cold, exchanges, turns


class Slow:
    """Objects that answer when they are let."""

    def __init__(self, objects):
        self._objects = objects
        self.answering = asyncio.Event()
        self.answering.set()
        self.asked = asyncio.Event()

    async def _wait(self):
        self.asked.set()
        await self.answering.wait()

    async def put(self, name, data):
        await self._wait()
        await self._objects.put(name, data)

    async def get(self, name):
        await self._wait()
        return await self._objects.get(name)

    async def delete(self, name):
        await self._wait()
        await self._objects.delete(name)


class Absent:
    """Objects that cannot be reached while ``absent``."""

    def __init__(self, objects):
        self._objects = objects
        self.absent = False

    def __getattr__(self, name):
        async def call(*given):
            if self.absent:
                raise Unreachable("The object store could not be reached.")
            return await getattr(self._objects, name)(*given)

        return call


async def test_a_damaged_state_is_told_and_then_gone(place):
    async with place.opened() as tiers:
        await cold(tiers, "anna")
        with closing(sqlite3.connect(place.folder / FILE)) as file, file:
            packed = file.execute("SELECT packed FROM states").fetchone()[0]
            file.execute("UPDATE states SET packed = ?", (packed[:-8] + b"damaged!",))
        with pytest.raises(Damaged):
            await tiers.fetch("anna")
        assert tiers.lost["damaged"] == 1
        await cold(tiers, "anna")
        assert list((await tiers.fetch("anna")).exchanges) == exchanges("anna")


async def test_a_state_of_another_conversation_is_not_served(place):
    async with place.opened() as tiers:
        await cold(tiers, "anna", "bob")
        with closing(sqlite3.connect(place.folder / FILE)) as file, file:
            of_bob = file.execute("SELECT packed FROM states WHERE name = ?", (b"bob",)).fetchone()[0]
            file.execute("UPDATE states SET packed = ?", (of_bob,))
        with pytest.raises(Damaged):
            await tiers.fetch("anna")
        assert list((await tiers.fetch("bob")).exchanges) == exchanges("bob")


@pytest.mark.parametrize("harm", [lambda data: data[:-1], lambda data: b"x" + data[1:], lambda data: b""])
async def test_a_damaged_bundle_is_told_and_stays(place, harm):
    async with place.opened() as tiers:
        await tiers.store.save(turns("anna"))
        await cold(tiers, "anna")
        assert await tiers.freeze("anna")
        [name] = place.bundles()
        file = place.folder / "bundles" / name
        whole = file.read_bytes()
        file.write_bytes(harm(whole))
        with pytest.raises(Damaged):
            await tiers.fetch("anna")
        file.write_bytes(whole)  # somebody has another copy
        await tiers.wake("anna")
        assert len(await tiers.store.find("anna", "who asks what", 9)) == 3


async def test_while_another_writer_has_the_file_conversations_are_read_and_nothing_old_comes_back(place):
    async with place.opened() as tiers:
        await cold(tiers, "anna")
        with closing(sqlite3.connect(place.folder / FILE, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            fetched = await tiers.fetch("anna")
            assert list(fetched.exchanges) == exchanges("anna")
            other.execute("ROLLBACK")
        await tiers.moved()
    async with place.opened() as tiers:  # as after a kill: the conversation went on, and its state was lost
        assert await tiers.fetch("anna") is None


async def test_a_file_locked_for_good_is_an_error_with_a_type(place):
    async with place.opened() as tiers:
        await tiers.store.save(turns("anna"))
        await cold(tiers, "anna")
        assert await tiers.freeze("anna")
        with closing(sqlite3.connect(place.folder / FILE, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreBusy):
                await tiers.fetch("anna")
            other.execute("ROLLBACK")
        await tiers.wake("anna")
        assert len(await tiers.store.find("anna", "who asks what", 9)) == 3


async def test_a_file_that_is_no_database_is_an_error_with_a_type(place):
    (place.folder / FILE).write_bytes(b"not a database" * 1000)
    with pytest.raises(StoreError, match=FILE):
        async with place.opened():
            pass


async def test_a_file_of_a_newer_version_is_left_alone(place):
    async with place.opened():
        pass
    with closing(sqlite3.connect(place.folder / FILE)) as file:
        file.execute("PRAGMA user_version=99")
    with pytest.raises(StoreError, match="schema 99"):
        async with place.opened():
            pass


async def test_a_turn_waits_only_so_long_for_a_slow_store_and_what_comes_later_is_not_older_than_it(place):
    slow = Slow(place.objects)
    async with place.opened(objects=slow, patience_s=0.05) as tiers:
        await tiers.store.save(turns("anna"))
        await cold(tiers, "anna", talk("anna", "trip"))
        assert await tiers.freeze("anna")
        slow.answering.clear()
        with pytest.raises(Unreachable):
            await tiers.fetch("anna")
        new = [Exchange("what was said meanwhile", "yes")]
        tiers.leave_hot("anna", new)
        slow.answering.set()
        await tiers.wake("anna")
        assert len(await tiers.store.find("anna", "who asks what", 9)) == 3
        assert list((await tiers.fetch("anna")).exchanges) == new
        assert list((await tiers.fetch(talk("anna", "trip"))).exchanges) == exchanges(talk("anna", "trip"))


async def test_a_turn_that_comes_while_its_session_is_being_frozen_does_not_wait(place):
    slow = Slow(place.objects)
    async with place.opened(objects=slow) as tiers:
        await tiers.store.save(turns("anna"))
        await cold(tiers, "anna")
        slow.answering.clear()
        slow.asked.clear()
        freezing = asyncio.create_task(tiers.freeze("anna"))
        await slow.asked.wait()
        assert (await tiers.fetch("anna")).tier == "cold"
        slow.answering.set()
        assert not await freezing
        assert place.bundles() == []
        assert len(await tiers.store.find("anna", "who asks what", 9)) == 3


async def test_a_state_is_not_older_than_turns_that_were_saved_while_the_store_was_away(place):
    absent = Absent(place.objects)
    async with place.opened(objects=absent) as tiers:
        await tiers.store.save(turns("anna"))
        await cold(tiers, "anna")
        assert await tiers.freeze("anna")
        absent.absent = True
        with pytest.raises(Unreachable):
            await tiers.fetch("anna")
        await tiers.store.save(turns("anna", number=4)[3:])  # and the state is lost with a kill
    absent.absent = False
    async with place.opened(objects=absent) as tiers:
        assert await tiers.fetch("anna") is None
        assert len(await tiers.store.find("anna", "who asks what", 9)) == 3 + 1


async def test_a_session_stays_where_it_is_when_its_bundle_cannot_be_written(place):
    absent = Absent(place.objects)
    async with place.opened(objects=absent) as tiers:
        await tiers.store.save(turns("anna"))
        await cold(tiers, "anna")
        absent.absent = True
        with pytest.raises(Unreachable):
            await tiers.freeze("anna")
        assert tiers.where("anna") == "cold"
        assert len(await tiers.store.find("anna", "who asks what", 9)) == 3


async def test_a_file_that_may_not_grow_leaves_states_where_they_are(place, monkeypatch):
    async with place.opened() as tiers:
        await cold(tiers, "anna")
        pages = await tiers._database.do(lambda opened: opened.execute("PRAGMA page_count").fetchone()[0])
        await tiers._database.do(lambda opened: opened.execute(f"PRAGMA max_page_count={pages}").fetchone())
        names = [f"s{number}" for number in range(200)]
        for name in names:
            tiers.leave_hot(name, exchanges(name, 20))
        tiers.trim(3)
        await tiers.moved()
        assert tiers.failures
        assert {tiers.where(name) for name in names} == {"warm"}
        assert list((await tiers.fetch("s7")).exchanges) == exchanges("s7", 20)
        assert list((await tiers.fetch("anna")).exchanges) == exchanges("anna")
        await tiers._database.do(lambda opened: opened.execute("PRAGMA max_page_count=1000000").fetchone())
        await tiers.moved()
        assert tiers.where("s8") == "cold"


@pytest.mark.needs_root
async def test_a_full_disk_leaves_sessions_where_they_are(place, tmp_path):
    with small_disk(tmp_path / "small", "64k"):
        filled = tmp_path / "small" / "filled"
        async with place.opened(objects=Folder(tmp_path / "small")) as tiers:
            await tiers.store.save(turns("anna"))
            await cold(tiers, "anna")
            filled.write_bytes(b"x" * 65_536)
            with pytest.raises(StoreError, match="No space left"):
                await tiers.freeze("anna")
            assert tiers.where("anna") == "cold"
            filled.unlink()
            assert await tiers.freeze("anna")
            assert list((await tiers.fetch("anna")).exchanges) == exchanges("anna")


@pytest.mark.parametrize("steps", range(12))
async def test_a_cancelled_turn_loses_no_state(place, steps):
    async with place.opened() as tiers:
        await cold(tiers, "anna")
        turn = asyncio.create_task(tiers.fetch("anna"))
        for _ in range(steps):
            await asyncio.sleep(0)
        if not turn.cancel():
            return
        with pytest.raises(asyncio.CancelledError):
            await turn
        assert list((await tiers.fetch("anna")).exchanges) == exchanges("anna")


async def test_objects_are_not_kept_just_anywhere(tmp_path):
    with pytest.raises(BadInput, match="ftp"):
        opened("ftp://there", tmp_path)
    with pytest.raises(BadInput, match="both"):
        Tiers(tmp_path, warm_bytes=1, cold_bytes=1, objects=Folder(tmp_path))
