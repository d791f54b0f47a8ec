"""Writing a memory file anew after something was taken out of it, so that nothing of that can be read any more."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from systems.errors import StillReadable
from systems.memory import holding, index


def rewrite(connection: sqlite3.Connection, path: Path, deleted: int) -> None:
    """Write the whole file anew, and empty the journal: what was deleted is in neither.

    Raises `StillReadable` if that could not be done, or if others still have the file open as it was.
    """
    try:
        if index.exists(connection):
            with connection:
                index.catch_up(connection)
                connection.execute("INSERT INTO memory_index (memory_index) VALUES ('optimize')")
        connection.execute("VACUUM")
    except sqlite3.Error as error:
        if not deleted:
            raise
        raise StillReadable(
            f"{deleted} turns deleted, but what they said may still be read in {path.name}, which could not be written "
            f"anew: {error}. Compact it when that is mended."
        ) from error
    empty_journal(connection, path, deleted)


def empty_journal(connection: sqlite3.Connection, path: Path, deleted: int) -> None:
    """Move what the write-ahead log has into the file. Raises `StillReadable` if somebody reads what was before."""
    busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if busy:
        raise StillReadable(
            f"{deleted} turns deleted, but what was deleted can still be read in {path.name} until "
            f"{holding.users(path)} closes it. Compact it then."
        )
