"""The warm and the cold tier: rows of a SQLite file, and compressed files that it knows of.

One connection, on a thread of its own. A state is never the only copy of what was said: a commit does not wait for the
disk, and a file that a power cut left broken is thrown away.
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
_BY_USE = "SELECT talk, used, size FROM states WHERE (packed IS NULL) = ? ORDER BY used"
_NEWEST = "SELECT talk FROM states ORDER BY used DESC LIMIT ?"


class Lying(NamedTuple):
    """On which shelf a state lies, and how many bytes it takes there."""

    shelf: Shelf
    size: int


class Shelves:
    """The file and the folder of compressed files in ``folder``. Used from one event loop, by one agent at a time.

    ``lying`` says what is there; what is being taken or put just now may still be, or not yet.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._files = folder / FOLDER
        self._thread = ThreadPoolExecutor(1, "shelves")
        self._connection: sqlite3.Connection | None = None
        self._left: set[str] = set()  # whose files may still be there, though no row says so; the thread's
        self.lying: dict[str, Lying] = {}
        self.bytes: dict[Shelf, int] = {"warm": 0, "cold": 0}

    async def open(self) -> None:
        """Open the file, and see what is there. Raises `StoreError`."""
        for talk, lying in (await self._do(self._open)).items():
            self._lies(talk, lying)

    def _open(self) -> dict[str, Lying]:
        try:
            self._connection, lying = self._opened()
        except sqlite3.OperationalError:  # locked, or no right: the file may be in order
            raise
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
            swallowed(log, "states of conversations are let go of: their file is damaged", error)
            for path in (self._path, self._path.with_name(f"{FILE}-journal")):
                path.unlink(missing_ok=True)
            self._connection, lying = self._opened()
        known = {self._file(talk).name for talk, each in lying.items() if each.shelf == "cold"}
        if self._files.is_dir():
            for path in self._files.iterdir():  # a kill may have left some that no row knows of
                if path.name not in known:
                    path.unlink()
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

    async def put(self, states: Sequence[HeldState]) -> None:
        """Let ``states`` lie warm, instead of older ones of their conversations. Raises `StoreError`."""
        rows = [(_key(each.talk), _key(session_of(each.talk)), each.used, each.size, each.packed) for each in states]
        cold = [each.talk for each in states if self.where(each.talk) == "cold"]

        def put(connection: sqlite3.Connection) -> None:
            with connection:
                connection.executemany(_PUT, rows)
            self._unlink(cold)

        await self._changed(put)
        for each in states:
            self._lies(each.talk, Lying("warm", each.size))

    async def take(self, talk: str) -> tuple[Shelf, HeldState] | None:
        """Return the state of ``talk`` and where it lay; it lies there no longer. Raises `Damaged`, `StoreError`."""
        if talk not in self.lying:
            return None

        def take(connection: sqlite3.Connection) -> tuple[Shelf, HeldState] | None:
            with connection:
                rows = connection.execute(_TAKE, (_key(talk),)).fetchall()
            if not rows:
                return None
            [(used, packed)] = rows
            if packed is not None:
                return "warm", HeldState(talk, packed, len(packed), used)
            packed = self._read(talk)
            return "cold", HeldState(talk, packed, len(packed), used)

        try:
            return await self._changed(take)
        finally:
            self._lies_no_more([talk])

    async def remove(self, talks: Iterable[str]) -> None:
        """Let no state of ``talks`` lie here. Raises `StoreError`, of which `StillReadable` says that a file stays."""
        gone = list(talks)

        def remove(connection: sqlite3.Connection) -> OSError | None:
            with connection:
                connection.executemany("DELETE FROM states WHERE talk = ?", [(_key(talk),) for talk in gone])
            return self._unlink(gone)

        stays = await self._changed(remove)
        self._lies_no_more(gone)  # a file that stays is given to no turn
        if stays is not None:
            raise StillReadable(f"A cold conversation's file could not be deleted: {stays.strerror}.") from stays

    async def forget(self, session: str) -> list[str]:
        """Let no state of ``session`` lie here, and return which did. Raises what `remove` raises, each time."""
        of_session = "SELECT talk FROM states WHERE session = ?"

        def find(connection: sqlite3.Connection) -> list[str]:
            found = {talk.decode() for (talk,) in connection.execute(of_session, (_key(session),))}
            return [*found, *(talk for talk in self._left - found if session_of(talk) == session)]

        talks = await self._changed(find)
        await self.remove(talks)
        return talks

    async def cool(self, most_bytes: int, before: float) -> int:
        """Let those lie cold that nobody used since ``before``, and the oldest that are too many bytes.

        Return how many these were. Raises `StoreError`.
        """

        def cool(connection: sqlite3.Connection) -> list[tuple[str, int]]:
            sizes = []
            for talk in _due(connection, most_bytes, before, cold=False):
                [[packed]] = connection.execute("SELECT packed FROM states WHERE talk = ?", (talk,))
                sizes.append((talk.decode(), self._write(talk.decode(), packed)))
            rows = [(size, _key(talk)) for talk, size in sizes]
            with connection:
                connection.executemany("UPDATE states SET packed = NULL, size = ? WHERE talk = ?", rows)
            return sizes

        cooled = await self._changed(cool)
        for talk, size in cooled:
            self._lies(talk, Lying("cold", size))
        return len(cooled)

    async def drop(self, most_bytes: int, before: float) -> int:
        """Let go of cold states likewise, and return how many. Raises `StoreError`."""

        def due(connection: sqlite3.Connection) -> list[str]:
            return [talk.decode() for talk in _due(connection, most_bytes, before, cold=True)]

        talks = await self._changed(due)
        if talks:
            await self.remove(talks)
        return len(talks)

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
            if self._connection is None:
                raise StoreError("The states of conversations are not open.")
            return work(self._connection)

        return await self._do(call)

    async def _do(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except sqlite3.Error as error:
            raise store_error("The states of conversations could not be read or kept", error) from error
        except OSError as error:
            raise StoreError(f"A cold conversation could not be read or kept: {error.strerror}.") from error

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
        self._left.discard(talk)
        return len(content)

    def _read(self, talk: str) -> bytes:
        try:
            return zlib.decompress(self._file(talk).read_bytes())
        except (zlib.error, FileNotFoundError) as error:
            raise Damaged("The state of a cold conversation is damaged, or its file is gone.") from error
        finally:
            self._unlink([talk])

    def _unlink(self, talks: Iterable[str]) -> OSError | None:
        """Delete the files of ``talks``; return why one stays, which is known from then on."""
        stays = None
        for talk in talks:
            try:
                self._file(talk).unlink(missing_ok=True)
                self._left.discard(talk)
            except OSError as error:
                swallowed(log, "a cold conversation's file could not be deleted", error)
                self._left.add(talk)
                stays = error
        return stays

    def _lies(self, talk: str, lying: Lying) -> None:
        self._lies_no_more([talk])
        self.lying[talk] = lying
        self.bytes[lying.shelf] += lying.size

    def _lies_no_more(self, talks: Iterable[str]) -> None:
        for talk in talks:
            lying = self.lying.pop(talk, None)
            if lying is not None:
                self.bytes[lying.shelf] -= lying.size


def _due(connection: sqlite3.Connection, most_bytes: int, before: float, *, cold: bool) -> list[bytes]:
    """Return those of a shelf that nobody used since ``before``, and the oldest of the others that are too many."""
    rows = connection.execute(_BY_USE, (cold,)).fetchall()
    over = sum(size for _, _, size in rows) - most_bytes
    found = []
    for talk, used, size in rows:
        if used >= before and over <= 0:
            break
        found.append(talk)
        over -= size
    return found


def _key(name: str) -> bytes:
    return name.encode()
