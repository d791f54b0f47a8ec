"""The optimized store: one shared aiosqlite connection, and a full-text index over segmented text."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import aiosqlite

from systems.errors import SystemClosed
from systems.memory.schema import BUSY_S, INSERT, TABLE, SavedTurn, scope, store_error, version_statement

# An external-content index keeps no second copy of the text, and unlike a contentless one it can delete.
_INDEX = (
    "CREATE VIRTUAL TABLE IF NOT EXISTS memory_index USING fts5("
    "scope, words, content='memories', content_rowid='id', tokenize=\"unicode61 remove_diacritics 0\")",
    "CREATE TRIGGER IF NOT EXISTS memory_added AFTER INSERT ON memories BEGIN "
    "INSERT INTO memory_index (rowid, scope, words) VALUES (new.id, new.scope, new.words); END",
    "CREATE TRIGGER IF NOT EXISTS memory_removed AFTER DELETE ON memories BEGIN "
    "INSERT INTO memory_index (memory_index, rowid, scope, words) "
    "VALUES ('delete', old.id, old.scope, old.words); END",
)

# The session is matched twice: as a token, so that the index does the work, and as itself, so that no tokenizer's
# idea of equality can show one user's turn to another. Only the words count towards the rank.
_FIND = (
    "SELECT memories.question FROM memory_index JOIN memories ON memories.id = memory_index.rowid "
    "WHERE memory_index MATCH ? AND memories.session = ? "
    "ORDER BY bm25(memory_index, 0.0, 1.0), memories.id DESC LIMIT ?"
)


class FullTextStore:
    """Finds the turns of a session that match best, by BM25 over their words. Used from one event loop."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: aiosqlite.Connection | None = None
        self._writing = asyncio.Lock()

    async def open(self) -> None:
        """Open the one connection, and make the tables if they are not there. Raises `StoreError`."""
        try:
            connection = await aiosqlite.connect(self._path, timeout=BUSY_S)
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
        words = " OR ".join(f'"{_quote(keyword)}"' for keyword in keywords)
        match = f'scope : "{scope(session)}" AND words : ({words})'
        try:
            # One trip to the connection's thread; a cursor would make three.
            rows = await self._open().execute_fetchall(_FIND, (match, session, limit))
            return [row[0] for row in rows]
        except (sqlite3.Error, UnicodeError) as error:
            raise store_error("Long-term memory could not be searched", error) from error

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
        """Close the connection; a second call does nothing."""
        if self._connection is not None:
            await self._connection.close()
            self._connection = None

    def _open(self) -> aiosqlite.Connection:
        if self._connection is None:
            raise SystemClosed("Long-term memory is not open.")
        return self._connection


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
