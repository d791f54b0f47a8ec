"""The tiers: by age and for want of room a conversation moves on; whatever fails, it is had as it was or not at all."""

import asyncio
import sqlite3
import threading
from contextlib import asynccontextmanager, closing, suppress
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


NONSENSE = b"nonsense" * 512


def pages(path):
    """Yield the content of the file at ``path`` with each page but the first damaged in turn."""
    whole = path.read_bytes()
    for start in range(len(NONSENSE), len(whole), len(NONSENSE)):
        yield whole[:start] + NONSENSE + whole[start + len(NONSENSE) :]


async def test_a_damaged_page_costs_what_lay_there_and_nothing_that_comes_later(tmp_path, caplog):
    names = [f"user {number}" for number in range(60)]
    async with opened(tmp_path) as tiers:
        for name in names:
            tiers.leave_hot(name, said())
    path = tmp_path / "pool.sqlite"
    damaged = list(pages(path))
    assert len(damaged) > 5
    for content in damaged:
        path.write_bytes(content)
        caplog.clear()
        async with opened(tmp_path) as tiers:
            for name in names:
                found = await tiers.fetch(name)
                assert found is None or list(found.exchanges) == said()
                tiers.leave_hot(name, said())
            assert tiers.failures == 1
            assert "their file is damaged" in caplog.text
        async with opened(tmp_path) as tiers:
            assert {(await tiers.fetch(name)).tier for name in names} == {"warm"}


async def test_who_forgets_where_the_index_is_damaged_has_it_out_of_the_file(tmp_path):
    names = [talk("vera", "a"), talk("vera", "b"), talk("bo", "a")]
    async with opened(tmp_path) as tiers:
        for name in names:
            tiers.leave_hot(name, said("My cat is Quibbleworth."))
    path = tmp_path / "pool.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        [[page]] = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'states_by_session'")
    content = path.read_bytes()
    start = (page - 1) * len(NONSENSE)
    path.write_bytes(content[:start] + NONSENSE + content[start + len(NONSENSE) :])
    async with opened(tmp_path) as tiers:
        assert set(await tiers.forget("vera")) == set(names[:2]), "the engine is told of these"
        assert b"Quibbleworth" not in path.read_bytes()
        assert [tiers.where(name) for name in names] == [None] * 3
        assert tiers.lost["damaged"] == 3
        assert await tiers.fetch(names[2]) is None, "it is made again from its turns"


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


async def test_a_cold_file_that_cannot_be_deleted_at_the_start_stays_and_who_forgets_is_told(tmp_path, monkeypatch):
    unlink, folder = Path.unlink, tmp_path / "cold"
    stuck = folder / "left.z"
    folder.mkdir()
    for path in (stuck, folder / "half.part"):
        path.write_bytes(b"somebody's")

    def refused(path, missing_ok=False):
        if path == stuck:
            raise PermissionError("It is held open.")
        unlink(path, missing_ok=missing_ok)

    time = Time()
    monkeypatch.setattr(Path, "unlink", refused)
    async with opened(tmp_path, time=time) as tiers:
        assert list(folder.iterdir()) == [stuck]
        await become_cold(tiers, time, "vera")
        for _ in range(2):
            with pytest.raises(StillReadable, match="nobody knows whose"):
                await tiers.forget("vera")
            assert list(folder.iterdir()) == [stuck], "what is known to be hers is gone"
        monkeypatch.undo()
        await tiers.forget("vera")
        assert list(folder.iterdir()) == []


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


async def test_a_turn_waits_for_a_few_conversations_that_become_cold_and_not_for_all(tmp_path, monkeypatch):
    time = Time()
    async with opened(tmp_path, time=time) as tiers:
        names = [f"user {number}" for number in range(300)]
        for name in names:
            tiers.leave_hot(name, said())
        time.now += 11
        await tiers.clean()
        write, written, begun, going_on = tiers._shelves._write, [], asyncio.Event(), threading.Event()
        loop = asyncio.get_running_loop()

        def slow(name, packed):
            loop.call_soon_threadsafe(begun.set)
            assert going_on.wait(30)
            written.append(name)
            return write(name, packed)

        monkeypatch.setattr(tiers._shelves, "_write", slow)
        time.now += 101
        cleaning = asyncio.create_task(tiers.clean())
        await begun.wait()
        loop.call_soon(going_on.set)
        assert (await tiers.fetch(names[-1])).tier == "warm"
        assert len(written) < len(names) / 2
        await cleaning
        assert len(written) == len(names) - 1
        assert [tiers.where(name) for name in names] == ["cold"] * (len(names) - 1) + [None]
        assert tiers.moves["warm", "cold"] == len(names) - 1


async def test_a_turn_waits_for_a_few_conversations_that_become_warm_and_not_for_all(tmp_path):
    time = Time()
    async with opened(tmp_path, time=time) as tiers:
        tiers.leave_hot("vera", said())
        time.now += 11
        await tiers.clean()
        names = [f"user {number}" for number in range(400)]
        for name in names:
            tiers.leave_hot(name, said())
        time.now += 11
        going_on = threading.Event()
        tiers._shelves._thread.submit(going_on.wait, 30)
        cleaning = asyncio.create_task(tiers.clean())
        await asyncio.sleep(0)  # so it has asked for the first of them
        fetching = asyncio.create_task(tiers.fetch("vera"))
        await asyncio.sleep(0)
        going_on.set()
        assert (await fetching).tier == "warm"
        assert sum(tiers.where(name) == "warm" for name in names) < len(names) / 2
        await cleaning
        assert {tiers.where(name) for name in names} == {"warm"}


async def test_what_a_turn_gave_up_on_while_it_was_taken_lies_there_no_more(tmp_path, monkeypatch):
    time = Time()
    async with opened(tmp_path, time=time) as tiers:
        await become_cold(tiers, time, "vera")
        read, begun, going_on = tiers._shelves._read, asyncio.Event(), threading.Event()
        loop = asyncio.get_running_loop()

        def slow(name):
            loop.call_soon_threadsafe(begun.set)
            assert going_on.wait(30)
            return read(name)

        monkeypatch.setattr(tiers._shelves, "_read", slow)
        fetching = asyncio.create_task(tiers.fetch("vera"))
        await begun.wait()
        fetching.cancel()
        await asyncio.wait([fetching])
        going_on.set()
        await tiers._shelves.newest(1)  # so the other has been done by now
        assert tiers.where("vera") is None
        assert tiers.sizes()["cold"] == (0, 0)
        assert list((tmp_path / "cold").iterdir()) == []


async def test_what_a_turn_gave_up_on_before_it_was_taken_still_lies_there(tmp_path):
    async with opened(tmp_path) as tiers:
        tiers.leave_hot("vera", said())
    async with opened(tmp_path, patience_s=0.01) as tiers:
        going_on = threading.Event()
        tiers._shelves._thread.submit(going_on.wait, 30)
        with pytest.raises(Unreachable):
            await tiers.fetch("vera")
        assert tiers.where("vera") == "warm"
        going_on.set()
        tiers._patience_s = 30.0
        assert list((await tiers.fetch("vera")).exchanges) == said()
        assert tiers.where("vera") is None


async def test_a_file_that_cannot_be_written_leaves_none_that_no_row_knows_of(tmp_path, monkeypatch):
    time = Time()
    async with opened(tmp_path, time=time) as tiers:
        names = [f"user {number}" for number in range(5)]
        for name in names:
            tiers.leave_hot(name, said())
        time.now += 11
        await tiers.clean()
        write = tiers._shelves._write

        def full(name, packed):
            if name == names[3]:
                raise OSError("No space is left.")
            return write(name, packed)

        monkeypatch.setattr(tiers._shelves, "_write", full)
        time.now += 101
        await tiers.clean()
        cold = {tiers._shelves._file(name) for name in names if tiers.where(name) == "cold"}
        assert {tiers.where(name) for name in names} <= {"cold", "warm"}
        assert set((tmp_path / "cold").iterdir()) == cold
        for name in names:
            assert list((await tiers.fetch(name)).exchanges) == said()
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
