"""The memory of research sessions: the same in every pattern, and typed errors for whatever is in its way."""

import asyncio
import sqlite3
import threading
from contextlib import asynccontextmanager, closing, suppress

import pytest

from systems.engines.interface import Message
from systems.errors import BadInput, NotSaved, StillReadable, StoreBusy, StoreError
from systems.research.keeping import memory as module
from systems.research.keeping.memory import ResearchMemory
from systems.research.keeping.tables import KeptArticle, Restored
from tests.experiments.measuring.test_interruption import small_disk

PATTERNS = ("in-loop", "thread", "queued")


def turn(number, length=10):
    return [Message("user", f"question {number} " + "x" * length), Message("assistant", f"answer {number}")]


def article(source, text="text", **more):
    return KeptArticle(source=source, title=source.upper(), text=text, **more)


@asynccontextmanager
async def opened(folder, pattern="queued", **more):
    memory = ResearchMemory(folder / "research.sqlite", pattern, **more)
    await memory.open()
    try:
        yield memory
    finally:
        await memory.close()


@pytest.fixture(params=PATTERNS)
def pattern(request):
    return request.param


async def test_a_session_is_restored_as_it_was_added(tmp_path, pattern):
    async with opened(tmp_path, pattern) as memory:
        assert await memory.add("anna", turn(1), [article("a.md", relevance=0.5), article("b.md")]) == 2
        assert await memory.add("bob", turn(7)) == 2
        assert await memory.add("anna", turn(2), [article("a.md", "newer")]) == 4
        there = await memory.restore("anna")
    async with opened(tmp_path, pattern) as memory:
        found = await memory.restore("anna")
        assert (await memory.restore("bob")).messages == tuple(turn(7))
        assert await memory.restore("nobody") == Restored()
    assert (
        found == there == Restored(messages=(*turn(1), *turn(2)), articles=(article("a.md", "newer"), article("b.md")))
    )


async def test_a_summary_covers_the_first_messages_and_they_stay(tmp_path, pattern):
    async with opened(tmp_path, pattern) as memory:
        for number in range(5):
            await memory.add("anna", turn(number))
        await memory.summarised("anna", "They spoke.", 6, turn(2)[-1])
        await memory.add("anna", turn(5))
        found = await memory.restore("anna")
    assert (found.summary, found.summarised_up_to, len(found.messages)) == ("They spoke.", 6, 12)
    assert found.window == (*turn(3), *turn(4), *turn(5))


@pytest.mark.parametrize(("summary", "up_to"), [("", 2), ("  ", 2), ("good", 5), ("good", 1), ("good", 0)])
async def test_a_summary_of_nothing_or_of_what_is_not_there_is_refused(tmp_path, pattern, summary, up_to):
    async with opened(tmp_path, pattern) as memory:
        await memory.add("anna", [*turn(1), *turn(2)])
        await memory.summarised("anna", "They spoke.", 2, turn(1)[-1])
        before = await memory.restore("anna")
        with pytest.raises(BadInput):
            await memory.summarised("anna", summary, up_to, turn(1)[-1])
        with pytest.raises(BadInput):
            await memory.summarised("nobody", "They spoke.", 1, turn(1)[0])
        assert await memory.restore("anna") == before


async def test_what_another_process_had_forgotten_comes_back_by_no_summary(tmp_path, pattern):
    async with opened(tmp_path, pattern) as memory, opened(tmp_path, pattern) as another:
        await memory.add("anna", [*turn(1), *turn(2)])
        await another.forget("anna")
        await another.add("anna", [*turn(3), *turn(4)])
        with pytest.raises(BadInput, match="forgotten"):
            await memory.summarised("anna", "They spoke of one and two.", 4, turn(2)[-1])
        assert (await another.restore("anna")).summary == ""


async def test_what_is_forgotten_is_in_no_file(tmp_path, pattern):
    async with opened(tmp_path, pattern) as memory:
        await memory.add("anna", [Message("user", "beekeeping")], [article("a.md", "beekeeping")])
        await memory.summarised("anna", "of beekeeping", 1, Message("user", "beekeeping"))
        await memory.add("bob", turn(1))
        assert await memory.forget("anna") == 1
        assert await memory.forget("anna") == 0
        for path in tmp_path.iterdir():
            assert b"beekeeping" not in path.read_bytes(), path.name
        assert await memory.restore("anna") == Restored()
        assert len((await memory.restore("bob")).messages) == 2


async def test_what_somebody_still_reads_is_said_to_be_readable(tmp_path, pattern):
    async with opened(tmp_path, pattern, busy_s=0.01) as memory:
        await memory.add("anna", turn(1))
        with closing(sqlite3.connect(tmp_path / "research.sqlite", isolation_level=None)) as other:
            other.execute("BEGIN")
            other.execute("SELECT count(*) FROM messages").fetchone()
            with pytest.raises(StillReadable, match="still be read in the journal"):
                await memory.forget("anna")
        assert await memory.restore("anna") == Restored()


async def test_closed_twice_and_asked_after_that(tmp_path, pattern):
    memory = ResearchMemory(tmp_path / "research.sqlite", pattern)
    with pytest.raises(StoreError, match="is not open"):
        await memory.restore("anna")
    await memory.open()
    await memory.add("anna", turn(1))
    await memory.close()
    await memory.close()
    for asked in (memory.add("anna", turn(2)), memory.restore("anna"), memory.forget("anna")):
        with pytest.raises(StoreError, match="is closed"):
            await asked
    async with opened(tmp_path) as again:
        assert len((await again.restore("anna")).messages) == 2


async def test_closing_waits_for_what_was_asked_for(tmp_path, pattern):
    memory = ResearchMemory(tmp_path / "research.sqlite", pattern)
    await memory.open()
    adding = [asyncio.create_task(memory.add(f"s{number}", turn(number))) for number in range(40)]
    await asyncio.sleep(0)
    await memory.close()
    ended = await asyncio.gather(*adding)
    assert ended == [2] * 40
    async with opened(tmp_path) as again:
        for number in range(40):
            assert (await again.restore(f"s{number}")).messages == tuple(turn(number))


async def test_many_at_once_in_one_session_leave_neither_a_gap_nor_a_double(tmp_path, pattern):
    async with opened(tmp_path, pattern) as memory:
        counts = await asyncio.gather(*(memory.add("anna", turn(number)) for number in range(60)))
        found = (await memory.restore("anna")).messages
    assert sorted(counts) == list(range(2, 121, 2))
    for number, count in enumerate(counts):
        assert found[count - 2 : count] == tuple(turn(number))


async def test_two_processes_may_keep_one_file(tmp_path, pattern):
    async with opened(tmp_path, pattern) as one, opened(tmp_path, "queued") as other:
        counts = await asyncio.gather(*(memory.add("anna", turn(1)) for memory in (one, other) * 10))
        assert sorted(counts) == list(range(2, 41, 2))


async def test_a_file_that_another_process_writes_is_busy_and_then_is_not(tmp_path, pattern):
    async with opened(tmp_path, pattern, busy_s=0.02) as memory:
        await memory.add("anna", turn(1))
        with closing(sqlite3.connect(tmp_path / "research.sqlite", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            failed = await asyncio.gather(
                *(memory.add("anna", turn(number)) for number in range(2, 6)), return_exceptions=True
            )
            assert [type(each) for each in failed] == [StoreBusy] * 4
            assert all(each.transient for each in failed)
            assert len((await memory.restore("anna")).messages) == 2  # who only reads need not wait
        assert await memory.add("anna", turn(6)) == 4
        assert (await memory.restore("anna")).messages == (*turn(1), *turn(6))


async def test_half_a_character_is_nobody_elses_failure(tmp_path, pattern):
    async with opened(tmp_path, pattern) as memory:
        adding = [
            memory.add("anna", turn(1)),
            memory.add("bob", [Message("user", "\ud800")]),
            memory.add("anna", turn(2)),
        ]
        good, bad, also_good = await asyncio.gather(*adding, return_exceptions=True)
        assert {good, also_good} == {2, 4}
        assert isinstance(bad, BadInput)
        assert await memory.restore("bob") == Restored()


async def test_a_file_that_may_not_grow_acknowledges_nothing_that_is_not_there(tmp_path, pattern, monkeypatch):
    connect = sqlite3.connect

    def limited(*given, **named):
        connection = connect(*given, **named)
        connection.execute("PRAGMA max_page_count=40")
        return connection

    monkeypatch.setattr(sqlite3, "connect", limited)
    async with opened(tmp_path, pattern) as memory:
        ended = await asyncio.gather(
            *(memory.add(f"s{number}", turn(number, 9000)) for number in range(30)), return_exceptions=True
        )
        failed = [each for each in ended if isinstance(each, Exception)]
        assert failed and all(type(each) is StoreError and "full" in str(each) for each in failed)
        for number, each in enumerate(ended):
            there = (await memory.restore(f"s{number}")).messages
            assert there == (() if isinstance(each, Exception) else tuple(turn(number, 9000)))
        assert await memory.forget(next(f"s{number}" for number, each in enumerate(ended) if each == 2)) == 2
        assert await memory.add("anna", turn(1)) == 2  # there is room again


@pytest.mark.needs_root
async def test_a_disk_that_is_full(tmp_path, pattern):
    with small_disk(tmp_path / "small", "2m") as disk:
        async with opened(disk, pattern) as memory:
            await memory.add("anna", turn(1))
            with suppress(OSError), (disk / "filler").open("wb", buffering=0) as filler:
                while True:
                    filler.write(bytes(4096))
            acknowledged = 1
            with pytest.raises(StoreError):
                for number in range(2, 200):
                    await memory.add("anna", turn(number, 20_000))
                    acknowledged = number
            (disk / "filler").unlink()
            assert await memory.add("anna", turn(900)) == 2 * acknowledged + 2
        async with opened(disk, pattern) as memory:
            found = [each.content.split()[1] for each in (await memory.restore("anna")).messages]
        assert found == [str(number) for number in [*range(1, acknowledged + 1), 900] for _ in range(2)]


@pytest.mark.parametrize("content", [b"no database at all, but long enough to be read as one" * 40, None])
async def test_what_is_no_file_of_sessions_cannot_be_opened(tmp_path, pattern, content):
    path = tmp_path / "research.sqlite"
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    memory = ResearchMemory(path, pattern)
    with pytest.raises(StoreError, match="cannot be opened"):
        await memory.open()
    await memory.close()
    with pytest.raises(StoreError):
        await memory.restore("anna")


async def test_a_newer_file_is_left_alone(tmp_path, pattern):
    async with opened(tmp_path, pattern) as memory:
        await memory.add("anna", turn(1))
    with closing(sqlite3.connect(tmp_path / "research.sqlite")) as connection:
        connection.execute("PRAGMA user_version=99")
    with pytest.raises(StoreError, match="schema 99"):
        await ResearchMemory(tmp_path / "research.sqlite", pattern).open()


def test_a_pattern_that_nobody_has():
    with pytest.raises(BadInput, match="in-loop, thread or queued"):
        ResearchMemory("research.sqlite", "quickly")


async def test_a_look_up_takes_an_index_however_much_is_kept(tmp_path):
    async with opened(tmp_path) as memory:
        await memory.add("anna", turn(1))
    with closing(sqlite3.connect(tmp_path / "research.sqlite")) as connection:
        for query in (
            "SELECT max(place) FROM messages WHERE session = ?",
            "SELECT role, content FROM messages WHERE session = ? ORDER BY place",
            "SELECT source FROM articles WHERE session = ? ORDER BY source",
            "SELECT summary FROM sessions WHERE session = ?",
        ):
            plan = " ".join(row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {query}", ("anna",)))
            assert "USING" in plan and "INDEX" in plan and "SCAN" not in plan and "B-TREE" not in plan, plan


# The queue


class Gate:
    """Work that holds the writer until it is let go."""

    def __init__(self):
        self.begun = threading.Event()
        self.open = threading.Event()

    def __call__(self, _):
        self.begun.set()
        assert self.open.wait(30)


async def held(memory):
    gate = Gate()
    holding = asyncio.create_task(memory._access.change(gate))
    await asyncio.to_thread(gate.begun.wait, 30)
    return gate, holding


async def test_what_waits_shares_a_transaction(tmp_path, monkeypatch):
    commits = []
    connect = sqlite3.connect

    def counted(*given, **named):
        connection = connect(*given, **named)
        connection.set_trace_callback(lambda statement: commits.append(statement) if statement == "COMMIT" else None)
        return connection

    monkeypatch.setattr(sqlite3, "connect", counted)
    async with opened(tmp_path) as memory:
        gate, holding = await held(memory)
        adding = [asyncio.create_task(memory.add(f"s{number}", turn(number))) for number in range(50)]
        await asyncio.sleep(0)
        commits.clear()
        gate.open.set()
        await asyncio.gather(holding, *adding)
        assert len(commits) == 2  # what held the writer, and all the others


async def test_one_more_than_may_wait_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MOST_WAITING", 3)
    async with opened(tmp_path) as memory:
        gate, holding = await held(memory)
        adding = [asyncio.create_task(memory.add("anna", turn(number))) for number in range(3)]
        await asyncio.sleep(0)
        with pytest.raises(NotSaved, match="as many as may"):
            await memory.add("anna", turn(3))
        gate.open.set()
        await asyncio.gather(holding, *adding)
        assert len((await memory.restore("anna")).messages) == 6


async def test_a_writer_that_dies_tells_everybody(tmp_path):
    async with opened(tmp_path) as memory:
        await memory.add("anna", turn(1))
        gate, holding = await held(memory)

        def dies(_):
            raise SystemExit("somebody ended this thread")

        dying = asyncio.create_task(memory._access.change(dies))
        waiting = [asyncio.create_task(memory.add("anna", turn(number))) for number in (2, 3)]
        await asyncio.sleep(0)
        gate.open.set()
        await holding
        for each in (dying, *waiting):
            with pytest.raises(StoreError, match="no writer any more, which ended with SystemExit"):
                await each
        with pytest.raises(StoreError, match="no writer any more"):
            await memory.add("anna", turn(4))
        assert (await memory.restore("anna")).messages == tuple(turn(1))
        await memory.close()
    async with opened(tmp_path) as memory:
        assert (await memory.restore("anna")).messages == tuple(turn(1))


async def test_who_leaves_takes_nobody_along(tmp_path, pattern):
    async with opened(tmp_path, pattern) as memory:
        leaving = asyncio.create_task(memory.add("anna", turn(1)))
        staying = asyncio.create_task(memory.add("bob", turn(2)))
        await asyncio.sleep(0)
        leaving.cancel()
        assert await staying == 2
        await asyncio.gather(leaving, return_exceptions=True)
        count = await memory.add("anna", turn(3))
        assert count in (2, 4)  # nobody knows, and it is as a whole there or not at all
        assert len((await memory.restore("anna")).messages) == count
