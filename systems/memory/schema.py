"""The table of long-term memory, the same for every built-in store, and the way from its older versions to this one."""

from __future__ import annotations

import hashlib
import sqlite3
import time
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

import msgspec

from systems.errors import StoreBusy, StoreError
from systems.memory import words
from systems.memory.importance import is_important

VERSION = 7

# How long a writer waits for another one before it gives up.
BUSY_S = 5.0

_TABLE = """
CREATE TABLE memories (
    id INTEGER PRIMARY KEY,
    session TEXT NOT NULL,
    created REAL NOT NULL,
    question TEXT NOT NULL,
    answer TEXT NOT NULL,
    keywords TEXT NOT NULL,
    words TEXT NOT NULL,
    important INTEGER NOT NULL,
    conversation TEXT NOT NULL DEFAULT '',
    in_history INTEGER NOT NULL DEFAULT 1
)
"""

_COLUMNS = "session, created, question, answer, keywords, words, important, conversation, in_history"

INSERT = f"INSERT INTO memories ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 - a constant

INSERT_NEXT = (
    f"INSERT INTO memories ({_COLUMNS}) "  # noqa: S608 - a constant
    "SELECT column1, max(column2, coalesce((SELECT max(created) FROM memories WHERE session = column1), column2)), "
    "column3, column4, column5, column6, column7, column8, column9 FROM (VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?))"
)
"""For stores that order turns by when they were said: the clock may be set back, and what is said next is newer all
the same. It looks the newest turn up, so such a store needs `BY_SESSION`."""

BY_SESSION = "CREATE INDEX IF NOT EXISTS by_session ON memories (session, created)"
"""Made where it is needed: it costs every save some microseconds."""


class SavedTurn(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """One turn as long-term memory keeps it; ``created`` in seconds since the epoch, as the wall clock said.

    ``conversation`` names the one of its session's that it belongs to; the one without a name is empty. It is not
    ``in_history`` once somebody has emptied the history of that conversation.
    """

    session: str
    question: str
    answer: str
    keywords: tuple[str, ...] = ()
    important: bool = False
    created: float = msgspec.field(default_factory=time.time)
    conversation: str = ""
    in_history: bool = True

    def row(self, *, cut: bool, terms: Sequence[str] | None = None) -> tuple[object, ...]:
        """Return the values of `INSERT` and of `INSERT_NEXT`; the terms only where they are ``cut``.

        ``terms`` are what `words.cut` returned for the question, where that is known.
        """
        return (
            self.session,
            self.created,
            self.question,
            self.answer,
            " ".join(self.keywords),
            indexed(self.session, self.question, terms) if cut else UNCUT,
            self.important,
            self.conversation,
            self.in_history,
        )


UNCUT = ""
"""Instead of the terms of a turn that nobody has cut yet: whoever indexes it does."""


def indexed(session: str, text: str, terms: Sequence[str] | None = None) -> str:
    """Return the ``terms`` of ``text`` as a full-text index keeps them, with spaces between; the first is `scope`."""
    prefix = scope(session)
    return prefix + f" {prefix}".join(["", *(words.cut(text) if terms is None else terms)])


def scoped(session: str, terms: Sequence[str]) -> list[str]:
    """Return ``terms`` as a full-text index keeps them, each after a short hash of its session."""
    prefix = scope(session)
    return [prefix + term for term in terms]


@lru_cache(1024)
def scope(session: str) -> str:
    """Return the short hash of ``session``: every turn of it has it as a term, so that they can be counted."""
    return "w" + hashlib.blake2b(session.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()


def store_error(what: str, error: Exception) -> StoreError:
    """Return ``error`` of SQLite's as ours: transient if another writer was only in the way."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # without the extended part
    kind = StoreBusy if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED) else StoreError
    return kind(f"{what}: {error}.")


def cannot_open(path: Path, error: Exception) -> StoreError:
    """Return ``error`` as what a person is told who opens ``path``."""
    return store_error(f"The memory file {path.name} cannot be opened", error)


def prepare(connection: sqlite3.Connection) -> None:
    """Make the table, or bring that of an older version to this one; what is there already is only looked at.

    Raises `StoreError` for a file of a newer version, `sqlite3.Error` for one that is no database.
    """
    if _version(connection) == VERSION:
        return
    connection.execute("BEGIN IMMEDIATE")  # read first and written then: nobody may come between
    with connection:
        found = _version(connection)
        refuse_newer(found)
        if found == 0:
            connection.execute(_TABLE)
        for version in range(found or VERSION, VERSION):
            _MIGRATIONS[version](connection)
        connection.execute(f"PRAGMA user_version={VERSION}")


def refuse_newer(version: int) -> None:
    """Raise `StoreError` for a file of a ``version`` that is not known yet."""
    if version > VERSION:
        raise StoreError(f"The memory file has schema {version}; this version reads schemas up to {VERSION}.")


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _from_1(connection: sqlite3.Connection) -> None:
    """Drop the column of scopes, which became part of every word."""
    _drop_index(connection)
    connection.execute("ALTER TABLE memories DROP COLUMN scope")


def _from_2(connection: sqlite3.Connection) -> None:
    """Note of every turn whether it is important."""
    connection.create_function("is_important", 1, is_important)
    connection.execute("ALTER TABLE memories ADD COLUMN important INTEGER NOT NULL DEFAULT 0")
    connection.execute("UPDATE memories SET important = is_important(question)")


def _from_4(connection: sqlite3.Connection) -> None:
    """Forget the words, which were jieba's: whoever indexes the turns cuts them anew."""
    _drop_index(connection)
    connection.execute("UPDATE memories SET words = ?", (UNCUT,))


def _drop_index(connection: sqlite3.Connection) -> None:
    """Drop the index and what followed every change of the table; whoever searches makes it again."""
    for what in ("TRIGGER IF EXISTS memory_added", "TRIGGER IF EXISTS memory_removed", "TABLE IF EXISTS memory_index"):
        connection.execute(f"DROP {what}")


def _from_5(connection: sqlite3.Connection) -> None:
    """Have every turn belong to a conversation: the one without a name."""
    connection.execute("ALTER TABLE memories ADD COLUMN conversation TEXT NOT NULL DEFAULT ''")


def _from_6(connection: sqlite3.Connection) -> None:
    """Have every turn be in the history of its conversation."""
    connection.execute("ALTER TABLE memories ADD COLUMN in_history INTEGER NOT NULL DEFAULT 1")


_MIGRATIONS: dict[int, Callable[[sqlite3.Connection], None]] = {
    1: _from_1,
    2: _from_2,
    3: lambda _: None,
    4: _from_4,
    5: _from_5,
    6: _from_6,
}
