"""Writing a memory file anew after something was taken out of it, so that nothing of that can be read any more."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from systems.errors import StillReadable
from systems.memory import holding, index
from systems.memory.schema import BUSY_S

_WHEN_MENDED = "Compact it when that is mended."
_WHEN_CLOSED = "Compact it then."
# While an agent runs with the file nobody can compact it.
_AGAIN = "Forget something else, or stop the agent and compact it, when that is mended."
_WITH_THE_NEXT_TURN = "It is gone with the next turn that is saved after that, or when the agent is stopped."


def rewrite(connection: sqlite3.Connection, path: Path, deleted: int) -> None:
    """Write the whole file anew, and empty the journal: what was deleted is in neither.

    Raises `StillReadable` if that could not be done, or if others still have the file open as it was.
    """
    _write_anew(connection, path, deleted, _WHEN_MENDED)
    empty_journal(connection, path, deleted)


def rewrite_beside(path: Path, deleted: int) -> None:
    """Do so while an agent goes on reading the file by a connection of its own; who writes has to wait.

    Raises `StillReadable`.
    """
    with closing(sqlite3.connect(path, timeout=BUSY_S)) as connection:
        connection.execute("PRAGMA secure_delete=ON")
        _write_anew(connection, path, deleted, _AGAIN)
        empty_journal(connection, path, deleted, _WITH_THE_NEXT_TURN)


def empty_journal(connection: sqlite3.Connection, path: Path, deleted: int, then: str = _WHEN_CLOSED) -> None:
    """Move what the write-ahead log has into the file. Raises `StillReadable` if somebody reads what was before."""
    if not _emptied(connection):
        raise StillReadable(
            f"{_turns(deleted)} deleted, but what was deleted can still be read in {path.name} until "
            f"{holding.users(path)} closes it. {then}"
        )


def emptied(connection: sqlite3.Connection) -> bool:
    """Move what the write-ahead log has into the file, unless that had to wait; return whether it is empty."""
    connection.execute("PRAGMA busy_timeout=0")
    try:
        return _emptied(connection)
    finally:
        connection.execute(f"PRAGMA busy_timeout={int(BUSY_S * 1000)}")


def _emptied(connection: sqlite3.Connection) -> bool:
    busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not busy


def _write_anew(connection: sqlite3.Connection, path: Path, deleted: int, then: str) -> None:
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
            f"{_turns(deleted)} deleted, but what they said may still be read in {path.name}, which could not be "
            f"written anew: {error}. {then}"
        ) from error


def _turns(number: int) -> str:
    return "1 turn" if number == 1 else f"{number} turns"
