"""The table of long-term memory, the same for every built-in store."""

from __future__ import annotations

import hashlib
import re
import sqlite3
import time
from collections.abc import Sequence

import msgspec

from systems.errors import StoreBusy, StoreError

VERSION = 2

_WORD = re.compile(r"[^\W_]")

# How long a writer waits for another one before it gives up.
BUSY_S = 5.0

TABLE = """
CREATE TABLE IF NOT EXISTS memories (
    id INTEGER PRIMARY KEY,
    session TEXT NOT NULL,
    created REAL NOT NULL,
    question TEXT NOT NULL,
    answer TEXT NOT NULL,
    keywords TEXT NOT NULL,
    words TEXT NOT NULL
)
"""

INSERT = "INSERT INTO memories (session, created, question, answer, keywords, words) VALUES (?, ?, ?, ?, ?, ?)"


class SavedTurn(msgspec.Struct, frozen=True, kw_only=True):
    """One turn as long-term memory keeps it; ``created`` in seconds since the epoch."""

    session: str
    question: str
    answer: str
    keywords: tuple[str, ...]
    words: tuple[str, ...] = ()
    created: float = msgspec.field(default_factory=time.time)

    def row(self) -> tuple[object, ...]:
        """Return the values of `INSERT`."""
        return (
            self.session,
            self.created,
            self.question,
            self.answer,
            " ".join(self.keywords),
            " ".join(scoped(self.session, self.words) + scoped(self.session, self.keywords, "k")) if self.words else "",
        )


def scoped(session: str, words: Sequence[str], kind: str = "w") -> list[str]:
    """Return ``words`` as a full-text index keeps them: each begins with a short hash of its session.

    ``kind`` "k" is for keywords, which a turn is about, "w" for words, which it only mentions. What has no letter and
    no digit is left out: an index would see the hash alone.
    """
    prefix = kind + hashlib.blake2b(session.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()
    return [prefix + word for word in words if _WORD.search(word)]


def store_error(what: str, error: Exception) -> StoreError:
    """Return ``error`` of SQLite's as ours: transient if another writer was only in the way."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # without the extended part
    kind = StoreBusy if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED) else StoreError
    return kind(f"{what}: {error}.")


def version_statement(found: int) -> str:
    """Return the statement that marks a file, of which ``PRAGMA user_version`` gave ``found``, with this schema.

    Raises `StoreError` for a file of another schema.
    """
    if found not in (0, VERSION):
        raise StoreError(f"The memory file has schema {found}; this version reads schema {VERSION}.")
    return f"PRAGMA user_version={VERSION}"
