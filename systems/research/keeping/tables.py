"""The tables of research sessions, and what is read from them and written to them within one transaction.

Messages of a session are numbered from 0 in the order in which they were added; nothing renumbers or rewrites them, so
that a summary can say how many of them it covers. Each look-up goes by a session's name and is answered by an index.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import msgspec

from systems.engines.interface import Message
from systems.errors import BadInput, StoreError

VERSION = 1

TABLES = (
    "CREATE TABLE sessions (session TEXT PRIMARY KEY, summary TEXT NOT NULL DEFAULT '', "
    "summarised_up_to INTEGER NOT NULL DEFAULT 0, changed REAL NOT NULL)",
    "CREATE TABLE messages (session TEXT NOT NULL, place INTEGER NOT NULL, role TEXT NOT NULL, content TEXT NOT NULL, "
    "said REAL NOT NULL, PRIMARY KEY (session, place))",
    "CREATE TABLE articles (session TEXT NOT NULL, source TEXT NOT NULL, title TEXT NOT NULL, content TEXT NOT NULL, "
    "relevance REAL, PRIMARY KEY (session, source))",
)

_ADD_SESSION = (
    "INSERT INTO sessions (session, changed) VALUES (?, ?) ON CONFLICT (session) DO UPDATE SET changed=excluded.changed"
)
_ADD_MESSAGE = "INSERT INTO messages (session, place, role, content, said) VALUES (?, ?, ?, ?, ?)"
# An article that is fetched again takes the place of what it was before; the others stay as they are.
_ADD_ARTICLE = (
    "INSERT INTO articles (session, source, title, content, relevance) VALUES (?, ?, ?, ?, ?) "
    "ON CONFLICT (session, source) DO UPDATE SET title=excluded.title, content=excluded.content, "
    "relevance=excluded.relevance"
)


class KeptArticle(msgspec.Struct, frozen=True, kw_only=True):
    """What was read for a session: a session has one of each ``source``. ``relevance`` None: nobody judged it."""

    source: str
    title: str
    text: str
    relevance: float | None = None


class Restored(msgspec.Struct, frozen=True, kw_only=True):
    """A session as it was acknowledged; empty where nothing was.

    ``messages`` are all of them, oldest first; the ``summary`` covers the first ``summarised_up_to``.
    """

    summary: str = ""
    summarised_up_to: int = 0
    messages: tuple[Message, ...] = ()
    articles: tuple[KeptArticle, ...] = ()

    @property
    def window(self) -> tuple[Message, ...]:
        """The messages that the summary does not cover."""
        return self.messages[self.summarised_up_to :]


def version(connection: sqlite3.Connection) -> int:
    """Return which version of the tables a file has; 0 where it has none."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def prepare(connection: sqlite3.Connection) -> None:
    """Make the tables where there are none. Raises `StoreError` for a file of a newer version."""
    found = version(connection)
    if found > VERSION:
        raise StoreError(
            f"The file of research sessions has schema {found}; this version reads schemas up to {VERSION}."
        )
    if found == 0:
        for statement in TABLES:
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version={VERSION}")


def add(
    connection: sqlite3.Connection,
    session: str,
    messages: Sequence[Message],
    articles: Sequence[KeptArticle],
    now: float,
) -> int:
    """Add ``messages`` after those of ``session``, and ``articles``; return how many messages it has then."""
    count = _count(connection, session)
    connection.execute(_ADD_SESSION, (session, now))
    connection.executemany(
        _ADD_MESSAGE,
        [(session, place, each.role, each.content, now) for place, each in enumerate(messages, count)],
    )
    connection.executemany(
        _ADD_ARTICLE, [(session, each.source, each.title, each.text, each.relevance) for each in articles]
    )
    return count + len(messages)


def summarised(
    connection: sqlite3.Connection, session: str, summary: str, up_to: int, last: Message, now: float
) -> None:
    """Have ``summary`` cover the first ``up_to`` messages of ``session``, the ``last`` of which is as it was summed up.

    Raises `BadInput` for a summary of nothing, of fewer messages than the one before, or of some that are not there.
    """
    found = connection.execute("SELECT summarised_up_to FROM sessions WHERE session = ?", (session,)).fetchone()
    before, count = int(found[0]) if found else 0, _count(connection, session)
    if not summary.strip() or not max(before, 1) <= up_to <= count:
        raise BadInput(
            f"A summary of {len(summary)} characters cannot cover {up_to} messages: "
            f"{before} were covered before, and {count} are kept."
        )
    ends = connection.execute(
        "SELECT role, content FROM messages WHERE session = ? AND place = ?", (session, up_to - 1)
    ).fetchone()
    if ends != (last.role, last.content):
        raise BadInput("A summary of what was forgotten meanwhile is none of what was said since.")
    connection.execute(
        "UPDATE sessions SET summary = ?, summarised_up_to = ?, changed = ? WHERE session = ?",
        (summary, up_to, now, session),
    )


def restore(connection: sqlite3.Connection, session: str) -> Restored:
    """Return what is kept of ``session``."""
    found = connection.execute(
        "SELECT summary, summarised_up_to FROM sessions WHERE session = ?", (session,)
    ).fetchone()
    if found is None:
        return Restored()
    messages = connection.execute("SELECT role, content FROM messages WHERE session = ? ORDER BY place", (session,))
    articles = connection.execute(
        "SELECT source, title, content, relevance FROM articles WHERE session = ? ORDER BY source", (session,)
    )
    return Restored(
        summary=found[0],
        summarised_up_to=found[1],
        messages=tuple(Message(role, content) for role, content in messages),
        articles=tuple(
            KeptArticle(source=source, title=title, text=text, relevance=relevance)
            for source, title, text, relevance in articles
        ),
    )


def forget(connection: sqlite3.Connection, session: str) -> int:
    """Delete everything of ``session``; return how many messages it had."""
    connection.execute("DELETE FROM sessions WHERE session = ?", (session,))
    connection.execute("DELETE FROM articles WHERE session = ?", (session,))
    return connection.execute("DELETE FROM messages WHERE session = ?", (session,)).rowcount


def _count(connection: sqlite3.Connection, session: str) -> int:
    # The index's last entry of the session: no row is counted, however many there are.
    row = connection.execute("SELECT max(place) FROM messages WHERE session = ?", (session,)).fetchone()
    return 0 if row[0] is None else int(row[0]) + 1
