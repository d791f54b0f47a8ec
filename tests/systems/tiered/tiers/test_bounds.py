"""Each tier stays within its bytes, whatever a conversation is called and however large it is."""

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from systems.interface import session_of, talk
from systems.tiered.tiers.cold import Cold
from systems.tiered.tiers.database import Database
from systems.tiered.tiers.interface import KeptState
from systems.tiered.tiers.packing import Packing
from systems.tiered.tiers.warm import Warm
from systems.turn.history import Exchange
from tests.systems.tiered.tiers.placing import cold, exchanges, turns

HOSTILE = [
    "",
    "../../etc/passwd",
    "a/b\\c",
    "x" * 300_000,
    "\x00",
    "\x1f",
    "\x1f3\x1fabcd",
    "'; DROP TABLE states; --",
    "%",
    "é",
    "e\u0301",
    "‮🙂" * 50,
    "\ud800",
]


@given(st.text(), st.none() | st.text(min_size=1))
def test_a_conversation_tells_its_session(session, conversation):
    assert session_of(talk(session, conversation)) == session


async def test_conversations_with_hostile_names_come_back_each_as_its_own(place):
    names = [talk(name, conversation) for name in HOSTILE for conversation in (None, "..", "x" * 1000)]
    assert len(set(names)) == len(names)
    async with place.opened(objects=None) as tiers:
        for number, name in enumerate(names):
            tiers.leave_hot(name, exchanges(str(number)))
        tiers.trim(3)
        await tiers.moved()
        for number, name in enumerate(names):
            assert list((await tiers.fetch(name)).exchanges) == exchanges(str(number))


async def test_sessions_with_hostile_names_are_frozen_and_come_back(place):
    names = [name for name in HOSTILE if name != "\ud800"]  # which no request and no store of turns takes
    async with place.opened() as tiers:
        for name in names:
            await tiers.store.save(turns(name))
        await cold(tiers, *names)
        for name in names:
            assert await tiers.freeze(name)
        assert all(set(each) <= set("0123456789abcdef-") for each in place.bundles())
        for name in names:
            assert list((await tiers.fetch(name)).exchanges) == exchanges(name)
            assert tiers.where(name) == "hot"


async def test_half_a_character_is_not_packed_and_breaks_nothing(place):
    async with place.opened() as tiers:
        tiers.leave_hot("anna", [Exchange("\ud800", "")])
        assert tiers.where("anna") is None
        assert tiers.lost["not packed"] == 1


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 5_000)), max_size=40))
def test_the_warm_tier_is_never_larger_than_its_bound(puts):
    warm, lies = Warm(20_000), {}
    for name, size in puts:
        state = KeptState(str(name), bytes(size), 0.0, 1)
        left = warm.add(state)
        lies[state.talk] = state
        for each in left:
            del lies[each]
        assert warm.size().bytes <= 20_000
        assert warm.size().number == len(lies)
    assert all(warm.get(each) is state for each, state in lies.items())
    for each in lies:
        warm.pop(each)
    assert warm.size() == (0, 0)


def test_what_is_used_often_and_is_small_stays_warm():
    warm = Warm(100_000)
    warm.add(KeptState("often", bytes(1000), 0.0, 50))
    for number in range(1000):
        warm.add(KeptState(f"once {number}", bytes(3000), 0.0, 1))
    assert "often" in warm
    for number in range(100_000):  # but not for ever
        warm.add(KeptState(f"twice {number}", bytes(3000), 0.0, 2))
        if "often" not in warm:
            return
    raise AssertionError("it never left")


async def test_the_file_is_never_larger_than_its_bound(place):
    rng = random.Random(3)
    bound = 1 << 20
    async with place.opened(cold_bytes=bound, warm_bytes=200_000, objects=None) as tiers:
        for number in range(600):
            text = rng.randbytes(rng.randint(100, 8000)).hex()
            tiers.leave_hot(f"s{number}", [Exchange("?", text)])
            if number % 20 == 0:
                await tiers.moved()
                assert tiers.sizes()["cold"].bytes <= bound
                assert tiers.sizes()["warm"].bytes <= 200_000
        tiers.trim(3)
        await tiers.moved()
        assert tiers.sizes()["cold"].bytes <= bound
        assert tiers.lost["no room"]
        assert tiers.sizes()["cold"].number > 50
    assert (place.folder / "tiers.sqlite").stat().st_size <= bound


async def test_what_was_used_long_ago_seldom_or_is_large_leaves_the_file_first(tmp_path):
    database = Database(tmp_path / "tiers.sqlite")
    await database.open()
    cold, now = Cold(database, 1 << 20), time.time()
    state = KeptState("", Packing().pack("", [Exchange("?", random.Random(1).randbytes(5_000).hex())]), now - 3600, 5)
    large = Packing().pack("", [Exchange("?", random.Random(2).randbytes(40_000).hex())])
    await cold.put([state._replace(talk="long ago", used=now - 36_000)])
    await cold.put([state._replace(talk="seldom", uses=1)])
    await cold.put([state._replace(talk="large", packed=large)])
    for number in range(20):
        await cold.put([state._replace(talk=f"s{number}")])
    cold.most_bytes = cold.size().bytes - 48_000
    left = await cold.put([state._replace(talk="s0")])
    assert set(left) == {"long ago", "seldom", "large"}
    await database.close()


async def test_a_state_larger_than_a_tier_is_lost_and_breaks_nothing(place):
    text = random.Random(1).randbytes(300_000).hex()
    async with place.opened(warm_bytes=100_000, objects=None) as tiers:
        tiers.leave_hot("large", [Exchange("?", text)])
        assert tiers.where("large") is None
        assert await tiers.fetch("large") is None
    async with place.opened(cold_bytes=100_000, objects=None) as tiers:
        tiers.leave_hot("large", [Exchange("?", text)])
        tiers.trim(3)
        await tiers.moved()
        assert tiers.where("large") is None


async def test_frozen_sessions_take_no_more_than_their_bound_and_the_rest_stays(place):
    async with place.opened(frozen_bytes=1000) as tiers:
        for number in range(6):
            await tiers.store.save(turns(f"s{number}"))
        await cold(tiers, *[f"s{number}" for number in range(6)])
        frozen = [await tiers.freeze(f"s{number}") for number in range(6)]
        assert True in frozen
        assert False in frozen
        assert tiers.sizes()["frozen"].bytes <= 1000
        for number in range(6):
            await tiers.wake(f"s{number}")
            assert len(await tiers.store.find(f"s{number}", "who asks what", 9)) == 3


@settings(max_examples=40, deadline=None)
@given(st.lists(st.builds(Exchange, st.text(), st.text(), st.booleans(), st.text()), max_size=6))
def test_what_is_packed_is_unpacked_as_it_was(said):
    packing = Packing()
    assert list(packing.unpack("anna", packing.pack("anna", said))) == said


@pytest.mark.parametrize("stage", [2, 3])
async def test_less_memory_is_used_when_it_is_short(place, stage):
    async with place.opened(warm_bytes=100_000, objects=None) as tiers:
        for number in range(100):
            tiers.leave_hot(f"s{number}", exchanges(f"s{number}"))
        tiers.trim(stage)
        await tiers.moved()
        assert tiers.sizes()["warm"].bytes <= (50_000 if stage == 2 else 0)
        assert tiers.lost.total() == 0
