"""The file of the tiers: what is cold, which sessions are frozen and where, and the dictionaries of both.

One connection, on a thread of its own. A commit does not wait for the disk: it survives a killed process; after a power
cut a conversation may be as it was some moments before, for its turns are in the memory file and not here.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from systems.errors import StillReadable, StoreError, SystemClosed
from systems.memory.schema import store_error

T = TypeVar("T")

VERSION = 1

BUSY_S = 0.25
"""How long a turn waits for another writer of the file before it goes on without what lies there."""

_SCHEMA = (
    # Names may be of any length, so that what is looked up is their digest.
    "CREATE TABLE states (talk BLOB PRIMARY KEY, session BLOB NOT NULL, name BLOB NOT NULL, packed BLOB NOT NULL, "
    "bytes INTEGER NOT NULL, used REAL NOT NULL, uses INTEGER NOT NULL, dictionary INTEGER NOT NULL)",
    # With all that is asked to say what is worth least: the states themselves are not read for that.
    "CREATE INDEX states_by_session ON states (session, used, uses, bytes)",
    "CREATE INDEX states_by_dictionary ON states (dictionary)",
    "CREATE TABLE dictionaries (number INTEGER PRIMARY KEY, content BLOB NOT NULL, made REAL NOT NULL)",
    # Whose words a dictionary may hold: it goes when one of them is forgotten.
    "CREATE TABLE samples (session BLOB NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (session, number)) "
    "WITHOUT ROWID",
    "CREATE TABLE bundles (object TEXT PRIMARY KEY, session BLOB NOT NULL, name BLOB NOT NULL, stage TEXT NOT NULL, "
    "last_turn INTEGER NOT NULL, newest_turn REAL NOT NULL, bytes INTEGER NOT NULL, digest BLOB NOT NULL, "
    "frozen REAL NOT NULL)",
    "CREATE INDEX bundles_by_session ON bundles (session)",
)


class Database:
    """The file ``path``, which is made if it is not there."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread: ThreadPoolExecutor | None = None
        self._connection: sqlite3.Connection | None = None
        self._looking: sqlite3.Connection | None = None

    async def open(self) -> None:
        """Open the file. Raises `StoreError` if it is damaged, locked, of a newer version, or cannot be made."""
        self._thread = ThreadPoolExecutor(1, "tiers")
        try:
            self._connection = await asyncio.get_running_loop().run_in_executor(self._thread, self._opened)
        except (sqlite3.Error, OSError) as error:
            self._end()
            raise store_error(f"The file of the tiers, {self._path.name}, cannot be opened", error) from error
        except BaseException:
            self._end()
            raise

    def _opened(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
        try:
            connection.execute("PRAGMA page_size=16384")  # a state has a few KiB: in small pages half of each is lost
            connection.execute("PRAGMA auto_vacuum=INCREMENTAL")  # before the first table: what is deleted leaves
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute(
                "PRAGMA synchronous=FULL"
            )  # turns leave the other file only after their bundle is known here
            connection.execute("PRAGMA secure_delete=ON")  # what is forgotten is overwritten
            connection.execute("PRAGMA journal_size_limit=1048576")
            connection.execute("PRAGMA cache_size=-512")  # a state is read once and then lies elsewhere
            with writing(connection):
                version = connection.execute("PRAGMA user_version").fetchone()[0]
                _refuse_newer(version)
                if version == 0:
                    for statement in _SCHEMA:
                        connection.execute(statement)
                    connection.execute(f"PRAGMA user_version={VERSION}")
        except BaseException:
            connection.close()
            raise
        return connection

    async def do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Return what ``work`` returns. Raises `StoreBusy`, `StoreError`, `SystemClosed`."""
        if self._thread is None or self._connection is None:
            raise SystemClosed("The tiers are not open.")
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work, self._connection)
        except (sqlite3.Error, OverflowError) as error:
            raise store_error("The file of the tiers could not be used", error) from error

    @property
    def is_open(self) -> bool:
        """Whether the file is open."""
        return self._connection is not None

    async def emptied(self) -> None:
        """Have nothing in the journal that is in the file no longer. Raises `StillReadable` if somebody reads it."""

        def empty(connection: sqlite3.Connection) -> bool:
            busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            return not busy

        if not await self.do(empty):
            raise StillReadable(
                f"What was forgotten can still be read in the journal of {self._path.name} while somebody reads it."
            )

    def look(self, query: str, *values: object) -> list[tuple[object, ...]]:
        """Return the rows of a short ``query`` that only reads, at once, also while something is written.

        Raises `StoreError`, `SystemClosed`.
        """
        if self._connection is None:
            raise SystemClosed("The tiers are not open.")
        try:
            if self._looking is None:
                self._looking = sqlite3.connect(self._path, timeout=0)
            return self._looking.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise store_error("The file of the tiers could not be read", error) from error

    async def close(self) -> None:
        """Close the file, when what was asked for is done; a second call does nothing."""
        if self._looking is not None:
            self._looking.close()
            self._looking = None
        if self._thread is not None and self._connection is not None:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._connection.close)
        self._end()

    def _end(self) -> None:
        if self._thread is not None:
            self._thread.shutdown()
        self._thread = self._connection = None


def _refuse_newer(version: int) -> None:
    if version > VERSION:
        raise StoreError(f"The file of the tiers has schema {version}; this version reads schemas up to {VERSION}.")


@contextmanager
def writing(connection: sqlite3.Connection) -> Iterator[None]:
    """Do all of what is done meanwhile, or nothing of it."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # SQLite may have ended it itself: a full disk
            connection.execute("ROLLBACK")
        raise


def used_bytes(connection: sqlite3.Connection) -> int:
    """Return the bytes of the file that something is written in."""
    pages, free, size = (
        connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * size)
