"""What a person does to a memory file: carry it elsewhere as JSON Lines, make it small, take one session out of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import IO, Literal

import msgspec

from systems.errors import BadInput
from systems.memory import index, retention, schema
from systems.memory.schema import BUSY_S, BY_SESSION, SavedTurn, store_error

FORMAT_VERSION = 1

_ROWS = "SELECT session, created, question, answer, keywords, important FROM memories"
_INSERT_NEW = (
    "INSERT INTO memories (session, created, question, answer, keywords, words, important) "
    "SELECT ?, ?, ?, ?, ?, ?, ? WHERE NOT EXISTS "
    "(SELECT 1 FROM memories WHERE session = ? AND created = ? AND question = ? AND answer = ?)"
)
_BATCH = 1_000


class Header(msgspec.Struct, frozen=True):
    """The first line of an export."""

    format: Literal["fourgig-memories"]
    version: int


_HEADER = Header("fourgig-memories", FORMAT_VERSION)


def export(path: Path, out: IO[bytes], session: str | None = None) -> int:
    """Write the turns of ``path``, or of one ``session``, to ``out``, oldest first; return how many.

    One JSON object a line after a `Header`, as the file was at one moment: an agent may go on writing to it.
    Raises `StoreError`.
    """
    where, values = ("", ()) if session is None else (" WHERE session = ?", (session,))
    count = 0
    encoder = msgspec.json.Encoder()
    with _opened(path) as connection:
        out.write(encoder.encode(_HEADER) + b"\n")
        for found, created, question, answer, keywords, important in connection.execute(
            _ROWS + where + " ORDER BY id", values
        ):
            turn = SavedTurn(
                session=found,
                created=created,
                question=question,
                answer=answer,
                keywords=tuple(keywords.split(" ")) if keywords else (),
                important=bool(important),
            )
            out.write(encoder.encode(turn) + b"\n")
            count += 1
    return count


def load(path: Path, lines: IO[bytes]) -> int:
    """Add the turns of an export to ``path``, which is made if it is not there; return how many were new.

    Words are cut again for the full-text index. A turn that is there already is left out. All or nothing: raises
    `BadInput` with the number of the first bad line, `StoreError`.
    """
    turns = _read(lines)
    with _opened(path, new=True) as connection, connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(BY_SESSION)
        count = _count(connection)
        while batch := list(islice(turns, _BATCH)):
            rows = (turn.row(cut=False) for turn in batch)
            connection.executemany(_INSERT_NEW, ((*row, *row[:4]) for row in rows))
        if index.exists(connection):
            index.catch_up(connection)
        return _count(connection) - count


def forget(path: Path, session: str) -> int:
    """Delete the turns of ``session`` so that nothing of them is left in the file; return how many they were.

    Raises `StoreError`.
    """
    with _opened(path) as connection:
        with connection:
            deleted = connection.execute("DELETE FROM memories WHERE session = ?", (session,)).rowcount
        _rewrite(connection)
    return deleted


def compact(path: Path, most_bytes: int | None = None) -> int:
    """Make the file as small as what it holds, at most ``most_bytes`` if given; return how many turns were deleted.

    Raises `StoreError`, transient if an agent is using the file just now.
    """
    with _opened(path) as connection:
        before = _count(connection)
        if most_bytes is not None:
            for _ in retention.shrink(connection, most_bytes):
                pass
        _rewrite(connection)
        return before - _count(connection)


def sessions(path: Path) -> list[str]:
    """Return the names of the sessions in ``path``. Raises `StoreError`."""
    with _opened(path) as connection:
        return [row[0] for row in connection.execute("SELECT DISTINCT session FROM memories ORDER BY session")]


def _rewrite(connection: sqlite3.Connection) -> None:
    """Write the whole file anew, and empty the journal: what was deleted is in neither."""
    if index.exists(connection):
        with connection:
            index.catch_up(connection)
            connection.execute("INSERT INTO memory_index (memory_index) VALUES ('optimize')")
    connection.execute("VACUUM")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _count(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT count(*) FROM memories").fetchone()[0])


def _read(lines: IO[bytes]) -> Iterator[SavedTurn]:
    kinds: tuple[type[Header], type[SavedTurn]] = (Header, SavedTurn)
    number = 0
    for number, line in enumerate(lines, 1):
        try:
            found = msgspec.json.decode(line, type=kinds[number > 1])
        except (msgspec.DecodeError, UnicodeError) as error:
            raise BadInput(
                f"Line {number} is no {'turn' if number > 1 else 'beginning of an export'}: {error}."
            ) from error
        if isinstance(found, SavedTurn):
            yield found
        elif found.version != FORMAT_VERSION:
            raise BadInput(f"The export has version {found.version}; this program reads version {FORMAT_VERSION}.")
    if not number:
        raise BadInput("The export is empty: not even its first line is there.")


@contextmanager
def _opened(path: Path, *, new: bool = False) -> Iterator[sqlite3.Connection]:
    if not new and not path.is_file():
        raise BadInput(f"There is no memory file {path}.")
    try:
        with closing(sqlite3.connect(path, timeout=BUSY_S)) as connection:
            schema.prepare(connection)
            yield connection
    except (sqlite3.Error, UnicodeError) as error:
        raise store_error(f"The memory file {path.name} could not be used", error) from error
