"""The full-text index beside the table: SQLite's FTS5 over terms that were cut before, each with its session's hash."""

from __future__ import annotations

import sqlite3

from systems.memory import schema

# Terms stand between spaces, and whatever is in one belongs to it.
_TOKENIZE = "ascii tokenchars '" + "!\"\"#$%&''()*+,-./:;<=>?@[\\]^_`{|}~" + "'"
# An external-content index keeps no second copy of the text, and unlike a contentless one it can delete. Where in a
# text a term stands, and how long texts are, is kept only where SQLite's BM25 asks for it. Beside it is noted up to
# which number turns are in it.
_TABLES = {
    "memory_index": "CREATE VIRTUAL TABLE memory_index USING fts5(words, content='memories', content_rowid='id', "
    f'{{detail}}, tokenize="{_TOKENIZE}")',
    "memory_indexed": "CREATE TABLE memory_indexed (up_to INTEGER NOT NULL)",
}
_DETAIL = {True: "columnsize=1, detail=full", False: "columnsize=0, detail=none"}
# All segments become one.
_OPTIMIZE = "INSERT INTO memory_index (memory_index) VALUES ('optimize')"
# Every catching up adds a segment and a lookup reads them all, so they are merged sooner than by default.
_REST = (
    "INSERT INTO memory_index (memory_index, rank) VALUES ('automerge', 2)",
    "INSERT INTO memory_index (memory_index, rank) VALUES ('crisismerge', 3)",
    "DROP TRIGGER IF EXISTS memory_removed",
    # The next turn gets the number after the highest that is left.
    "CREATE TRIGGER memory_removed AFTER DELETE ON memories BEGIN "
    "INSERT INTO memory_index (memory_index, rowid, words) "
    "SELECT 'delete', old.id, old.words FROM memory_indexed WHERE old.id <= up_to; "
    "UPDATE memory_indexed SET up_to = (SELECT ifnull(max(id), 0) FROM memories) "
    "WHERE up_to > (SELECT ifnull(max(id), 0) FROM memories); END",
    "INSERT INTO memory_index (memory_index) VALUES ('rebuild')",
    "INSERT INTO memory_indexed SELECT ifnull(max(id), 0) FROM memories",
    _OPTIMIZE,
)
_UP_TO = "SELECT up_to, (SELECT max(id) FROM memories) FROM memory_indexed"
_CATCH_UP = (
    "INSERT INTO memory_index (rowid, words) SELECT id, words FROM memories "
    "WHERE id > (SELECT up_to FROM memory_indexed)",
    "UPDATE memory_indexed SET up_to = (SELECT max(id) FROM memories)",
)
_MERGE = "INSERT INTO memory_index (memory_index, rank) VALUES ('merge', ?)"

# More turns than these, indexed at once, are written in several segments; where most of the index is new, these are
# merged.
_MANY = 4_000

# Pages of one step of tidying: 1 MB, some milliseconds.
_STEP = 256


def make(connection: sqlite3.Connection, *, lengths: bool) -> None:
    """Make the index of all turns; one that was made otherwise is made again from the table."""
    wanted = {name: statement.replace("{detail}", _DETAIL[lengths]) for name, statement in _TABLES.items()}
    if _found(connection) == wanted:
        return
    connection.execute("BEGIN IMMEDIATE")
    with connection:
        if _found(connection) == wanted:
            return
        for name, statement in wanted.items():
            connection.execute(f"DROP TABLE IF EXISTS {name}")
            connection.execute(statement)
        _cut(connection, after=0)
        for statement in _REST:
            connection.execute(statement)


def exists(connection: sqlite3.Connection) -> bool:
    """Return whether the file has an index."""
    return _found(connection).keys() == _TABLES.keys()


def catch_up(connection: sqlite3.Connection) -> None:
    """Index all turns that are not in it, whoever saved them. The transaction is the caller's."""
    up_to, newest = connection.execute(_UP_TO).fetchone()
    if (newest or 0) <= up_to:
        return
    _cut(connection, after=up_to)
    for statement in _CATCH_UP:
        connection.execute(statement)
    if newest - up_to > max(_MANY, up_to):
        connection.execute(_OPTIMIZE)


def tidy(connection: sqlite3.Connection, *, begin: bool = True) -> bool:
    """Merge segments into one, as far as one step goes; return whether there is more to do.

    What was deleted leaves the index when its segments are merged. ``begin`` false goes on with a merge.
    """
    before = connection.total_changes
    with connection:
        connection.execute(_MERGE, (-_STEP if begin else _STEP,))
    return connection.total_changes - before >= 2  # so SQLite says: fewer changes, nothing was merged


def _cut(connection: sqlite3.Connection, *, after: int) -> None:
    """Cut what was saved by a store that does not."""
    connection.create_function("indexed", 2, schema.indexed, deterministic=True)
    connection.execute(
        "UPDATE memories SET words = indexed(session, question) WHERE id > ? AND words = ?", (after, schema.UNCUT)
    )


def _found(connection: sqlite3.Connection) -> dict[str, str]:
    return dict(
        connection.execute("SELECT name, sql FROM sqlite_schema WHERE name IN ('memory_index', 'memory_indexed')")
    )
