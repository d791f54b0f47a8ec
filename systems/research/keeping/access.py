"""How the file is reached: in the event loop, or on threads that each make a transaction of their own.

Whichever it is, a change is there as a whole or not at all, and it is on the disk before it is acknowledged: not only
a killed process but a power cut leaves it there.
"""

from __future__ import annotations

import sqlite3
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from systems.errors import BadInput, StoreError
from systems.mechanisms.isolation import Executors
from systems.memory.schema import store_error
from systems.research.keeping import tables

T = TypeVar("T")

Work = Callable[[sqlite3.Connection], T]
"""What is done with a connection. What it raises is what its caller gets."""

# Bytes that the journal keeps after it was written back: it may have grown while somebody read for long.
_JOURNAL_BYTES = 1 << 20

_THREADS = "research memory"


class FileAccess(ABC):
    """One way to reach the file of research sessions, of one event loop."""

    @abstractmethod
    async def open(self) -> None:
        """Open the file, which is made if it is not there. Raises `StoreError`."""

    @abstractmethod
    async def change(self, work: Work[T]) -> T:
        """Return what ``work`` returns, once it is on the disk. Raises `StoreError`, and what ``work`` raises."""

    @abstractmethod
    async def apart(self, work: Work[T]) -> T:
        """Return what ``work`` returns, which has no transaction around it. Raises `StoreError`."""

    async def look(self, work: Work[T]) -> T:
        """Return what ``work`` reads, all of it as it was at one moment. Raises `StoreError`."""
        return await self.apart(lambda connection: looked(connection, work))

    @abstractmethod
    async def close(self) -> None:
        """Close the file. Nothing may be under way."""


class AccessInLoop(FileAccess):
    """The traditional way: the event loop stands still until the disk has written."""

    def __init__(self, path: Path, busy_s: float) -> None:
        self._path = path
        self._busy_s = busy_s
        self._connection: sqlite3.Connection | None = None

    async def open(self) -> None:
        """Open the file. Raises `StoreError`."""
        self._connection = connect(self._path, self._busy_s)

    async def change(self, work: Work[T]) -> T:
        """Do ``work`` in a transaction, at once."""
        return changed(self._opened(), work)

    async def apart(self, work: Work[T]) -> T:
        """Do ``work`` at once."""
        return done(self._opened(), work)

    async def close(self) -> None:
        """Close the file."""
        if self._connection is not None:
            self._connection.close()

    def _opened(self) -> sqlite3.Connection:
        assert self._connection is not None
        return self._connection


class AccessOnThreads(FileAccess):
    """Each call on one of some threads, with a transaction of its own: writers wait for each other's disk."""

    def __init__(self, path: Path, busy_s: float, threads: int) -> None:
        self._path = path
        self._busy_s = busy_s
        self._executors = Executors({_THREADS: threads})
        self._idle: deque[sqlite3.Connection] = deque()

    async def open(self) -> None:
        """Open the file. Raises `StoreError`."""
        await self.apart(lambda _: None)

    async def change(self, work: Work[T]) -> T:
        """Do ``work`` in a transaction, on a thread."""
        return await self._executors.run(_THREADS, lambda: self._lent(lambda connection: changed(connection, work)))

    async def apart(self, work: Work[T]) -> T:
        """Do ``work`` on a thread."""
        return await self._executors.run(_THREADS, lambda: self._lent(lambda connection: done(connection, work)))

    async def close(self) -> None:
        """End the threads and close their connections."""
        self._executors.close()
        while self._idle:
            self._idle.pop().close()

    def _lent(self, work: Work[T]) -> T:
        try:
            connection = self._idle.pop()
        except IndexError:  # there are never more connections than threads
            connection = connect(self._path, self._busy_s)
        try:
            return work(connection)
        finally:
            self._idle.append(connection)


def connect(path: Path, busy_s: float) -> sqlite3.Connection:
    """Return a connection to the file, which waits so long for other writers. Raises `StoreError`."""
    what = f"The file of research sessions, {path.name}, cannot be opened"
    try:
        connection = sqlite3.connect(path, timeout=busy_s, isolation_level=None, check_same_thread=False)
    except sqlite3.Error as error:
        raise store_error(what, error) from error
    try:
        connection.execute("PRAGMA journal_mode=WAL")  # who reads does not wait for who writes
        connection.execute("PRAGMA synchronous=FULL")  # what was acknowledged survives a power cut
        connection.execute("PRAGMA secure_delete=ON")  # what is forgotten is overwritten
        connection.execute(f"PRAGMA journal_size_limit={_JOURNAL_BYTES}")
        if tables.version(connection) != tables.VERSION:  # else nobody who writes need be waited for
            changed(connection, tables.prepare)
    except sqlite3.Error as error:
        connection.close()
        raise store_error(what, error) from error
    except BaseException:
        connection.close()
        raise
    return connection


def changed(connection: sqlite3.Connection, work: Work[T]) -> T:
    """Do ``work`` in a transaction of its own. Raises `StoreError`, the file then being as it was before."""
    with _telling():
        connection.execute("BEGIN IMMEDIATE")  # read first and written then: nobody may come between
        try:
            result = work(connection)
            connection.execute("COMMIT")
        except BaseException:
            _undo(connection)
            raise
    return result


def looked(connection: sqlite3.Connection, work: Work[T]) -> T:
    """Do ``work``, which only reads, in a transaction: it sees one moment. Raises `StoreError`."""
    with _telling():
        connection.execute("BEGIN")
        try:
            return work(connection)
        finally:
            _undo(connection)


def done(connection: sqlite3.Connection, work: Work[T]) -> T:
    """Do ``work``. Raises `StoreError`."""
    with _telling():
        return work(connection)


def refused(reason: str) -> StoreError:
    """Return the error of who asks for what cannot be done any more."""
    return StoreError(f"The memory of research sessions {reason}.")


def _undo(connection: sqlite3.Connection) -> None:
    """Have nothing of the open transaction; SQLite may have ended it itself, on a full disk for one."""
    if connection.in_transaction:
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")


@contextmanager
def _telling() -> Iterator[None]:
    """Raise SQLite's errors as `StoreError`, transient where the file is only locked; text it cannot take is bad."""
    try:
        yield
    except sqlite3.Error as error:
        raise store_error("The file of research sessions could not be used", error) from error
    except UnicodeEncodeError as error:
        raise BadInput("A text to be kept holds half a character (a lone surrogate).") from error
