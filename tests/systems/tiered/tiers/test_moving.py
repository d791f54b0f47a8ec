"""What moves by itself: idle sessions are frozen, expected ones come nearer, and states share a dictionary."""

import gc
import random
import tracemalloc

import pytest

from systems.interface import talk
from systems.tiered.tiers.packing import Packing, trained
from systems.tiered.tiers.rhythm import Rhythm
from tests.systems.tiered.tiers.placing import chatter, cold, exchanges, turns


async def test_a_session_nobody_asked_for_is_frozen_by_itself(place):
    async with place.opened(freeze_after_s=0.0) as tiers:
        await tiers.store.save(turns("anna"))
        await tiers.fetch("anna")
        tiers.leave_hot("anna", exchanges("anna"))
        tiers.trim(3)
        while tiers.where("anna") != "frozen":
            await tiers.moved()
        assert len(place.bundles()) == 1
        assert tiers.moves["cold", "frozen"] == 1


async def test_a_session_that_is_expected_comes_nearer(place):
    async with place.opened() as tiers:
        await tiers.store.save(turns("anna"))
        await cold(tiers, "anna", talk("anna", "trip"))
        assert await tiers.freeze("anna")
        tiers.expect("anna")
        await tiers.moved()
        assert tiers.where("anna") == tiers.where(talk("anna", "trip")) == "warm"
        assert tiers.moves["cold", "warm"] == 2
        assert len(await tiers.store.find("anna", "who asks what", 9)) == 3


async def test_who_has_asked_is_expected_no_more_and_can_be_frozen(place):
    async with place.opened() as tiers:
        await tiers.store.save(turns("anna"))
        tiers.expect("anna")
        await tiers.fetch("anna")
        tiers.leave_hot("anna", exchanges("anna"))
        assert await tiers.freeze("anna")
        await tiers.moved()
        assert tiers.where("anna") == "frozen"
        assert tiers.moves["cold", "warm"] == 0


async def test_nothing_comes_nearer_without_prefetch_or_while_memory_is_short(place):
    async with place.opened(prefetch=False) as tiers:
        await cold(tiers, "anna")
        tiers.expect("anna")
        await tiers.moved()
        assert tiers.where("anna") == "cold"
    async with place.opened() as tiers:
        tiers.trim(1)
        tiers.expect("anna")
        await tiers.moved()
        assert tiers.where("anna") == "cold"


async def test_nothing_is_frozen_without_an_object_store(place):
    async with place.opened(objects=None, freeze_after_s=0.0) as tiers:
        await cold(tiers, "anna")
        await tiers.moved()
        assert not await tiers.freeze("anna")
        assert tiers.where("anna") == "cold"
        assert "frozen" not in tiers.sizes()


def test_a_session_is_expected_when_it_came_at_even_intervals():
    rhythm = Rhythm()
    for day in range(5):
        rhythm.note("every day", day * 86_400.0 + 10 * (day % 2))
        rhythm.note("seldom", [0.0, 100.0, 200_000.0, 250_000.0, 345_000.0][day])
    now = 5 * 86_400.0
    assert rhythm.due(60.0, now - 20) == ["every day"]
    assert rhythm.due(60.0, now - 3600) == []
    assert rhythm.due(60.0, now + 3600) == []


async def test_states_that_are_alike_take_less_with_a_dictionary(place):
    sizes = {}
    for dictionary in (False, True):
        folder = place.folder / str(dictionary)
        folder.mkdir()
        place.folder, kept = folder, place.folder
        async with place.opened(objects=None, dictionary=dictionary, warm_bytes=8 << 20) as tiers:
            for number in range(300):
                tiers.leave_hot(f"s{number}", chatter(f"s{number}"))
            tiers.trim(3)
            for _ in range(8):
                await tiers.moved()
            sizes[dictionary] = await tiers._database.do(
                lambda opened: opened.execute("SELECT sum(length(packed)) FROM states").fetchone()[0]
            )
        async with place.opened(objects=None) as tiers:
            assert list((await tiers.fetch("s7")).exchanges) == chatter("s7")
        place.folder = kept
    assert sizes[True] < 0.7 * sizes[False]


def test_no_dictionary_is_made_of_little_or_of_what_has_nothing_in_common():
    rng = random.Random(1)
    assert trained([b"word " * 10] * 10) is None
    assert trained([rng.randbytes(5_000) for _ in range(200)]) is None
    packing = Packing()
    like = [Packing().opened(packing.pack("s", chatter(f"s{number}"))) for number in range(400)]
    assert trained(like) is not None


@pytest.mark.long
async def test_memory_does_not_grow_with_what_has_come_and_gone(place):
    async with place.opened(cold_bytes=1 << 20, warm_bytes=100_000, prefetch=False) as tiers:
        tracemalloc.start()
        try:
            held = []
            for turn in range(4):
                for number in range(400):
                    name = f"{turn} {number}"
                    await tiers.fetch(name)
                    tiers.leave_hot(name, exchanges(name))
                tiers.trim(3)
                await tiers.moved()
                gc.collect()
                held.append(tracemalloc.get_traced_memory()[0])
        finally:
            tracemalloc.stop()
        assert held[-1] - held[1] < 100_000, held
