"""Opening a memory file to read it: nothing in it is changed, and neither file nor folder need be writable."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from systems.errors import BadInput, StoreBusy, StoreError
from systems.memory import schema
from systems.memory.importance import is_important
from systems.memory.schema import BUSY_S, store_error

# What SQLite says where it cannot make the files that it wants beside one with a journal: no right, or no room.
_NOTHING_BESIDE = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL)
_JOURNALS = ("-wal", "-journal")


@contextmanager
def opened_to_read(path: Path) -> Iterator[sqlite3.Connection]:
    """Yield a connection that sees ``path`` as it is at one moment; others may go on writing to it.

    A file of an older version is read as it is. Where SQLite cannot make its files beside it, it is read without them,
    or, if a journal has what the file lacks, from a copy of both in the folder for temporary files. Then nobody can be
    kept from writing: raises `StoreBusy` if somebody did. Raises `BadInput`, `StoreError`.
    """
    if not path.is_file():
        raise BadInput(f"There is no memory file {path}.")
    try:
        with _connected(path) as connection:
            _look_at(path, connection)
            yield connection
    except (sqlite3.Error, UnicodeError) as error:
        raise store_error(f"The memory file {path.name} could not be used", error) from error


def importance(connection: sqlite3.Connection) -> str:
    """Return what to select to know whether a turn is important; up to version 2 it was not noted."""
    if "important" in _columns(connection):
        return "important"
    connection.create_function("is_important", 1, is_important)
    return "is_important(question)"


def conversation(connection: sqlite3.Connection) -> str:
    """Return what to select to know which conversation a turn belongs to; up to version 5 there was one a session."""
    return "conversation" if "conversation" in _columns(connection) else "''"


def history(connection: sqlite3.Connection) -> str:
    """Return what to select to know whether a turn is in its conversation's history; up to version 6 each was."""
    return "in_history" if "in_history" in _columns(connection) else "1"


def _columns(connection: sqlite3.Connection) -> set[str]:
    return {row[1] for row in connection.execute("PRAGMA table_info(memories)")}


@contextmanager
def _connected(path: Path) -> Iterator[sqlite3.Connection]:
    writable = os.access(path, os.W_OK) and os.access(path.resolve().parent, os.W_OK)
    with closing(_connect(path, "mode=rw" if writable else "mode=ro")) as connection:
        try:
            _begin(connection)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF not in _NOTHING_BESIDE:
                raise
        else:
            yield connection
            return
    before = _state(path)
    with _unlocked(path) as connection:
        yield connection
    if _state(path) != before:
        raise StoreBusy(f"The memory file {path.name} was changed while it was read: try again.")


@contextmanager
def _unlocked(path: Path) -> Iterator[sqlite3.Connection]:
    """Yield a connection that asks nobody, and sees what journals say all the same."""
    real = path.resolve()
    journals = [real.with_name(real.name + ending) for ending in _JOURNALS]
    journals = [journal for journal in journals if journal.exists() and journal.stat().st_size]
    if not journals:
        with closing(_connect(real, "mode=ro&immutable=1")) as connection:
            _begin(connection)
            yield connection
        return
    with TemporaryDirectory(prefix="fourgig-") as folder:
        try:
            for file in (real, *journals):
                shutil.copyfile(file, Path(folder) / file.name)
        except OSError as error:
            raise StoreError(
                f"The memory file {path.name} could not be copied to be read: {error.strerror}."
            ) from error
        with closing(_connect(Path(folder) / real.name, "mode=rw")) as connection:
            _begin(connection)
            yield connection


def _connect(path: Path, how: str) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.resolve().as_uri()}?{how}", uri=True, timeout=BUSY_S)


def _begin(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN")
    connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()  # the moment that is seen from now on


def _look_at(path: Path, connection: sqlite3.Connection) -> None:
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    schema.refuse_newer(version)
    if version == 0:
        raise StoreError(f"{path.name} is no memory file: no agent has written to it.")


def _state(path: Path) -> list[tuple[int, int] | None]:
    real = path.resolve()
    found = []
    for file in (real, *(real.with_name(real.name + ending) for ending in _JOURNALS)):
        status = file.stat() if file.exists() else None
        found.append(status and (status.st_mtime_ns, status.st_size))
    return found
