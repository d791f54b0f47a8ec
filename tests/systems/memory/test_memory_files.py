"""Memory files over their life: older versions, a bound on their size, and what a person does to them."""

import io
import json
import sqlite3
from contextlib import closing

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from systems.errors import BadInput, StoreBusy, StoreError
from systems.memory import archive, index, retention, schema
from systems.memory.fulltext import FullTextStore
from systems.memory.like import LikeStore
from systems.memory.schema import INSERT, SavedTurn, prepare

SECRET = "beekeeping"


def turn(keywords, text, session="s", **fields):
    return SavedTurn(session=session, question=text, answer="yes", keywords=tuple(keywords.extract(text)), **fields)


async def filled(path, turns):
    store = FullTextStore(path)
    await store.open()
    await store.save(turns)
    await store.close()


async def found(path, question, session="s", limit=9):
    store = FullTextStore(path)
    await store.open()
    try:
        return await store.find(session, question, limit)
    finally:
        await store.close()


def rows(path, query="SELECT question FROM memories ORDER BY id"):
    with closing(sqlite3.connect(path)) as connection:
        return [row[0] for row in connection.execute(query)]


def sound(path):
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        if index.exists(connection):
            connection.execute("INSERT INTO memory_index (memory_index) VALUES ('integrity-check')")


# Older versions

VERSION_1 = (
    "CREATE TABLE memories (id INTEGER PRIMARY KEY, session TEXT NOT NULL, created REAL NOT NULL, "
    "question TEXT NOT NULL, answer TEXT NOT NULL, keywords TEXT NOT NULL, scope TEXT NOT NULL, words TEXT NOT NULL)",
    "CREATE VIRTUAL TABLE memory_index USING fts5(scope, words, content='memories', content_rowid='id')",
    "CREATE TRIGGER memory_added AFTER INSERT ON memories BEGIN "
    "INSERT INTO memory_index (rowid, scope, words) VALUES (new.id, new.scope, new.words); END",
    "INSERT INTO memories (session, created, question, answer, keywords, scope, words) VALUES "
    "('s', 1, 'Remember that my sisters keep bees', 'yes', 'sisters bees', 'a1b2', 'remember sisters keep bees')",
    "PRAGMA user_version=1",
)
VERSION_2 = (
    "CREATE TABLE memories (id INTEGER PRIMARY KEY, session TEXT NOT NULL, created REAL NOT NULL, "
    "question TEXT NOT NULL, answer TEXT NOT NULL, keywords TEXT NOT NULL, words TEXT NOT NULL)",
    "CREATE VIRTUAL TABLE memory_index USING fts5(words, content='memories', content_rowid='id', columnsize=0)",
    "CREATE TRIGGER memory_added AFTER INSERT ON memories BEGIN "
    "INSERT INTO memory_index (rowid, words) VALUES (new.id, new.words); END",
    "INSERT INTO memories (session, created, question, answer, keywords, words) VALUES "
    "('s', 1, 'Remember that my sisters keep bees', 'yes', 'sisters bees', "
    "'w4f04e0dc27baremember w4f04e0dc27basisters w4f04e0dc27bakeep w4f04e0dc27babees')",
    "PRAGMA user_version=2",
)
VERSION_3 = (
    "CREATE TABLE memories (id INTEGER PRIMARY KEY, session TEXT NOT NULL, created REAL NOT NULL, "
    "question TEXT NOT NULL, answer TEXT NOT NULL, keywords TEXT NOT NULL, words TEXT NOT NULL, "
    "important INTEGER NOT NULL)",
    "CREATE VIRTUAL TABLE memory_index USING fts5(words, content='memories', content_rowid='id', "
    'columnsize=0, tokenize="unicode61 remove_diacritics 0")',
    "CREATE TRIGGER memory_added AFTER INSERT ON memories BEGIN "
    "INSERT INTO memory_index (rowid, words) VALUES (new.id, new.words); END",
    "CREATE TRIGGER memory_removed AFTER DELETE ON memories BEGIN "
    "INSERT INTO memory_index (memory_index, rowid, words) VALUES ('delete', old.id, old.words); END",
    "INSERT INTO memories (session, created, question, answer, keywords, words, important) VALUES "
    "('s', 1, 'Remember that my sisters keep bees', 'yes', 'sisters bees', "
    "'w4f04e0dc27baremember w4f04e0dc27basister w4f04e0dc27bakeep w4f04e0dc27babee', 1)",
    "PRAGMA user_version=3",
)
# No statement that makes an index: the baseline's.
VERSION_5 = (
    VERSION_3[0],
    "INSERT INTO memories (session, created, question, answer, keywords, words, important) VALUES "
    "('s', 1, 'Remember that my sisters keep bees', 'yes', 'sisters bees', '', 1)",
    "PRAGMA user_version=5",
)
VERSION_6 = (
    *VERSION_5[:-1],
    "ALTER TABLE memories ADD COLUMN conversation TEXT NOT NULL DEFAULT ''",
    "PRAGMA user_version=6",
)


@pytest.mark.parametrize("statements", [VERSION_1, VERSION_2, VERSION_3, VERSION_5, VERSION_6])
@pytest.mark.parametrize("first", [LikeStore, None])
async def test_a_file_of_an_older_version_is_brought_to_this_one(tmp_path, statements, first):
    path = tmp_path / "memory.sqlite"
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)
    if first:
        first(path).open()
        assert first(path).find("s", ["bees"], 3) == ["Remember that my sisters keep bees"]
    assert await found(path, "my sister") == ["Remember that my sisters keep bees"]
    assert rows(path, "SELECT important FROM memories") == [1]
    assert rows(path, "SELECT conversation FROM memories") == [""]
    assert rows(path, "SELECT in_history FROM memories") == [1]
    assert rows(path, "PRAGMA user_version") == [schema.VERSION]
    sound(path)


# The size


def stored(connection):
    return connection.execute("SELECT session, important, created FROM memories ORDER BY created").fetchall()


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.booleans()), min_size=30, max_size=150),
    st.floats(0.2, 0.9),
    st.randoms(use_true_random=False),
)
def test_what_is_left_within_the_bound_is_what_matters_most(given_turns, share, rng):
    said = list(range(len(given_turns)))
    rng.shuffle(said)  # an import brings older turns later
    with closing(sqlite3.connect(":memory:")) as connection:
        prepare(connection)
        index.make(connection, lengths=False)
        with connection:
            connection.executemany(
                INSERT,
                [
                    SavedTurn(
                        session=session,
                        question=f"n{n} " + "x" * 900,
                        answer="",
                        important=important,
                        created=said[n],
                    ).row(cut=True)
                    for n, (session, important) in enumerate(given_turns)
                ],
            )
        before, most = stored(connection), int(retention.used_bytes(connection) * share)
        for _ in retention.shrink(connection, most):
            pass
        left = stored(connection)
        assert retention.used_bytes(connection) <= most or not left
        counts = {session: [row for row in left if row[0] == session] for session in "ab"}
        for session, kept in counts.items():
            had = sorted((row for row in before if row[0] == session), key=lambda row: (-row[1], -row[2]))
            assert kept == sorted(had[: len(kept)], key=lambda row: row[2])
            # Nobody lost a turn while another kept more.
            assert len(kept) == len(had) or all(len(kept) >= len(other) - 1 for other in counts.values())
        connection.execute("INSERT INTO memory_index (memory_index) VALUES ('integrity-check')")
        for _ in retention.shrink(connection, most):
            pass
        assert stored(connection) == left


async def test_a_store_stays_within_its_bound_while_it_is_written(tmp_path):
    path, most = tmp_path / "memory.sqlite", 400_000
    store = FullTextStore(path, most_bytes=most)
    await store.open()
    facts = [SavedTurn(session="s", question="fact", answer="", important=True)]
    await store.save(facts)
    for number in range(40):
        await store.save(
            [SavedTurn(session="s", question=f"w{number} v{i} " + "q" * 500, answer="") for i in range(64)]
        )
    assert await store.find("s", "fact", 1) == ["fact"]
    assert await store.find("s", "w0", 3) == []
    assert sum("w39 " in text for text in await store.find("s", "w39", 99)) == 64
    await store.close()
    assert path.stat().st_size < 2 * most  # what is merged needs room beside what it replaces
    sound(path)


async def test_compacting_shrinks_the_file_to_its_bound_and_no_agent_may_be_writing(tmp_path, loaded_keywords):
    path = tmp_path / "memory.sqlite"
    await filled(path, [turn(loaded_keywords, f"number {n} " + "x" * 500) for n in range(500)])
    assert archive.compact(path, 150_000) > 0
    assert path.stat().st_size <= 150_000
    sound(path)
    with closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.MonkeyPatch.context() as patch, pytest.raises(StoreBusy):
            patch.setattr(archive, "BUSY_S", 0.01)
            archive.compact(path)


# Deleting and carrying


async def test_what_is_forgotten_is_in_no_byte_of_the_file(tmp_path, loaded_keywords):
    path = tmp_path / "memory.sqlite"
    text = f"I am fond of {SECRET}"
    await filled(path, [turn(loaded_keywords, text, "a"), turn(loaded_keywords, "I am fond of tomatoes", "b")])
    assert SECRET[:6].encode() in path.read_bytes()
    assert archive.forget(path, "a") == 1
    left = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert SECRET[:6].encode() not in left
    assert await found(path, "tomatoes", "b") == ["I am fond of tomatoes"]
    sound(path)


def test_what_is_forgotten_is_in_no_byte_of_a_file_of_an_older_version_either(tmp_path):
    path = tmp_path / "memory.sqlite"
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in VERSION_3:
            connection.execute(statement)
    assert b"sister" in path.read_bytes()
    assert archive.forget(path, "s") == 1
    assert b"sister" not in b"".join(file.read_bytes() for file in tmp_path.iterdir())


async def test_an_export_is_imported_elsewhere_and_twice_does_no_harm(tmp_path, loaded_keywords):
    path, copy = tmp_path / "memory.sqlite", tmp_path / "copy.sqlite"
    turns = [
        turn(loaded_keywords, text, session, important=important)
        for text, session, important in [
            ("My sister Vera keeps bees in Lisbon", "s", True),
            ("我的同事王芳搬到了杭州", "s", False),
            ('quotes " and \0 and \n and 😀', "t", False),
            ("", "t", False),
        ]
    ]
    await filled(path, turns)
    out = io.BytesIO()
    assert archive.export(path, out) == 4
    assert json.loads(out.getvalue().splitlines()[0]) == {"format": "fourgig-memories", "version": 1}
    for expected in (4, 0):
        assert archive.load(copy, io.BytesIO(out.getvalue())) == expected
    again = io.BytesIO()
    archive.export(copy, again)
    assert again.getvalue() == out.getvalue()
    assert await found(copy, "王芳在杭州吗", limit=1) == [turns[1].question]
    one = io.BytesIO()
    assert archive.export(path, one, "t") == 2
    assert archive.sessions(path) == ["s", "t"]


GOOD = b'{"format": "fourgig-memories", "version": 1}\n'


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (b"", "empty"),
        (b"{}\n", "Line 1 is no beginning"),
        (GOOD.replace(b"1}", b"9}"), "version 9"),
        (GOOD + b'{"session": "s"}\n', "Line 2 is no turn"),
        (GOOD + b"not json\n", "Line 2"),
        (GOOD + b'{"session":"s","question":"\xff","answer":"","keywords":[],"created":1}\n', "Line 2"),
        (GOOD + b'{"session":"s","question":"\\ud800","answer":"","keywords":[],"created":1}\n', "Line 2"),
        (GOOD + b'{"session":"s","question":"","answer":"","keywords":[],"created":1,"x":1}\n', "Line 2"),
    ],
)
def test_a_bad_export_is_refused_by_its_line_and_nothing_is_imported(tmp_path, lines, says):
    path = tmp_path / "memory.sqlite"
    good = GOOD + b'{"session":"s","question":"fine","answer":"","keywords":[],"created":1}\n'
    archive.load(path, io.BytesIO(good))
    with pytest.raises(BadInput, match=says):
        archive.load(path, io.BytesIO(lines))
    assert rows(path) == ["fine"]


def test_a_file_that_is_not_there_or_no_memory_is_refused(tmp_path):
    with pytest.raises(BadInput, match="There is no memory file"):
        archive.compact(tmp_path / "none.sqlite")
    path = tmp_path / "memory.sqlite"
    path.write_bytes(b"no database" * 1000)
    with pytest.raises(StoreError, match="could not be used"):
        archive.export(path, io.BytesIO())
