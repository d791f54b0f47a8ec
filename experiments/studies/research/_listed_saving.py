"""How source 3 lists saving a session, rewritten: a faithful twin with its defects, to be measured and not to be used.

As listed: one pool of threads; a connection for every save, with SQLite's default journal; no index on a session's
messages; new messages are told from old ones by counting rows against the list in memory; the articles of a session
are deleted and inserted again; and a save is begun as a task that nobody waits for.
"""

from __future__ import annotations

import asyncio
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from systems.engines.interface import Message
from systems.research.keeping.tables import KeptArticle

# The listing leaves the number to a configuration that it does not show.
_THREADS = 4

_TABLES = """
CREATE TABLE IF NOT EXISTS sessions (session_id TEXT PRIMARY KEY, summary TEXT DEFAULT '', updated_at TEXT);
CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT, session_id TEXT, role TEXT, content TEXT, timestamp TEXT
);
CREATE TABLE IF NOT EXISTS articles (
    id INTEGER PRIMARY KEY AUTOINCREMENT, session_id TEXT, source TEXT, title TEXT, content TEXT, url TEXT,
    relevance REAL
);
"""


class ListedState(msgspec.Struct):
    """A session in memory, as the listing holds it: the one object that everybody reads and writes."""

    session: str
    summary: str = ""
    messages: list[Message] = []
    articles: list[KeptArticle] = []


class ListedSaving:
    """Saves sessions in the file ``path``."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._threads = ThreadPoolExecutor(_THREADS, "memory-agent")

    async def open(self) -> None:
        """Make the tables."""
        await asyncio.get_running_loop().run_in_executor(self._threads, self._open)

    async def save(self, state: ListedState) -> None:
        """Begin to save ``state`` and return."""
        asyncio.create_task(self._saved(state))  # noqa: RUF006 - as listed: nobody keeps it

    async def _saved(self, state: ListedState) -> None:
        await asyncio.get_running_loop().run_in_executor(self._threads, self._save, state)

    def _open(self) -> None:
        with closing(sqlite3.connect(self._path)) as connection:
            connection.executescript(_TABLES)

    def _save(self, state: ListedState) -> None:
        now = datetime.now(UTC).isoformat()
        with closing(sqlite3.connect(self._path)) as connection:
            connection.execute(
                "INSERT INTO sessions (session_id, summary, updated_at) VALUES (?, ?, ?) ON CONFLICT (session_id) "
                "DO UPDATE SET summary=excluded.summary, updated_at=excluded.updated_at",
                (state.session, state.summary, now),
            )
            count = connection.execute(
                "SELECT count(*) FROM messages WHERE session_id = ?", (state.session,)
            ).fetchone()[0]
            connection.executemany(
                "INSERT INTO messages (session_id, role, content, timestamp) VALUES (?, ?, ?, ?)",
                [(state.session, each.role, each.content, now) for each in state.messages[count:]],
            )
            connection.execute("DELETE FROM articles WHERE session_id = ?", (state.session,))
            connection.executemany(
                "INSERT INTO articles (session_id, source, title, content, url, relevance) VALUES (?, ?, ?, ?, ?, ?)",
                [
                    (state.session, each.source, each.title, each.text, each.source, each.relevance)
                    for each in state.articles
                ],
            )
            connection.commit()


def listed_restore(connection: sqlite3.Connection, session: str) -> tuple[str, list[Message]]:
    """Return the summary and the messages that a session goes on with after a restart: all that are there."""
    found = connection.execute("SELECT summary FROM sessions WHERE session_id = ?", (session,)).fetchone()
    rows = connection.execute("SELECT role, content FROM messages WHERE session_id = ? ORDER BY id", (session,))
    return found[0] if found else "", [Message(role, content) for role, content in rows]
