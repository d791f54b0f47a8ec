"""The warm and the cold tier: rows of a SQLite file, and compressed files that it knows of.

One connection, on a thread of its own, whose jobs are small: a turn that wants its state waits for the one that is at
work. A state is never the only copy of what was said: a commit does not wait for the disk, and what a power cut left
broken is thrown away, a file or the whole of them.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import sqlite3
import zlib
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Literal, NamedTuple, TypeVar

from systems.errors import Damaged, StillReadable, StoreError
from systems.interface import session_of
from systems.logs import swallowed
from systems.memory.schema import store_error
from systems.pooled.tiers.held import HeldState

T = TypeVar("T")

log = logging.getLogger(__name__)

Shelf = Literal["warm", "cold"]

FILE, FOLDER = "pool.sqlite", "cold"

# How long a turn waits for another writer of the file, in seconds, before it goes on without what lies there.
_BUSY_S = 0.25

_SCHEMA = (
    # Names may hold anything, so they are bytes. A cold state has no row of bytes: they are in its file.
    "CREATE TABLE IF NOT EXISTS states "
    "(talk BLOB PRIMARY KEY, session BLOB NOT NULL, used REAL NOT NULL, size INTEGER NOT NULL, packed BLOB)",
    "CREATE INDEX IF NOT EXISTS states_by_session ON states (session)",
    # What has been there longest is found, and how much it takes is told, without reading the states.
    "CREATE INDEX IF NOT EXISTS states_by_use ON states (used, size, packed IS NULL)",
)
_PUT = "INSERT OR REPLACE INTO states (talk, session, used, size, packed) VALUES (?, ?, ?, ?, ?)"
_TAKE = "DELETE FROM states WHERE talk = ? RETURNING used, packed"
_WARM = "SELECT packed FROM states WHERE talk = ? AND packed IS NOT NULL"
_COOL = "UPDATE states SET packed = NULL, size = ? WHERE talk = ?"
_BY_USE = "SELECT talk, used, size FROM states WHERE (packed IS NULL) = ? ORDER BY used"
_NEWEST = "SELECT talk FROM states ORDER BY used DESC LIMIT ?"


class Lying(NamedTuple):
    """On which shelf a state lies, and how many bytes it takes there."""

    shelf: Shelf
    size: int


class Shelves:
    """The file and the folder of compressed files in ``folder``. Used from one event loop, by one agent at a time.

    ``lying`` says what is there; what is being taken or put just now may still be, or not yet. A file whose pages are
    damaged is deleted, whenever that shows, and begun anew: kept aside it would hold what is forgotten later.
    ``let_go`` is then told how many states that costs.
    """

    def __init__(self, folder: Path, let_go: Callable[[int], None] = lambda _: None) -> None:
        self._path = folder / FILE
        self._files = folder / FOLDER
        self._let_go = let_go
        self._thread = ThreadPoolExecutor(1, "shelves")
        self._loop: asyncio.AbstractEventLoop | None = None
        self._connection: sqlite3.Connection | None = None
        # Files that could not be deleted, with whose they are, if that is known: no row says so. The thread's.
        self._left: dict[Path, str | None] = {}
        self.lying: dict[str, Lying] = {}
        self.bytes: dict[Shelf, int] = {"warm": 0, "cold": 0}

    async def open(self) -> None:
        """Open the file, and see what is there. Raises `StoreError`."""
        self._loop = asyncio.get_running_loop()
        for talk, lying in (await self._do(self._open)).items():
            self._lies(talk, lying)

    def _open(self) -> dict[str, Lying]:
        try:
            self._connection, lying = self._opened()
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
            if not _is_damage(error):  # locked, or no right: the file may be in order
                raise
            self._begin_anew(error)
            return {}
        self._sweep({self._file(talk) for talk, each in lying.items() if each.shelf == "cold"})
        return lying

    def _opened(self) -> tuple[sqlite3.Connection, dict[str, Lying]]:
        """Return a connection and what lies there, which shows a damaged page; where that fails nothing is open."""
        connection = sqlite3.connect(self._path, timeout=_BUSY_S, check_same_thread=False)
        try:
            # No write-ahead log: what is forgotten would stand in it. Deleted bytes become zeros.
            connection.execute("PRAGMA journal_mode=DELETE")
            connection.execute("PRAGMA secure_delete=ON")
            connection.execute("PRAGMA synchronous=OFF")
            with connection:
                for statement in _SCHEMA:
                    connection.execute(statement)
            rows = connection.execute("SELECT talk, packed IS NULL, size FROM states").fetchall()
            lying = {talk.decode(): Lying("cold" if cold else "warm", size) for talk, cold, size in rows}
        except BaseException:
            connection.close()
            raise
        return connection, lying

    def _begin_anew(self, error: Exception) -> None:
        swallowed(log, "states of conversations are let go of: their file is damaged", error)
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        for path in (self._path, self._path.with_name(f"{FILE}-journal")):
            path.unlink(missing_ok=True)
        self._connection, _ = self._opened()
        self._sweep(set())
        self._tell(self._emptied)

    def _emptied(self) -> None:
        count = len(self.lying)
        self.lying, self.bytes = {}, {"warm": 0, "cold": 0}
        self._let_go(count)

    def _sweep(self, known: set[Path]) -> None:
        """Delete the files that no row knows of: a kill may have left some."""
        if self._files.is_dir():
            for path in self._files.iterdir():
                if path not in known and path.is_file():
                    self._delete(path, None)

    async def put(self, states: Sequence[HeldState]) -> None:
        """Let ``states`` lie warm, instead of older ones of their conversations. Raises `StoreError`."""
        rows = [(_key(each.talk), _key(session_of(each.talk)), each.used, each.size, each.packed) for each in states]
        cold = [each.talk for each in states if self.where(each.talk) == "cold"]

        def put(connection: sqlite3.Connection) -> None:
            with connection:
                connection.executemany(_PUT, rows)
            for each in states:
                self._tell(self._lies, each.talk, Lying("warm", each.size))
            self._unlink(cold)

        await self._changed(put)

    async def take(self, talk: str) -> tuple[Shelf, HeldState] | None:
        """Return the state of ``talk`` and where it lay; it lies there no longer. Raises `Damaged`, `StoreError`.

        Who gives up before its turn comes has taken nothing.
        """
        if talk not in self.lying:
            return None

        def take(connection: sqlite3.Connection) -> tuple[Shelf, HeldState] | None:
            with connection:
                rows = connection.execute(_TAKE, (_key(talk),)).fetchall()
            self._tell(self._lies_no_more, [talk])
            if not rows:
                return None
            [(used, packed)] = rows
            if packed is not None:
                return "warm", HeldState(talk, packed, len(packed), used)
            packed = self._read(talk)
            return "cold", HeldState(talk, packed, len(packed), used)

        return await self._changed(take)

    async def remove(self, talks: Iterable[str]) -> None:
        """Let no state of ``talks`` lie here. Raises `StoreError`, of which `StillReadable` says that a file stays."""
        gone = list(talks)

        def remove(connection: sqlite3.Connection) -> OSError | None:
            with connection:
                connection.executemany("DELETE FROM states WHERE talk = ?", [(_key(talk),) for talk in gone])
            self._tell(self._lies_no_more, gone)  # a file that stays is given to no turn
            return self._unlink(gone)

        if (stays := await self._changed(remove)) is not None:
            raise StillReadable(f"A cold conversation's file could not be deleted: {stays.strerror}.") from stays

    async def forget(self, session: str) -> list[str]:
        """Let no state of ``session`` lie here, and return which did. Raises what `remove` raises, each time.

        A file that nobody knows whose it is, and that cannot be deleted, may be of this session.
        """
        of_session = "SELECT talk FROM states WHERE session = ?"

        def find(connection: sqlite3.Connection) -> tuple[set[str], OSError | None]:
            found = {talk.decode() for (talk,) in connection.execute(of_session, (_key(session),))}
            found.update(talk for talk in self._left.values() if talk is not None and session_of(talk) == session)
            unknown = [self._delete(path, None) for path, talk in [*self._left.items()] if talk is None]
            return found, next((why for why in unknown if why is not None), None)

        lay = self.lying
        talks, stays = await self._changed(find)
        if self.lying is not lay:  # the file was damaged, and has none of them any more
            talks |= {talk for talk in lay if session_of(talk) == session}
        await self.remove(talks)
        if stays is not None:
            raise StillReadable(
                f"A file of a cold conversation, nobody knows whose, could not be deleted: {stays.strerror}."
            ) from stays
        return list(talks)

    async def due(self, shelf: Shelf, most_bytes: int, before: float) -> list[str]:
        """Return those on ``shelf`` that nobody used since ``before``, and the oldest others that are too many bytes.

        The oldest come first. Raises `StoreError`.
        """

        def due(connection: sqlite3.Connection) -> list[str]:
            rows = connection.execute(_BY_USE, (shelf == "cold",)).fetchall()
            over = sum(size for _, _, size in rows) - most_bytes
            found = []
            for talk, used, size in rows:
                if used >= before and over <= 0:
                    break
                found.append(talk.decode())
                over -= size
            return found

        return await self._changed(due)

    async def cool(self, talk: str) -> bool:
        """Let ``talk`` lie cold if it lies warm, and return whether it did. Raises `StoreError`."""

        def cool(connection: sqlite3.Connection) -> bool:
            row = connection.execute(_WARM, (_key(talk),)).fetchone()
            if row is None:
                return False
            size = self._write(talk, row[0])
            try:
                with connection:
                    connection.execute(_COOL, (size, _key(talk)))
            except sqlite3.Error:
                self._unlink([talk])  # no row knows of it
                raise
            self._tell(self._lies, talk, Lying("cold", size))
            return True

        return await self._changed(cool)

    async def drop(self, talk: str) -> bool:
        """Let go of ``talk`` if it lies cold, and return whether it did. Raises what `remove` raises."""
        if self.where(talk) != "cold":
            return False
        await self.remove([talk])
        return True

    async def newest(self, count: int) -> list[str]:
        """Return the ``count`` conversations that were used last. Raises `StoreError`."""

        def newest(connection: sqlite3.Connection) -> list[str]:
            return [talk.decode() for (talk,) in connection.execute(_NEWEST, (count,))]

        return await self._changed(newest)

    def where(self, talk: str) -> Shelf | None:
        """Return the shelf that ``talk`` lies on."""
        lying = self.lying.get(talk)
        return None if lying is None else lying.shelf

    async def close(self) -> None:
        """Close the file; a second call does nothing."""

        def close() -> None:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

        with suppress(RuntimeError):  # the thread has ended
            await asyncio.get_running_loop().run_in_executor(self._thread, close)
        self._thread.shutdown()

    async def _changed(self, work: Callable[[sqlite3.Connection], T]) -> T:
        def call() -> T:
            try:
                return work(self._opened_already())
            except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
                if not _is_damage(error):
                    raise
                self._begin_anew(error)
            return work(self._opened_already())

        return await self._do(call)

    def _opened_already(self) -> sqlite3.Connection:
        if self._connection is None:
            raise StoreError("The states of conversations are not open.")
        return self._connection

    async def _do(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except sqlite3.Error as error:
            raise store_error("The states of conversations could not be read or kept", error) from error
        except OSError as error:
            raise StoreError(f"A cold conversation could not be read or kept: {error.strerror}.") from error

    def _tell(self, what: Callable[..., None], *of: object) -> None:
        """Have the event loop do ``what``, in the order of the jobs, and before it goes on from the one that says so.

        A job that nobody waits for any more says so too; one that never began does not.
        """
        assert self._loop is not None
        self._loop.call_soon_threadsafe(what, *of)

    def _file(self, talk: str) -> Path:
        return self._files / f"{hashlib.blake2b(_key(talk), digest_size=16).hexdigest()}.z"

    def _write(self, talk: str, packed: bytes) -> int:
        """Write the file of ``talk`` beside its place, and move it there; return how many bytes it has."""
        content = zlib.compress(packed)
        self._files.mkdir(exist_ok=True)
        place = self._file(talk)
        begun = place.with_suffix(".part")
        try:
            begun.write_bytes(content)
            begun.replace(place)
        except BaseException:
            begun.unlink(missing_ok=True)
            raise
        self._left.pop(place, None)
        return len(content)

    def _read(self, talk: str) -> bytes:
        try:
            return zlib.decompress(self._file(talk).read_bytes())
        except (zlib.error, FileNotFoundError) as error:
            raise Damaged("The state of a cold conversation is damaged, or its file is gone.") from error
        finally:
            self._unlink([talk])

    def _unlink(self, talks: Iterable[str]) -> OSError | None:
        """Delete the files of ``talks``; return why one stays."""
        failed = [self._delete(self._file(talk), talk) for talk in talks]
        return next((why for why in failed if why is not None), None)

    def _delete(self, path: Path, talk: str | None) -> OSError | None:
        """Delete ``path``, which is that of ``talk``; return why it stays, which is known from then on."""
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            swallowed(log, "a cold conversation's file could not be deleted", error)
            self._left[path] = self._left.get(path) if talk is None else talk
            return error
        self._left.pop(path, None)
        return None

    def _lies(self, talk: str, lying: Lying) -> None:
        self._lies_no_more([talk])
        self.lying[talk] = lying
        self.bytes[lying.shelf] += lying.size

    def _lies_no_more(self, talks: Iterable[str]) -> None:
        for talk in talks:
            lying = self.lying.pop(talk, None)
            if lying is not None:
                self.bytes[lying.shelf] -= lying.size


def _is_damage(error: Exception) -> bool:
    """Return whether ``error`` says that a page of the file, or a name in it, is not what was written."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # without the extended part
    return isinstance(error, UnicodeDecodeError) or code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _key(name: str) -> bytes:
    return name.encode()
