"""What is held in memory finds what the file has, whoever writes to it, and takes no more than it may."""

import asyncio
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from systems.memory import index, relevance, retrieval, words
from systems.memory import resident as in_memory
from systems.memory.fulltext import FullTextStore
from systems.memory.recent import Recent
from systems.memory.resident import Lookup, Resident
from systems.memory.schema import BY_SESSION, INSERT, SavedTurn, prepare
from systems.memory.searched import Searched

HOUR = 3600.0

SAID = (
    "vera keeps bees in lisbon oslo winter 王芳 住在 杭州 Zürich C++ ไทย where does the garden? who? I moved!".split()
)
TEXTS = st.one_of(
    st.lists(st.sampled_from(SAID), min_size=1, max_size=7).map(" ".join),
    st.lists(st.sampled_from(SAID), min_size=30, max_size=80).map(" ".join),
)
SESSIONS = st.sampled_from(["s", "t", "名"])
TURNS = st.builds(
    SavedTurn,
    session=SESSIONS,
    question=TEXTS,
    answer=st.sampled_from(["", "Noted."]),
    important=st.booleans(),
    created=st.integers(0, 30).map(lambda number: number * HOUR / 4),
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("save"), st.lists(TURNS, min_size=1, max_size=4)),
        st.tuples(st.just("find"), SESSIONS, TEXTS, st.integers(1, 5)),
        st.tuples(st.just("find"), SESSIONS, TEXTS, st.integers(1, 5)),
        st.tuples(st.just("saved elsewhere"), st.lists(TURNS, min_size=1, max_size=3), st.booleans()),
        st.tuples(st.just("forgotten elsewhere"), SESSIONS),
        st.tuples(st.just("retention"), st.integers(30, 60)),
    ),
    max_size=25,
)


def write(path, statement, rows):
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executemany(statement, rows)


def searched(path, session, question, limit, how):
    """What is found in a copy of the file where nothing is held."""
    with closing(sqlite3.connect(path)) as file, closing(sqlite3.connect(":memory:")) as copy:
        file.backup(copy)
        index.make(copy, lengths=False)
        with copy:
            index.catch_up(copy)
        asked = words.asked(question)
        return retrieval.find(copy, Recent(), None, session, asked, limit, how, context=True)


async def played(path, steps, how, resident_bytes):
    store = FullTextStore(path, how=how, resident_bytes=resident_bytes)
    await store.open()
    try:
        for kind, *what in steps:
            match kind:
                case "save":
                    await store.save(what[0])
                case "find":
                    assert await store.find_turns(*what) == searched(path, *what, how)
                case "saved elsewhere":
                    write(path, INSERT, [turn.row(cut=what[1]) for turn in what[0]])
                case "forgotten elsewhere":
                    write(path, "DELETE FROM memories WHERE session = ?", [what])
                case "retention":
                    store._most_bytes, store._unlooked = what[0] * 1024, 64
        for session in ("s", "t", "名"):
            for question in ("vera bees", "王芳 住在 杭州 lisbon", " ".join(SAID)):
                assert await store.find_turns(session, question, 4) == searched(path, session, question, 4, how)
    finally:
        await store.close()


@pytest.mark.parametrize("how", ["relevance", "blended"])
@pytest.mark.parametrize(("resident_bytes", "whole"), [(1 << 20, 1_000), (1 << 20, 5), (20_000, 1_000)])
@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_what_is_held_finds_what_the_file_has(tmp_path, monkeypatch, how, resident_bytes, whole, steps):
    monkeypatch.setattr("systems.memory.resident.WHOLE", whole)
    monkeypatch.setattr("systems.memory.fulltext._UNINDEXED", 5)
    with TemporaryDirectory(dir=tmp_path) as folder:
        asyncio.run(played(Path(folder) / "memory.sqlite", steps, how, resident_bytes))


@settings(deadline=None, max_examples=80)
@given(st.lists(TURNS, min_size=8, max_size=30), TEXTS, st.integers(1, 3), st.booleans())
def test_turns_that_were_imported_stand_where_they_belong(turns, question, limit, context):
    with closing(sqlite3.connect(":memory:")) as connection:
        prepare(connection)
        connection.execute(BY_SESSION)
        with connection:
            rows = [msgspec.structs.replace(turn, session="s").row(cut=True) for turn in turns]
            connection.executemany(INSERT, rows)
        index.make(connection, lengths=False)
        asked = words.asked(question)
        sources = Searched(connection, Recent(), "s", asked), Lookup(Resident(1 << 20).get(connection, "s"), "s", asked)
        in_file, held = (relevance.rank(source, asked, limit, context=context) for source in sources)
        assert [(one.score, one.row.created, one.row.question) for one in held] == [
            (one.score, one.row.created, one.row.question) for one in in_file
        ]


@pytest.fixture
def file():
    """A connection to a memory of ten sessions of ten turns."""
    with closing(sqlite3.connect(":memory:")) as connection:
        prepare(connection)
        connection.execute(BY_SESSION)
        with connection:
            for number in range(100):
                turn = SavedTurn(session=f"s{number % 10}", question=f"note {number}", answer="", created=float(number))
                connection.execute(INSERT, turn.row(cut=True))
        index.make(connection, lengths=False)
        yield connection


def of_one(file):
    held = Resident(1 << 20)
    assert len(held.get(file, "s0")) == 10
    return held.bytes


def test_sessions_are_held_in_so_many_bytes(file):
    held = Resident(5 * of_one(file))
    for number in range(10):
        assert len(held.get(file, f"s{number}") or "") in (0, 10)
    assert len(held) == 5
    assert held.bytes <= 5 * of_one(file)


def test_of_more_sessions_in_use_than_can_be_held_some_stay_held(file):
    held = Resident(5 * of_one(file))
    for number in range(10):
        held.get(file, f"s{number}")
    first = {f"s{number}": held.get(file, f"s{number}") for number in range(10)}
    assert sum(session is not None for session in first.values()) == 5
    assert all(held.get(file, name) is session for name, session in first.items())


def test_a_session_that_is_used_takes_the_place_of_one_that_is_not(file):
    held = Resident(5 * of_one(file))
    for number in range(5):
        held.get(file, f"s{number}")
    held.get(file, "s9")
    assert held.get(file, "s9") is not None


def test_of_sessions_in_which_little_was_said_not_all_are_held(file, monkeypatch):
    monkeypatch.setattr(in_memory, "_MOST", 3)
    held = Resident(1 << 20)
    for number in range(10):
        held.get(file, f"s{number}")
    assert len(held) == 3


def test_a_session_that_nobody_asks_is_let_go(file):
    held = Resident(1 << 20)
    now = 1_000.0
    with patch.object(in_memory.time, "monotonic", lambda: now):
        for number in range(10):
            held.get(file, f"s{number}")
        now += 2 * HOUR
        held.get(file, "s3")
        assert len(held) == 1
        assert held.bytes == of_one(file)


def test_a_session_too_large_for_what_may_be_held_is_read_once_and_not_held(file):
    statements = []
    held = Resident(of_one(file))
    held.get(file, "s0")
    file.set_trace_callback(statements.append)
    assert held.get(file, "s0") is None
    assert not statements
    assert held.bytes == 0


def test_nothing_heavy_is_loaded_before_somebody_talks():
    code = "import systems.asynchronous.agent, sys; assert 'numpy' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
