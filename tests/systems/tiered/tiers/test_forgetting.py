"""What is forgotten is in no tier, in no file, and does not come back."""

import asyncio
import random

import pytest

from systems.errors import Unreachable
from systems.interface import talk
from systems.turn.history import Exchange
from tests.systems.tiered.tiers.placing import chatter, cold, exchanges, turns
from tests.systems.tiered.tiers.test_failures import Absent, Slow

SECRET = "the safe opens with 7261"


async def test_a_forgotten_session_is_in_no_tier_and_stays_so_after_a_restart(place):
    names = [talk("anna", each) for each in (None, "warm", "cold")]
    async with place.opened() as tiers:
        await cold(tiers, names[0], names[2], "bob")
        await tiers.fetch(names[1])
        tiers.leave_hot(names[1], exchanges(names[1]))
        await tiers.forget("anna")
        assert [tiers.where(name) for name in names] == [None] * 3
        assert tiers.where("bob") == "cold"
    async with place.opened() as tiers:
        assert [await tiers.fetch(name) for name in names] == [None] * 3
        assert await tiers.fetch("bob") is not None


async def test_to_forget_the_states_of_a_frozen_session_brings_its_turns_back_to_be_forgotten_there(place):
    async with place.opened() as tiers:
        await tiers.store.save(turns("anna"))
        await cold(tiers, "anna")
        assert await tiers.freeze("anna")
        await tiers.forget("anna")
        assert place.bundles() == []
        assert len(await tiers.store.find("anna", "who asks what", 9)) == 3
        assert await tiers.fetch("anna") is None


async def test_an_erased_session_is_gone_though_the_object_store_does_not_answer(place):
    absent = Absent(place.objects)
    async with place.opened(objects=absent) as tiers:
        await tiers.store.save(turns("anna"))
        await cold(tiers, "anna")
        assert await tiers.freeze("anna")
        absent.absent = True
        with pytest.raises(Unreachable):
            await tiers.forget("anna")
        await tiers.erase("anna")
        assert tiers.where("anna") is None
        assert await tiers.fetch("anna") is None
        assert len(place.bundles()) == 1  # until the store answers
    absent.absent = False
    async with place.opened(objects=absent) as tiers:
        assert place.bundles() == []
        assert await tiers.store.find("anna", "who asks what", 9) == []


async def test_a_session_that_is_forgotten_while_it_moves_does_not_come_back(place):
    slow = Slow(place.objects)
    async with place.opened(objects=slow) as tiers:
        await tiers.store.save(turns("anna"))
        await cold(tiers, "anna")
        slow.answering.clear()
        slow.asked.clear()
        freezing = asyncio.create_task(tiers.freeze("anna"))
        await slow.asked.wait()
        await tiers.erase("anna")
        slow.answering.set()
        assert not await freezing
        assert place.bundles() == []
        assert tiers.where("anna") is None


async def test_what_was_forgotten_stands_in_no_file(place):
    async with place.opened(objects=None) as tiers:
        names = [f"s{number}" for number in range(400)]
        told = names[:150]
        for name in names:
            tiers.leave_hot(name, [Exchange(SECRET if name in told else "", "noted"), *chatter(name)])
        tiers.trim(3)
        await tiers.moved()
        await tiers.moved()
        database = tiers._database
        assert await database.do(lambda opened: opened.execute("SELECT 1 FROM dictionaries").fetchall())
        assert b"safe opens" in (place.folder / "tiers.sqlite-wal").read_bytes()
        for name in told:
            await tiers.forget(name)
        assert await database.do(lambda opened: opened.execute("SELECT 1 FROM dictionaries").fetchall()) == []
        for file in place.folder.glob("tiers.sqlite*"):
            assert b"safe opens" not in file.read_bytes(), file.name


async def test_what_was_packed_with_a_forgotten_dictionary_is_read_all_the_same(place):
    async with place.opened(objects=None) as tiers:
        names = [f"s{number}" for number in range(400)]
        for name in names:
            tiers.leave_hot(name, chatter(name))
        tiers.trim(3)
        await tiers.moved()
        await tiers.moved()
        for name in names[:10]:
            await tiers.forget(name)
        tiers.trim(0)
        await tiers.fetch("s50")
        tiers.leave_hot("s50", chatter("s50"))
    async with place.opened(objects=None) as tiers:
        for name in names[10:]:
            assert list((await tiers.fetch(name)).exchanges) == chatter(name)
        for name in names[:10]:
            assert await tiers.fetch(name) is None


@pytest.mark.parametrize("steps", [1_000, pytest.param(10_000, marks=pytest.mark.long)])
async def test_nothing_of_one_session_is_served_to_another(place, steps):
    rng = random.Random(11)
    sessions = [f"s{number}" for number in range(40)]
    latest: dict[str, list[Exchange]] = {}
    async with place.opened(warm_bytes=30_000, cold_bytes=300_000) as tiers:
        hot: dict[str, list[Exchange]] = {}
        for step in range(steps):
            name = talk(rng.choice(sessions), rng.choice([None, "a", "b"]))
            if name not in hot:
                found = await tiers.fetch(name)
                if found is not None:
                    assert list(found.exchanges) == latest[name], "another's, or older than it was"
                hot[name] = list(found.exchanges) if found else []
            hot[name] = [*hot[name][-3:], Exchange(f"{name} {step}", "yes")]
            latest[name] = hot[name]
            if len(hot) > 10:
                left = rng.choice([each for each in hot if each != name])
                tiers.leave_hot(left, hot.pop(left))
            if step % 500 == 0:
                tiers.trim(rng.choice([0, 0, 2, 3]))
                await tiers.freeze(rng.choice(sessions))
        assert tiers.moves["warm", "hot"] + tiers.moves["cold", "hot"] + tiers.moves["frozen", "hot"] > steps / 2
