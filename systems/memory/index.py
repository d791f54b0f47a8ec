"""The full-text index beside the table: SQLite's FTS5 over words that were cut before, each with its session's hash."""

from __future__ import annotations

import sqlite3

# An external-content index keeps no second copy of the text, and unlike a contentless one it can delete. Lengths of
# texts are kept only where BM25 asks for them.
_TABLE = (
    "CREATE VIRTUAL TABLE memory_index USING fts5(words, content='memories', content_rowid='id', "
    'columnsize={lengths:d}, tokenize="unicode61 remove_diacritics 0")'
)
# Every save adds a segment and a lookup reads them all, so they are merged sooner than by default: a turn saves once
# and looks several sets of words up.
_REST = (
    "INSERT INTO memory_index (memory_index, rank) VALUES ('automerge', 2)",
    "INSERT INTO memory_index (memory_index, rank) VALUES ('crisismerge', 3)",
    "DROP TRIGGER IF EXISTS memory_added",
    "DROP TRIGGER IF EXISTS memory_removed",
    "CREATE TRIGGER memory_added AFTER INSERT ON memories BEGIN "
    "INSERT INTO memory_index (rowid, words) VALUES (new.id, new.words); END",
    "CREATE TRIGGER memory_removed AFTER DELETE ON memories BEGIN "
    "INSERT INTO memory_index (memory_index, rowid, words) VALUES ('delete', old.id, old.words); END",
    "INSERT INTO memory_index (memory_index) VALUES ('rebuild')",
)
_MERGE = "INSERT INTO memory_index (memory_index, rank) VALUES ('merge', ?)"

# Pages of one step of tidying: 1 MB, some milliseconds.
_STEP = 256


def make(connection: sqlite3.Connection, *, lengths: bool) -> None:
    """Make the index; one that was made otherwise is made again from the table."""
    wanted = _TABLE.format(lengths=lengths)
    if _found(connection) == wanted:
        return
    connection.execute("BEGIN IMMEDIATE")
    with connection:
        if _found(connection) == wanted:
            return
        connection.execute("DROP TABLE IF EXISTS memory_index")
        for statement in (wanted, *_REST):
            connection.execute(statement)


def exists(connection: sqlite3.Connection) -> bool:
    """Return whether the file has an index."""
    return _found(connection) is not None


def tidy(connection: sqlite3.Connection, *, begin: bool = True) -> bool:
    """Merge segments into one, as far as one step goes; return whether there is more to do.

    What was deleted leaves the index when its segments are merged. ``begin`` false goes on with a merge.
    """
    before = connection.total_changes
    with connection:
        connection.execute(_MERGE, (-_STEP if begin else _STEP,))
    return connection.total_changes - before >= 2  # so SQLite says: fewer changes, nothing was merged


def _found(connection: sqlite3.Connection) -> str | None:
    row = connection.execute("SELECT sql FROM sqlite_schema WHERE name = 'memory_index'").fetchone()
    return None if row is None else str(row[0])
