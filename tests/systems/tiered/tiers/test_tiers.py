"""What an agent may rely on: a conversation comes back as it left, wherever it lay."""

import asyncio

from systems.interface import talk
from tests.systems.tiered.tiers.placing import cold, exchanges, turns


async def test_a_conversation_comes_back_as_it_left_from_each_tier(place):
    async with place.opened() as tiers:
        assert await tiers.fetch("anna") is None
        assert tiers.where("anna") == "hot"
        tiers.leave_hot("anna", exchanges("anna"))
        assert tiers.where("anna") == "warm"
        fetched = await tiers.fetch("anna")
        assert (list(fetched.exchanges), fetched.tier) == (exchanges("anna"), "warm")
        await cold(tiers, "anna")
        fetched = await tiers.fetch("anna")
        assert (list(fetched.exchanges), fetched.tier) == (exchanges("anna"), "cold")
        await cold(tiers, "anna")
        assert await tiers.freeze("anna")
        assert tiers.where("anna") == "frozen"
        fetched = await tiers.fetch("anna")
        assert (list(fetched.exchanges), fetched.tier) == (exchanges("anna"), "frozen")
        assert tiers.where("anna") == "hot"
        assert place.bundles() == []
        assert tiers.failures == 0
        assert tiers.lost.total() == 0


async def test_what_lay_warm_when_the_tiers_closed_is_there_when_they_open(place):
    async with place.opened() as tiers:
        tiers.leave_hot("anna", exchanges("anna"))
    async with place.opened() as tiers:
        assert (await tiers.fetch("anna")).tier == "cold"


async def test_the_turns_of_a_frozen_session_leave_long_term_memory_and_come_back(place):
    name = talk("anna", "trip")
    async with place.opened() as tiers:
        await tiers.store.save(turns("anna") + turns("anna", "trip") + turns("bob"))
        await cold(tiers, "anna", name)
        assert await tiers.freeze("anna")
        assert await tiers.store.find("anna", "who asks what", 10) == []
        assert await tiers.store.find("bob", "who asks what", 10)
        assert len(place.bundles()) == 1
    async with place.opened() as tiers:
        assert tiers.sizes()["frozen"].number == 1
        await tiers.fetch("anna")
        assert len(await tiers.store.find("anna", "who asks what", 10)) == 6
        assert tiers.where(name) == "cold"
        assert tiers.sizes()["frozen"].number == 0


async def test_two_turns_of_one_session_at_once_both_find_what_was_frozen(place):
    names = [talk("anna", f"{number}") for number in range(5)]
    async with place.opened() as tiers:
        await tiers.store.save(turns("anna"))
        await cold(tiers, *names)
        assert await tiers.freeze("anna")
        found = await asyncio.gather(*map(tiers.fetch, names))
        assert [list(each.exchanges) for each in found] == [exchanges(name) for name in names]
        assert tiers.moves["frozen", "cold"] == 5


async def test_a_session_in_use_is_not_frozen(place):
    async with place.opened() as tiers:
        await cold(tiers, "anna", talk("anna", "trip"))
        await tiers.fetch("anna")
        assert not await tiers.freeze("anna")
        assert tiers.where(talk("anna", "trip")) == "cold"
