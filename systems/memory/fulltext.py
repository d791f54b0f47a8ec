"""The optimized store: one shared aiosqlite connection, and a full-text index over terms that were cut before."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import aiosqlite

from systems.errors import SystemClosed
from systems.logs import swallowed
from systems.memory import index, retention, rewriting, words
from systems.memory.found import FoundTurn
from systems.memory.recent import Recent, Remembered
from systems.memory.schema import BUSY_S, BY_SESSION, INSERT_NEXT, SavedTurn, cannot_open, prepare, store_error
from systems.memory.ways import Retrieval

if TYPE_CHECKING:
    from systems.memory.resident import Resident

T = TypeVar("T")

log = logging.getLogger(__name__)

# Kibibytes of the file's pages that are kept in memory; SQLite's 2,000 make lookups among 10,000 turns read the file.
_KEPT_PAGES = 8_000

# Turns that the index may lack: the more, the less a turn costs, and the longer the save that indexes them takes.
_UNINDEXED = 512
_UNINDEXED_CHARACTERS = 1_000_000

# Bytes of sessions that are resident (`resident`).
_RESIDENT_BYTES = 16 << 20

# So many questions, of at most so many characters, are kept cut until they are saved: they are the same turn's.
_ASKED, _ASKED_CHARACTERS = 256, 1_000

# The number and the time that a turn got; the rest is known, and to read it back takes longer.
_SAVED = "SELECT id, created FROM memories WHERE id > ? ORDER BY id"

_WORDS = 5  # among the values of `SavedTurn.row`

# Turns saved between two looks at how large the file has become.
_LOOK_EVERY = 64


class FullTextStore:
    """Finds the turns of a session that match best, in the way ``how`` says. Used from one event loop.

    With ``context`` short turns are found by those around them as well (`relevance`). A file larger than
    ``most_bytes`` loses what matters least (`retention`). Sessions in use are held in memory, in ``resident_bytes``
    (`resident`). ``taken_out`` counts how often turns were taken out for that.
    """

    def __init__(
        self,
        path: Path,
        *,
        how: Retrieval = "relevance",
        context: bool = True,
        most_bytes: int | None = None,
        resident_bytes: int = _RESIDENT_BYTES,
    ) -> None:
        self._path = path
        self._how = how
        self._context = context
        self._most_bytes = most_bytes
        self._resident_bytes = resident_bytes
        self._resident: Resident | None = None
        self._unindexed = 0 if how == "bm25" else _UNINDEXED
        self._recent = Recent()
        self._cut: OrderedDict[str, Sequence[str]] = OrderedDict()
        self._version = 0
        self.taken_out = 0
        self._unlooked = _LOOK_EVERY
        self._connection: _Connection | None = None
        self._asked: list[_Lookup] = []
        self._looking: asyncio.Task[None] | None = None
        self._writing = asyncio.Lock()
        self._journal_tells = False

    async def open(self) -> None:
        """Open the one connection, and make what the file lacks of table and index. Raises `StoreError`."""
        try:
            connection = _Connection(lambda: sqlite3.connect(self._path, timeout=BUSY_S))
            try:
                await connection
                await connection.do(self._prepare)
            except BaseException:
                await connection.close()
                raise
        except sqlite3.Error as error:
            raise cannot_open(self._path, error) from error
        self._connection = connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        # Readers go on while a turn is saved, and a commit does not wait for the disk: what is saved survives a killed
        # process, but not a power cut, which the traditional store's journal does.
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute(f"PRAGMA cache_size=-{_KEPT_PAGES}")
        prepare(connection)
        index.make(connection, lengths=self._how == "bm25")
        connection.execute(BY_SESSION)
        self._version = _version(connection)
        self._catch_up(connection)
        if self._how != "bm25" and self._resident_bytes:
            from systems.memory.resident import Resident  # takes numpy, which must not be loaded before somebody talks

            self._resident = Resident(self._resident_bytes)

    async def find(self, session: str, question: str, limit: int) -> list[str]:
        """Return what was said in the best ``limit`` turns that match ``question``, best first. Raises `StoreError`."""
        return [turn.text for turn in await self.find_turns(session, question, limit)]

    async def find_turns(self, session: str, question: str, limit: int) -> list[FoundTurn]:
        """Return these turns. Raises `StoreError`."""
        if limit <= 0:
            return []
        lookup = _Lookup(session, question, limit, asyncio.get_running_loop().create_future())
        self._open()
        self._asked.append(lookup)
        if self._looking is None:
            self._looking = asyncio.create_task(self._look(), name="memory lookups")
        try:
            return await lookup.found
        except (sqlite3.Error, UnicodeError) as error:
            raise store_error("Long-term memory could not be searched", error) from error

    async def _look(self) -> None:
        """Answer what was asked; lookups that were asked meanwhile share the next trip to the connection's thread."""
        try:
            while self._asked:
                asked, self._asked = self._asked, []
                try:
                    found = await self._open().do(partial(self._look_up, asked))
                except Exception as error:  # noqa: BLE001 - it belongs to those who asked
                    found = [error] * len(asked)
                for lookup, one in zip(asked, found, strict=True):
                    if not lookup.found.done():
                        (lookup.found.set_exception if isinstance(one, Exception) else lookup.found.set_result)(one)
        finally:
            self._looking = None

    def _look_up(self, asked: Sequence[_Lookup], connection: sqlite3.Connection) -> list[Any]:
        from systems.memory import retrieval

        resident = self._resident
        version = _version(connection)
        if version != self._version:  # somebody else saved or deleted, and may at once do so again
            resident = None
            try:
                self._catch_up(connection)
                self._version = version
            except sqlite3.OperationalError as error:  # what is indexed can be found, though nothing can be written
                swallowed(log, "memory could not be indexed, to be tried again", error)
        how, context = self._how, self._context
        # All are cut before the first is looked up: done in turn, either drives what the other runs out of the caches.
        cut = [self._terms(lookup.question) for lookup in asked]
        answered: list[Any] = []
        connection.execute("BEGIN")  # one for all is cheaper than one a query
        try:
            for (session, _, limit, _), terms in zip(asked, cut, strict=True):
                try:
                    answered.append(
                        retrieval.find(connection, self._recent, resident, session, terms, limit, how, context=context)
                    )
                except (sqlite3.Error, UnicodeError) as error:
                    answered.append(error)
        finally:
            connection.rollback()
        return answered

    def _terms(self, question: str) -> list[str]:
        """Return what is looked for; it is kept for a while what else is in ``question``, which is saved next."""
        cut = words.both(question)
        if len(question) <= _ASKED_CHARACTERS:
            self._cut[question] = cut.every
            if len(self._cut) > _ASKED:
                self._cut.popitem(last=False)
        return cut.worth

    def _catch_up(self, connection: sqlite3.Connection) -> None:
        """Index what is not indexed; what is resident may not be all there is, or be there no longer."""
        if self._resident is not None:
            self._resident.clear()
        with connection:
            index.catch_up(connection)
        self._recent.clear()

    async def save(self, turns: Sequence[SavedTurn]) -> None:
        """Save ``turns`` in one transaction; when this returns they survive a killed process. Raises `StoreError`.

        Once begun it is not undone: a caller that is cancelled does not know whether its turns were saved.
        """
        async with self._writing:
            connection = self._open()
            try:
                await connection.do(partial(self._insert, turns))
            except (sqlite3.Error, UnicodeError) as error:
                raise store_error("A turn could not be saved", error) from error
            self._unlooked += len(turns)
            if self._journal_tells:
                self._journal_tells = not await connection.do(rewriting.emptied)
            if self._most_bytes is not None and self._unlooked >= _LOOK_EVERY:
                try:
                    await self._keep_within(connection, self._most_bytes)
                    self._unlooked = 0
                except sqlite3.Error as error:  # the turns are saved: to raise would save them twice
                    swallowed(log, "memory could not be kept within its bound, to be tried again", error)

    def _insert(self, turns: Sequence[SavedTurn], connection: sqlite3.Connection) -> None:
        rows = [turn.row(cut=True, terms=self._cut.pop(turn.question, None)) for turn in turns]
        characters = self._recent.characters + sum(len(turn.question) for turn in turns)
        full = len(self._recent) + len(rows) > self._unindexed or characters > _UNINDEXED_CHARACTERS
        with connection:
            connection.executemany(INSERT_NEXT, rows)
            last = connection.execute("SELECT last_insert_rowid()").fetchone()[0]
            numbers = connection.execute(_SAVED, (last - len(rows),)).fetchall()
            if full:
                index.catch_up(connection)
        saved = [
            Remembered(
                number, turn.session, created, turn.question, str(row[_WORDS]), turn.important, turn.answer != ""
            )
            for (number, created), turn, row in zip(numbers, turns, rows, strict=True)
        ]
        if full:
            self._recent.clear()
        else:
            self._recent.add(saved)
        if self._resident is not None:
            self._resident.add(saved)

    async def with_connection(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Return what ``work``, which only reads, returns when it is called with the one connection, on its thread.

        Raises what it raises, and `SystemClosed`.
        """
        return await self._open().do(work)

    async def beside(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Return what ``work``, which only reads and may take long, returns; lookups and saves go on meanwhile.

        Raises `StoreError`.
        """

        def read() -> T:
            with closing(sqlite3.connect(self._path, timeout=BUSY_S)) as connection:
                return work(connection)

        try:
            return await asyncio.to_thread(read)
        except (sqlite3.Error, UnicodeError) as error:
            raise store_error("What is kept could not be read", error) from error

    async def change(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do the same with ``work`` that writes: it waits while the file is written anew."""
        async with self._writing:
            return await self._open().do(work)

    async def rearrange(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Return what ``work`` returns, which moves turns elsewhere or back; what is held of them is read anew.

        The file is not written anew: it still is one's own who moves. Raises what ``work`` raises, `StoreError`.
        """
        try:
            async with self._writing:
                return await self._open().do(partial(self._delete, work))
        except (sqlite3.Error, UnicodeError) as error:
            raise store_error("Turns could not be moved", error) from error

    async def take_out(self, work: Callable[[sqlite3.Connection], T], turns: int) -> T:
        """Return what ``work`` returns, which takes ``turns`` out; nothing of them can be read in the file after that.

        The whole file is written anew, beside the one connection: lookups go on meanwhile, what is to be saved waits.
        Not to be cancelled. Raises what ``work`` raises, `StillReadable`, `StoreError`.
        """
        try:
            async with self._writing:
                done = await self._open().do(partial(self._delete, work))
                self._journal_tells = True  # until it is known that it does not
                await asyncio.to_thread(rewriting.rewrite_beside, self._path, turns)
                self._journal_tells = False
                return done
        except (sqlite3.Error, UnicodeError) as error:
            raise store_error("Nothing could be taken out of long-term memory", error) from error

    def _delete(self, work: Callable[[sqlite3.Connection], T], connection: sqlite3.Connection) -> T:
        self._cut.clear()
        self.taken_out += 1
        connection.execute("PRAGMA secure_delete=ON")  # deleted bytes become zeros, also if it cannot be written anew
        try:
            return work(connection)
        finally:
            connection.execute("PRAGMA secure_delete=OFF")
            self._catch_up(connection)  # what was deleted must not be found here; and who looks must not have to write

    async def _keep_within(self, connection: _Connection, most_bytes: int) -> None:
        def step(opened: sqlite3.Connection) -> bool:
            self._catch_up(opened)  # what is deleted next must not be found here
            self.taken_out += 1
            return next(steps, self) is not self

        if await connection.do(retention.used_bytes) <= most_bytes:
            return
        steps = await connection.do(lambda opened: retention.shrink(opened, most_bytes))
        while await connection.do(step):
            pass

    async def close(self) -> None:
        """Close the connection; a second call does nothing."""
        if self._looking is not None:
            await self._looking
        async with self._writing:
            if self._connection is not None:
                await self._connection.close()
                self._connection = self._resident = None

    def _open(self) -> _Connection:
        if self._connection is None:
            raise SystemClosed("Long-term memory is not open.")
        return self._connection


class _Lookup(NamedTuple):
    session: str
    question: str
    limit: int
    found: asyncio.Future[list[FoundTurn]]


class _Connection(aiosqlite.Connection):
    """The one connection; what it does in its thread is done in one trip, and nothing comes in between."""

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        super().__init__(connect, iter_chunk_size=64)
        # A program that fails before it closes its agent must end all the same, and not wait for this thread.
        self._thread.daemon = True

    async def close(self) -> None:
        """Close the file and end the thread. aiosqlite's own close waits for the last call, not for the thread."""
        try:
            await super().close()
        finally:
            self._thread.join()  # it has nothing left to do but to end

    async def do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Return what ``work`` returns when its thread calls it with the connection."""
        done: T = await self._execute(work, self._conn)  # type: ignore[no-untyped-call]
        return done


def _version(connection: sqlite3.Connection) -> int:
    """Return what changes whenever another connection has changed the file."""
    return int(connection.execute("PRAGMA data_version").fetchone()[0])
