"""The tiers: by age and for want of room a conversation moves on; whatever fails, it is had as it was or not at all."""

import asyncio
import sqlite3
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from systems.errors import Damaged, StillReadable, StoreError, Unreachable
from systems.interface import talk
from systems.pooled.tiers.held import pack
from systems.pooled.tiers.tiers import Ages, Bounds, PooledTiers
from systems.turn.history import Exchange

ROOM = Bounds(1 << 20, 1 << 20, 1 << 20)
AGES = Ages(10.0, 100.0, 1_000.0)


def said(text="My bees are Ada and Bo."):
    return [Exchange(text, "Noted.", True, f"Question: {text}"), Exchange("And?", "No more.")]


class Time:
    now = 1_000_000.0

    def __call__(self):
        return self.now


class Server:
    """A hot store that answers, or does not."""

    def __init__(self):
        self.held, self.away = {}, False

    async def open(self):
        self.held.clear()

    def _there(self):
        if self.away:
            raise Unreachable("It is away.")

    async def put(self, name, packed):
        self._there()
        await asyncio.sleep(0)
        self.held[name] = packed

    async def get(self, name):
        self._there()
        await asyncio.sleep(0)
        return self.held.get(name)

    async def take(self, name):
        self._there()
        await asyncio.sleep(0)
        return self.held.pop(name, None)

    async def delete(self, names):
        self._there()
        for name in names:
            self.held.pop(name, None)

    async def close(self):
        pass


@asynccontextmanager
async def opened(folder, bounds=ROOM, time=None, **more):
    tiers = PooledTiers(folder, bounds, **{"ages": AGES, "every_s": 1e6, "clock": time or Time(), **more})
    await tiers.open()
    try:
        yield tiers
    finally:
        await tiers.close()


async def test_it_moves_on_by_age_and_comes_back_as_it_was(tmp_path):
    time = Time()
    async with opened(tmp_path, time=time) as tiers:
        for after, tier in ((0, "hot"), (11, "warm"), (101, "cold")):
            tiers.leave_hot("vera", said())
            while tiers.where("vera") != tier:
                time.now += after
                await tiers.clean()
            brought = await tiers.fetch("vera")
            assert (brought.tier, list(brought.exchanges)) == (tier, said())
            assert tiers.where("vera") is None
        assert tiers.moves["warm", "cold"] == 1
        tiers.leave_hot("vera", said())
        for _ in range(4):
            time.now += 1_001
            await tiers.clean()
        assert await tiers.fetch("vera") is None
        assert tiers.lost["old"] == 1
        assert list((tmp_path / "cold").iterdir()) == []


async def test_without_ages_it_moves_on_for_want_of_room_alone(tmp_path):
    size = len(pack(said()))
    bounds = Bounds(2 * size, 2 * size, 10 * size)
    async with opened(tmp_path, bounds, ages=None) as tiers:
        for number in range(7):
            tiers.leave_hot(f"user {number}", said())
        await tiers.tidy()
        assert {tier: count for tier, (count, _) in tiers.sizes().items()} == {"hot": 2, "warm": 2, "cold": 3}
        assert all(taken <= bound for (_, taken), bound in zip(tiers.sizes().values(), bounds, strict=True))
        for number in range(7):
            assert list((await tiers.fetch(f"user {number}")).exchanges) == said()
        assert {tier: both for tier, both in tiers.sizes().items() if any(both)} == {}


async def test_another_run_finds_what_was_there_and_brings_near_what_was_used_last(tmp_path):
    time = Time()
    async with opened(tmp_path, time=time) as tiers:
        for number in range(4):
            time.now += 1
            tiers.leave_hot(f"user {number}", said(f"I am {number}."))
    async with opened(tmp_path, time=time) as tiers:
        assert tiers.where("user 0") == "warm"
        await tiers.bring_near(2)
        assert [tiers.where(f"user {number}") for number in range(4)] == ["warm", "warm", "hot", "hot"]
        assert (await tiers.fetch("user 0")).exchanges[0].question == "I am 0."


async def test_what_is_forgotten_while_it_is_brought_near_does_not_come_back(tmp_path, monkeypatch):
    async with opened(tmp_path) as tiers:
        tiers.leave_hot(talk("vera", "a"), said())
    async with opened(tmp_path) as tiers:
        take, taken, going_on = tiers._shelves.take, asyncio.Event(), asyncio.Event()

        async def slow(name):
            found = await take(name)
            taken.set()
            await going_on.wait()
            return found

        monkeypatch.setattr(tiers._shelves, "take", slow)
        bringing = asyncio.create_task(tiers.bring_near(1))
        await taken.wait()
        forgetting = asyncio.create_task(tiers.forget("vera"))
        await tiers._shelves.newest(1)  # so the other has done what it can do by now
        going_on.set()
        await asyncio.gather(bringing, forgetting)
        assert tiers.where(talk("vera", "a")) is None


async def test_a_damaged_file_of_warm_states_is_let_go_of(tmp_path):
    async with opened(tmp_path) as tiers:
        tiers.leave_hot("vera", said())
    (tmp_path / "pool.sqlite").write_bytes(b"nonsense " * 1_000)
    async with opened(tmp_path) as tiers:
        assert await tiers.fetch("vera") is None
        tiers.leave_hot("vera", said())
    async with opened(tmp_path) as tiers:
        assert (await tiers.fetch("vera")).tier == "warm"


async def test_damaged_pages_of_warm_states_do_not_keep_it_from_starting(tmp_path):
    async with opened(tmp_path) as tiers:
        for number in range(200):
            tiers.leave_hot(f"user {number}", said())
    path = tmp_path / "pool.sqlite"
    whole, page = path.read_bytes(), 4096
    assert len(whole) > 5 * page
    spans = [(start, start + page) for start in range(page, len(whole), page)]
    damaged = [
        whole[:start] + (b"nonsense" * len(whole))[: end - start] + whole[end:]
        for start, end in [*spans, (page, len(whole))]
    ]
    for content in [*damaged, whole.replace(b"user 7", b"\xffser 7")]:
        path.write_bytes(content)
        async with opened(tmp_path) as tiers:
            with suppress(StoreError):
                await tiers.fetch("user 0")
            tiers.leave_hot("user 0", said())
    async with opened(tmp_path) as tiers:
        assert (await tiers.fetch("user 0")).tier == "warm"


@pytest.mark.parametrize("damage", [lambda path: path.unlink(), lambda path: path.write_bytes(b"nonsense")])
async def test_a_damaged_cold_file_is_an_error_once(tmp_path, damage):
    time = Time()
    async with opened(tmp_path, time=time) as tiers:
        tiers.leave_hot("vera", said())
        for _ in range(2):
            time.now += 101
            await tiers.clean()
        [path] = (tmp_path / "cold").iterdir()
        damage(path)
        with pytest.raises(Damaged):
            await tiers.fetch("vera")
        assert tiers.lost["damaged"] == 1
        assert await tiers.fetch("vera") is None


async def test_a_cold_file_that_no_row_knows_of_goes_at_the_next_start(tmp_path):
    (tmp_path / "cold").mkdir()
    (tmp_path / "cold" / "left.part").write_bytes(b"half")
    async with opened(tmp_path):
        assert list((tmp_path / "cold").iterdir()) == []


async def test_what_cannot_be_kept_on_disk_is_lost_and_takes_no_memory(tmp_path, monkeypatch):
    async with opened(tmp_path, Bounds(0, 1 << 20, 1 << 20)) as tiers:
        monkeypatch.setattr(tiers._shelves, "_connection", Full())
        tiers.leave_hot("vera", said())
        await tiers.tidy()
        assert tiers.lost["no room"] == 1
        assert tiers.failures > 0
        assert tiers.sizes()["hot"] == (0, 0)
        monkeypatch.undo()
        assert await tiers.fetch("vera") is None


class Full:
    """A connection to a file on a full disk."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def executemany(self, *_):
        raise sqlite3.OperationalError("database or disk is full")

    execute = executemany

    def close(self):
        pass


@pytest.mark.parametrize("hot", [None, Server])
async def test_what_is_forgotten_is_in_no_tier_and_in_no_file(tmp_path, hot):
    time = Time()
    server = hot and hot()
    async with opened(tmp_path, time=time, hot=server) as tiers:
        names = [talk("vera", name) for name in "abc"]
        for name, after in zip(names, (101, 11, 0), strict=True):  # it becomes cold, warm, hot
            tiers.leave_hot(name, said("My cat is Quibbleworth."))
            tiers.leave_hot(f"bo {name}", said("My dog is Barkington."))
            time.now += after
            await tiers.clean()
        assert [tiers.where(name) for name in names] == ["cold", "warm", "hot"]
        assert set(await tiers.forget("vera")) == set(names)
        assert [tiers.where(name) for name in names] == [None] * 3
        held = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
        assert b"Quibbleworth" not in held and b"Barkington" in held
        assert len(list((tmp_path / "cold").iterdir())) == 1
        if server:
            assert all(b"Quibbleworth" not in packed for packed in server.held.values())
        for name in names:
            assert (await tiers.fetch(f"bo {name}")).exchanges[0].question == "My dog is Barkington."


async def become_cold(tiers, time, *names):
    for name in names:
        tiers.leave_hot(name, said())
    for _ in range(2):
        time.now += 101
        await tiers.clean()
    assert {tiers.where(name) for name in names} == {"cold"}


async def test_who_forgets_again_is_told_of_a_file_that_still_cannot_be_deleted(tmp_path, monkeypatch):
    unlink, stuck = Path.unlink, []

    def refused(path, missing_ok=False):
        if path in stuck:
            raise PermissionError("It is held open.")
        unlink(path, missing_ok=missing_ok)

    time = Time()
    async with opened(tmp_path, time=time) as tiers:
        names = [talk("vera", name) for name in "abc"]
        await become_cold(tiers, time, *names, talk("bo", "a"))
        stuck.append(tiers._shelves._file(names[0]))
        tiers.leave_hot(names[2], said())
        time.now += 11
        await tiers.clean()
        monkeypatch.setattr(Path, "unlink", refused)
        for _ in range(2):
            with pytest.raises(StillReadable):
                await tiers.forget("vera")
            assert [tiers.where(name) for name in names] == [None] * 3, "no turn is given it"
        assert len(list((tmp_path / "cold").iterdir())) == 2, "the others are gone"
        await tiers.forget("bo")
        monkeypatch.undo()
        await tiers.forget("vera")
        assert list((tmp_path / "cold").iterdir()) == []


async def test_a_file_that_stays_when_its_conversation_was_fetched_is_forgotten_too(tmp_path, monkeypatch):
    def refused(*_, **__):
        raise PermissionError("It is held open.")

    time, name = Time(), talk("vera", "a")
    async with opened(tmp_path, time=time) as tiers:
        await become_cold(tiers, time, name)
        monkeypatch.setattr(Path, "unlink", refused)
        assert list((await tiers.fetch(name)).exchanges) == said()
        with pytest.raises(StillReadable):
            await tiers.forget("vera")
        monkeypatch.undo()
        await tiers.forget("vera")
        assert list((tmp_path / "cold").iterdir()) == []


async def test_a_hot_store_holds_what_is_hot_and_one_that_dies_costs_no_turn(tmp_path):
    server, time = Server(), Time()
    async with opened(tmp_path, hot=server, time=time) as tiers:
        for name in ("one", "two", "three"):
            tiers.leave_hot(name, said())
        await tiers.tidy()
        assert len(server.held) == 3
        brought = await tiers.fetch("one")
        assert (brought.tier, list(brought.exchanges)) == ("hot", said())
        assert len(server.held) == 2
        server.away = True
        assert await tiers.fetch("two") is None, "it goes on from what was saved"
        tiers.leave_hot("four", said())
        await tiers.tidy()
        assert (await tiers.fetch("four")).tier == "hot", "in this process"
        time.now += 11
        await tiers.clean()
        with pytest.raises(StillReadable):
            await tiers.forget("three")
        server.away = False
        assert "three" in server.held
        await tiers.forget("three")
        assert "three" not in server.held
        tiers.leave_hot("five", said())
        await tiers.tidy()
        time.now += 11
        await tiers.clean()
        assert tiers.where("five") == "warm"


async def test_a_copy_whose_conversation_went_on_meanwhile_is_forgotten_in_the_hot_store_too(tmp_path):
    class Slow(Server):
        async def put(self, name, packed):
            await super().put(name, packed)
            put.set()
            await going_on.wait()
            self.away = True

    server, put, going_on, name = Slow(), asyncio.Event(), asyncio.Event(), talk("vera", "a")
    async with opened(tmp_path, hot=server) as tiers:
        tiers.leave_hot(name, said("My cat is Quibbleworth."))
        await put.wait()
        assert (await tiers.fetch(name)).tier == "hot"
        going_on.set()
        with pytest.raises(StillReadable):
            await tiers.forget("vera")
        server.away = False
        await tiers.forget("vera")
        assert server.held == {}


async def test_a_copy_of_which_the_hot_store_said_nothing_is_forgotten_there_too(tmp_path):
    class Late(Server):
        async def put(self, name, packed):
            await super().put(name, packed)
            raise Unreachable("The answer came late.")

    server, name = Late(), talk("vera", "a")
    async with opened(tmp_path, hot=server) as tiers:
        tiers.leave_hot(name, said("My cat is Quibbleworth."))
        await tiers.tidy()
        assert (await tiers.fetch(name)).tier == "hot"
        server.away = True
        with pytest.raises(StillReadable):
            await tiers.forget("vera")
        server.away = False
        await tiers.forget("vera")
        assert server.held == {}


async def test_what_waits_to_move_is_moved_though_nobody_asks_for_it(tmp_path):
    async with opened(tmp_path, Bounds(0, 1 << 20, 1 << 20)) as tiers:
        tiers.leave_hot("vera", said())
        async with asyncio.timeout(10):
            while tiers.where("vera") != "warm":  # noqa: ASYNC110 - another task's inside
                await asyncio.sleep(0)


async def test_an_empty_history_is_kept_nowhere(tmp_path):
    async with opened(tmp_path) as tiers:
        tiers.leave_hot("vera", said())
        tiers.leave_hot("vera", ())
        assert await tiers.fetch("vera") is None


class Moving(RuleBasedStateMachine):
    """Whatever is moved, fetched, forgotten and started anew: a conversation is had as it left last, or was dropped."""

    folders = None
    hot = None

    @initialize()
    def begin(self):
        self.runner = asyncio.Runner()
        self.folder, self.time, self.count = self.folders.mktemp("tiers"), Time(), 0
        self.lies = {}
        self.start()

    def start(self):
        size = len(pack(said("I am 1.")))
        bounds = Bounds(2 * size, 2 * size, 100 * size)
        self.tiers = PooledTiers(
            self.folder,
            bounds,
            hot=self.hot and self.hot(),
            ages=AGES._replace(cold_s=1e9),
            every_s=1e6,
            clock=self.time,
        )
        self.runner.run(self.tiers.open())

    @rule(name=st.sampled_from("abcdef"), session=st.sampled_from(["vera", "bo"]))
    def leave(self, name, session):
        self.had(name, session)  # a turn has what lies there before it goes on
        self.count += 1
        self.lies[session, name] = said(f"I am {self.count}.")
        self.tiers.leave_hot(talk(session, name), self.lies[session, name])

    @rule(name=st.sampled_from("abcdef"), session=st.sampled_from(["vera", "bo"]))
    def fetch(self, name, session):
        self.had(name, session)

    def had(self, name, session):
        found = self.runner.run(self.tiers.fetch(talk(session, name)))
        assert (found and list(found.exchanges)) == self.lies.pop((session, name), None)

    @rule(seconds=st.sampled_from([0, 11, 101]))
    def clean(self, seconds):
        self.time.now += seconds
        self.runner.run(self.tiers.clean())

    @rule()
    def tidy(self):
        self.runner.run(self.tiers.tidy())

    @rule(session=st.sampled_from(["vera", "bo"]))
    def forget(self, session):
        lay = self.runner.run(self.tiers.forget(session))
        mine = {key for key in self.lies if key[0] == session}
        assert set(lay) == {talk(*key) for key in mine}
        for key in mine:
            del self.lies[key]

    @rule()
    def restart(self):
        self.runner.run(self.tiers.close())
        self.start()

    def teardown(self):
        if self.folders is not None and hasattr(self, "tiers"):
            self.tidy()  # what is on its way is counted in both places, or in none
            assert sum(count for count, _ in self.tiers.sizes().values()) == len(self.lies)
            self.runner.run(self.tiers.close())
            self.runner.close()


@pytest.mark.parametrize("hot", [None, Server])
def test_a_conversation_lies_in_one_place_as_it_left(tmp_path_factory, hot):
    machine = type("Moving", (Moving,), {"folders": tmp_path_factory, "hot": hot})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=10, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
        ),
    )
