"""Keeps a memory file within its size: what matters least is deleted, from the table and from the index."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from systems.memory import index

# Once the bound is passed, turns are deleted until this share of it is left, so that not every save deletes.
_KEPT = 0.9

# Turns deleted in one transaction: others come in between.
_STEP = 500

# The turn that matters least is in the session that holds most. In a session the important turns stay longer than
# others, and among equals what was said later, whenever it was saved.
_LEAST = """
SELECT id FROM (
    SELECT id, important, created,
        row_number() OVER (PARTITION BY session ORDER BY important DESC, created DESC, id DESC) AS place
    FROM memories
) ORDER BY place DESC, important, created, id LIMIT ?
"""


def used_bytes(connection: sqlite3.Connection) -> int:
    """Return the bytes of the file's pages that hold something; those that are free are written again first."""
    pages, free, size = (
        int(connection.execute(f"PRAGMA {name}").fetchone()[0])
        for name in ("page_count", "freelist_count", "page_size")
    )
    return (pages - free) * size


def shrink(connection: sqlite3.Connection, most_bytes: int) -> Iterator[None]:
    """Delete turns until at most ``most_bytes`` are used; yields between transactions, when others may write.

    Every session keeps as many turns as any other, unless it has fewer. A file that is small enough is left alone; an
    empty one has some pages all the same.
    """
    while (used := used_bytes(connection)) > most_bytes:
        count = int(connection.execute("SELECT count(*) FROM memories").fetchone()[0])
        if not count:
            return
        excess = max(1, count - int(count * _KEPT * most_bytes / used))
        least = connection.execute(_LEAST, (excess,)).fetchall()
        for start in range(0, excess, _STEP):
            with connection:
                connection.executemany("DELETE FROM memories WHERE id = ?", least[start : start + _STEP])
            yield
        if index.exists(connection):
            more = index.tidy(connection)
            while more:
                yield
                more = index.tidy(connection, begin=False)
        yield
