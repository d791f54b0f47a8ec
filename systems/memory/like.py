"""The traditional store: parametrised LIKE over saved keywords, a connection for every operation."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from systems.memory.schema import BUSY_S, BY_SESSION, INSERT_NEXT, SavedTurn, cannot_open, prepare, store_error


class LikeStore:
    """Finds the newest turns of a session whose keywords contain one of the asked ones. Usable from any thread."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def open(self) -> None:
        """Make the table if it is not there, or bring it to this version. Raises `StoreError`."""
        try:
            with closing(self._connect()) as connection:
                prepare(connection)
                connection.execute(BY_SESSION)
        except sqlite3.Error as error:
            raise cannot_open(self._path, error) from error

    def find(self, session: str, keywords: Sequence[str], limit: int) -> list[str]:
        """Return the questions of the newest ``limit`` matching turns, newest first."""
        if not keywords:
            return []
        conditions = " OR ".join(["keywords LIKE ? ESCAPE '\\'"] * len(keywords))
        query = (
            f"SELECT question FROM memories WHERE session = ? AND ({conditions}) "  # noqa: S608 - only "?" is pasted
            "ORDER BY created DESC, id DESC LIMIT ?"
        )
        patterns = [f"%{_escape(keyword)}%" for keyword in keywords]
        try:
            with closing(self._connect()) as connection:
                return [row[0] for row in connection.execute(query, (session, *patterns, limit))]
        except (sqlite3.Error, UnicodeError) as error:
            raise store_error("Long-term memory could not be searched", error) from error

    def save(self, turns: Sequence[SavedTurn]) -> None:
        """Save ``turns`` in one transaction. Raises `StoreError`."""
        try:
            with closing(self._connect()) as connection, connection:
                connection.executemany(INSERT_NEXT, [turn.row(cut=False) for turn in turns])
        except (sqlite3.Error, UnicodeError) as error:
            raise store_error("A turn could not be saved", error) from error

    def _connect(self) -> sqlite3.Connection:
        # SQLite's own journal suits a connection an operation: with write-ahead logging every close would be the
        # last one, and would pay for a checkpoint.
        connection = sqlite3.connect(self._path, timeout=BUSY_S)
        connection.execute("PRAGMA synchronous=NORMAL")
        return connection


def _escape(keyword: str) -> str:
    return keyword.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
