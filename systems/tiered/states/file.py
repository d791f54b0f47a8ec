"""A file of states: a row a step, of many sessions; and the dictionaries and models that some cannot be read without.

A step is appended in one transaction, so a kill leaves it whole or not at all. Each row says on which step it builds
and what the checksum of its state is: what is read is the state that was appended, or an error.
"""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, TypeVar

from systems.errors import BaseMissing, DamagedState, StoreError
from systems.memory.schema import BUSY_S, cannot_open, store_error
from systems.tiered.states.interface import Way

T = TypeVar("T")

VERSION = 1

_TABLES = """
CREATE TABLE sessions (id INTEGER PRIMARY KEY, name BLOB NOT NULL UNIQUE);
CREATE TABLE states (place INTEGER PRIMARY KEY, base INTEGER, checksum INTEGER NOT NULL, frame BLOB NOT NULL);
CREATE TABLE learned (name TEXT PRIMARY KEY, content BLOB NOT NULL);
"""

# A row's place is its session's number and its step: the rows of a session lie side by side, without an index.
_STEPS = 1 << 32

_INSERT = "INSERT INTO states (place, base, checksum, frame) VALUES (?, ?, ?, ?)"
_BACKWARDS = "SELECT place, base, checksum, frame FROM states WHERE place BETWEEN ? AND ? ORDER BY place DESC"
_NEWEST = "SELECT max(place) FROM states WHERE place BETWEEN ? AND ?"


class _Row(NamedTuple):
    place: int
    base: int | None
    checksum: int
    frame: bytes


class StateFile:
    """States in the file at ``path``, which is made if it is not there. One thread at a time uses it."""

    def __init__(self, path: Path) -> None:
        """Open the file. Raises `StoreError`."""
        self._path = path
        try:
            self._connection = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
        except sqlite3.Error as error:
            raise cannot_open(path, error) from error
        try:
            self._prepare()
        except BaseException:
            self._connection.close()
            raise

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        self._connection.close()

    def keep(self, name: str, content: bytes) -> None:
        """Keep what was learned under ``name``, with the states it is needed for. Raises `StoreError`."""
        self.run(lambda connection: connection.execute("INSERT OR REPLACE INTO learned VALUES (?, ?)", (name, content)))

    def kept(self, name: str) -> bytes:
        """Return what was kept under ``name``. Raises `DamagedState` if nothing was, `StoreError`."""
        query = "SELECT content FROM learned WHERE name = ?"
        found = self.run(lambda connection: connection.execute(query, (name,)).fetchone())
        if found is None:
            raise DamagedState(f"The file {self._path.name} holds nothing learned that is called {name!r}.")
        return bytes(found[0])

    def vacuum(self) -> None:
        """Give back the room of what was deleted, and write everything into the one file. Raises `StoreError`."""
        self.run(lambda connection: connection.execute("VACUUM"))
        self.run(lambda connection: connection.execute("PRAGMA wal_checkpoint(TRUNCATE)"))

    def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Return what ``work`` returns, given the file. Raises `StoreError`, `StoreBusy`."""
        try:
            return work(self._connection)
        except (sqlite3.Error, OverflowError) as error:
            raise store_error(f"The file of states {self._path.name} cannot be read or written", error) from error

    def _prepare(self) -> None:
        connection = self._connection
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if version == 0:
                connection.executescript(f"BEGIN IMMEDIATE; {_TABLES} PRAGMA user_version = {VERSION}; COMMIT;")
        except sqlite3.Error as error:
            raise cannot_open(self._path, error) from error
        if version > VERSION:
            raise StoreError(f"The file of states has schema {version}; this version reads schemas up to {VERSION}.")


class States:
    """The states of one ``session`` in ``file``, stored in one ``way``; steps count from 1."""

    def __init__(self, file: StateFile, session: str, way: Way) -> None:
        """Look for what the file has of the session. Raises `StoreError`."""
        self._file = file
        self._session = session
        self._way = way
        self._first = self._number() * _STEPS
        self._last = self._newest()
        # The newest state and how many frames it takes to read it: what the next one is compared with.
        self._held: tuple[bytes, int] | None = None

    @property
    def steps(self) -> int:
        """How many states were appended."""
        return self._last

    def append(self, state: bytes) -> None:
        """Store ``state`` as the newest: it is in the file when this returns. Raises `StoreError`."""
        previous, frames = self._previous()
        frame = None
        if self._last and frames and frames <= self._way.longest:
            frame = self._way.after(state, previous)
            if frame is not None and 2 * len(frame) > len(state):  # they may have little in common
                whole = self._way.whole(state)
                frame = frame if len(frame) < len(whole) else None
        base = None if frame is None else self._last
        row = (
            self._first + self._last + 1,
            base,
            zlib.crc32(state),
            self._way.whole(state) if frame is None else frame,
        )
        self._file.run(lambda connection: connection.execute(_INSERT, row))
        self._last += 1
        self._held = (state, 1 if frame is None else frames + 1)

    def restore(self, step: int | None = None) -> bytes:
        """Return the newest state, or that of an earlier ``step``.

        Raises `BaseMissing` where one that it builds on is gone, `DamagedState` where it, or one of those, is missing
        or was changed, and `StoreError`.
        """
        return self._restored(self._last if step is None else step)[0]

    def forget(self) -> None:
        """Delete every state of the session. Raises `StoreError`."""
        area = (self._first, self._first + _STEPS - 1)
        self._file.run(lambda connection: connection.execute("DELETE FROM states WHERE place BETWEEN ? AND ?", area))
        self._last, self._held = 0, None

    def _number(self) -> int:
        name = self._session.encode("utf-8", "surrogatepass")

        def find(connection: sqlite3.Connection) -> int:
            connection.execute("INSERT OR IGNORE INTO sessions (name) VALUES (?)", (name,))
            return int(connection.execute("SELECT id FROM sessions WHERE name = ?", (name,)).fetchone()[0])

        return self._file.run(find)

    def _newest(self) -> int:
        area = (self._first, self._first + _STEPS - 1)
        found = self._file.run(lambda connection: connection.execute(_NEWEST, area).fetchone()[0])
        return 0 if found is None else int(found) - self._first

    def _previous(self) -> tuple[bytes, int]:
        if self._held is None and self._last:
            with suppress(DamagedState):  # the next is stored whole: what is damaged takes nothing after it along
                self._held = self._restored(self._last)
        return self._held or (b"", 0)

    def _restored(self, step: int) -> tuple[bytes, int]:
        """Return a state, and how many frames were read for it."""
        chain = self._chain(step)
        state = self._way.read([row.frame for row in chain])
        if zlib.crc32(state) != chain[-1].checksum:
            raise DamagedState(f"State {step} of the session {self._session!r} is not what was stored.")
        return state, len(chain)

    def _chain(self, step: int) -> list[_Row]:
        """Return the rows that make up the state of ``step``, the whole one first."""

        def read(connection: sqlite3.Connection) -> list[_Row]:
            rows: list[_Row] = []
            for found in connection.execute(_BACKWARDS, (self._first + 1, self._first + step)):
                row = _Row(*found)
                wanted = rows[-1].base if rows else step
                if row.place - self._first != wanted:
                    break
                rows.append(row)
                if row.base is None:
                    break
            return rows

        rows = self._file.run(read) if 0 < step < _STEPS else []
        if not rows:
            raise DamagedState(f"There is no state {step} of the session {self._session!r}.")
        if rows[-1].base is not None:
            raise BaseMissing(self._session, rows[-1].place - self._first, rows[-1].base)
        return rows[::-1]
