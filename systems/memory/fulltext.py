"""The optimized store: one shared aiosqlite connection, and a full-text index over segmented text."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import aiosqlite

from systems.errors import SystemClosed
from systems.memory.schema import BUSY_S, INSERT, TABLE, SavedTurn, scoped, store_error, version_statement

# An external-content index keeps no second copy of the text, and unlike a contentless one it can delete. Lengths of
# texts are for BM25, which is not asked. Every save adds a segment and a lookup reads them all, so they are merged
# sooner than by default: a turn saves once and looks several sets of words up.
_INDEX = (
    "CREATE VIRTUAL TABLE IF NOT EXISTS memory_index USING fts5("
    "words, content='memories', content_rowid='id', columnsize=0, tokenize=\"unicode61 remove_diacritics 0\")",
    "INSERT INTO memory_index (memory_index, rank) VALUES ('automerge', 2)",
    "INSERT INTO memory_index (memory_index, rank) VALUES ('crisismerge', 3)",
    "CREATE TRIGGER IF NOT EXISTS memory_added AFTER INSERT ON memories BEGIN "
    "INSERT INTO memory_index (rowid, words) VALUES (new.id, new.words); END",
    "CREATE TRIGGER IF NOT EXISTS memory_removed AFTER DELETE ON memories BEGIN "
    "INSERT INTO memory_index (memory_index, rowid, words) VALUES ('delete', old.id, old.words); END",
)

# Segments become one, as far as 256 pages (1 MB, some milliseconds) go; the next close goes on.
_TIDY = "INSERT INTO memory_index (memory_index, rank) VALUES ('merge', -256)"

# The session is matched twice: in every word, so that a lookup meets no other session's turns; and as itself, so that
# no hash can show one user's turn to another. The newest come first without being sorted: the index is kept in order.
_FIND = (
    "SELECT memories.id, memories.question, memories.keywords FROM memory_index "
    "JOIN memories ON memories.id = memory_index.rowid "
    "WHERE memory_index MATCH ? AND memories.session = ? ORDER BY memory_index.rowid DESC LIMIT ?"
)


class FullTextStore:
    """Finds the turns of a session that match best. Used from one event loop.

    Best is the turn whose own keywords are the asked ones; then one that has all of them among its words; then one that
    has the heaviest of them, and so on; among equals, the newest. Each is looked up by itself, until enough turns are
    found: that costs the same however many turns have one common word, whereas BM25 scores every one of them at each
    lookup.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: _Connection | None = None
        self._writing = asyncio.Lock()
        self._asked: list[_Lookup] = []
        self._looking: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Open the one connection, and make the tables if they are not there. Raises `StoreError`."""
        try:
            connection = _Connection(lambda: sqlite3.connect(self._path, timeout=BUSY_S), iter_chunk_size=64)
            await connection
            try:
                await _prepare(connection)
            except BaseException:
                await connection.close()
                raise
        except sqlite3.Error as error:
            raise store_error(f"The memory file {self._path.name} cannot be opened", error) from error
        self._connection = connection

    async def find(self, session: str, keywords: Sequence[str], limit: int) -> list[str]:
        """Return the questions of the best ``limit`` matching turns, best first."""
        if not keywords:
            return []
        lookup = _Lookup(session, list(keywords), limit, asyncio.get_running_loop().create_future())
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
                    found = await self._open().look_up(asked)
                except Exception as error:  # noqa: BLE001 - it belongs to those who asked
                    found = [error] * len(asked)
                for lookup, one in zip(asked, found, strict=True):
                    if not lookup.found.done():
                        (lookup.found.set_exception if isinstance(one, Exception) else lookup.found.set_result)(one)
        finally:
            self._looking = None

    async def save(self, turns: Sequence[SavedTurn]) -> None:
        """Save ``turns`` in one transaction. Raises `StoreError`."""
        connection = self._open()
        try:
            # The connection is shared: two saves inside each other would share one transaction, and its rollback.
            async with self._writing:
                try:
                    await connection.executemany(INSERT, [turn.row() for turn in turns])
                    await connection.commit()
                except BaseException:
                    await asyncio.shield(connection.rollback())
                    raise
        except (sqlite3.Error, UnicodeError) as error:
            raise store_error("A turn could not be saved", error) from error

    async def close(self) -> None:
        """Tidy the index and close the connection; a second call does nothing."""
        if self._looking is not None:
            await self._looking
        if self._connection is not None:
            with suppress(sqlite3.Error):  # an untidy index finds the same
                await self._connection.execute(_TIDY)
                await self._connection.commit()
            await self._connection.close()
            self._connection = None

    def _open(self) -> _Connection:
        if self._connection is None:
            raise SystemClosed("Long-term memory is not open.")
        return self._connection


class _Lookup(NamedTuple):
    session: str
    keywords: list[str]
    limit: int
    found: asyncio.Future[list[str]]


class _Connection(aiosqlite.Connection):
    """The one connection, whose thread answers several lookups in one trip."""

    async def look_up(self, asked: Sequence[_Lookup]) -> list[Any]:
        """Return what each lookup found, or the error it met."""
        answered: list[Any] = await self._execute(_look_up, self._conn, asked)  # type: ignore[no-untyped-call]
        return answered


def _look_up(connection: sqlite3.Connection, asked: Sequence[_Lookup]) -> list[Any]:
    answered: list[Any] = []
    for lookup in asked:
        try:
            answered.append(_best(connection, lookup))
        except (sqlite3.Error, UnicodeError) as error:
            answered.append(error)
    return answered


def _best(connection: sqlite3.Connection, lookup: _Lookup) -> list[str]:
    words = scoped(lookup.session, lookup.keywords)
    if not words:
        return []
    rows = _having(connection, lookup, words)
    if len(rows) > lookup.limit:  # the turns about the keywords may not be among the newest that mention them
        rows = _having(connection, lookup, scoped(lookup.session, lookup.keywords, "k")) + rows
    about = set(lookup.keywords)
    rows.sort(key=lambda row: not about.issubset(row[2].split(" ")))
    found = {number: question for number, question, _ in rows}
    for word in words:
        if len(found) >= lookup.limit:
            break
        for number, question, _ in _having(connection, lookup, [word]):
            found.setdefault(number, question)
    return list(found.values())[: lookup.limit]


def _having(connection: sqlite3.Connection, lookup: _Lookup, words: Sequence[str]) -> list[tuple[int, str, str]]:
    """Return number, question and keywords of the newest turns that have all ``words``, one more than is asked for."""
    match = " AND ".join(f'"{_quote(word)}"' for word in words)
    return connection.execute(_FIND, (match, lookup.session, lookup.limit + 1)).fetchall()


def _quote(word: str) -> str:
    # NUL would end SQLite's text early; a quote is doubled inside a quoted string.
    return word.replace("\0", " ").replace('"', '""')


async def _prepare(connection: aiosqlite.Connection) -> None:
    # Readers go on while a turn is saved, and a commit does not wait for the disk: what is saved survives a killed
    # process, but not a power cut, which the traditional store's journal does.
    for pragma in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=NORMAL"):
        await connection.execute(pragma)
    async with connection.execute("PRAGMA user_version") as cursor:
        row = await cursor.fetchone()
    for statement in (version_statement(row[0] if row else 0), TABLE, *_INDEX):
        await connection.execute(statement)
    await connection.commit()
