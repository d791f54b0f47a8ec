"""What a person does to a memory file: carry it elsewhere as JSON Lines, make it small, take one session out of it."""

from __future__ import annotations

import difflib
import math
import sqlite3
import time
import unicodedata
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import IO, Literal

import msgspec

from systems.errors import BadInput
from systems.memory import holding, index, reading, retention, rewriting, schema
from systems.memory.schema import BUSY_S, BY_SESSION, SavedTurn, store_error

FORMAT_VERSION, EMPTIED_VERSION = 1, 2
"""The versions of the format: of an export without turns that a history was emptied of, and of one that has some.

Programs that know of no such turns read the first, and refuse the second by its version.
"""

_INSERT_NEW = (
    "INSERT INTO memories (session, created, question, answer, keywords, words, important, conversation, in_history) "
    "SELECT ?, ?, ?, ?, ?, ?, ?, ?, ? WHERE NOT EXISTS "
    "(SELECT 1 FROM memories WHERE session = ? AND created = ? AND question = ? AND answer = ?)"
)
_BATCH = 1_000
_DAY_S = 86_400.0  # a clock elsewhere may be ahead


class Header(msgspec.Struct, frozen=True):
    """The first line of an export."""

    format: Literal["fourgig-memories"]
    version: int


def header(*, has_emptied: bool) -> Header:
    """Return the first line of an export, which may have turns that a history was emptied of."""
    return Header("fourgig-memories", EMPTIED_VERSION if has_emptied else FORMAT_VERSION)


def export(path: Path, out: IO[bytes], session: str | None = None) -> int:
    """Write the turns of ``path``, or of one ``session``, to ``out``, oldest first; return how many.

    One JSON object a line after a `Header`, as the file was at one moment: an agent may go on writing to it. The file
    is not changed (`reading`). Raises `BadInput` if there is no such session, `StoreError`.
    """
    count = 0
    encoder = msgspec.json.Encoder()
    with reading.opened_to_read(path) as connection:
        also = ", ".join(column(connection) for column in (reading.importance, reading.conversation, reading.history))
        query = f"SELECT session, created, question, answer, keywords, {also} FROM memories"  # noqa: S608 - constants
        emptied = f"SELECT 1 FROM memories WHERE NOT {reading.history(connection)}"  # noqa: S608 - the same
        names: list[str] = []
        if session is not None:
            names = _named(connection, path, session)
            among = f"session IN ({', '.join('?' * len(names))})"
            query, emptied = f"{query} WHERE {among}", f"{emptied} AND {among}"
        has_emptied = connection.execute(emptied + " LIMIT 1", names).fetchone() is not None
        out.write(encoder.encode(header(has_emptied=has_emptied)) + b"\n")
        for found, created, question, answer, keywords, important, conversation, in_history in connection.execute(
            query + " ORDER BY id", names
        ):
            turn = SavedTurn(
                session=found,
                created=created,
                question=question,
                answer=answer,
                keywords=tuple(keywords.split(" ")) if keywords else (),
                important=bool(important),
                conversation=conversation,
                in_history=bool(in_history),
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
    with _opened(path) as connection, connection:
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

    Raises `BadInput` if there is no such session, `StoreBusy` if an agent runs with the file, `StillReadable` if they
    are deleted but others still have the file open as it was, `StoreError`.
    """
    with _rewriting(path) as connection:
        try:
            names = _named(connection, path, session)
        except BadInput:
            rewriting.empty_journal(connection, path, 0)  # it may have been forgotten while somebody still read
            raise
        with connection:
            deleted = sum(
                connection.execute("DELETE FROM memories WHERE session = ?", (name,)).rowcount for name in names
            )
        rewriting.rewrite(connection, path, deleted)
    return deleted


def compact(path: Path, most_bytes: int | None = None) -> int:
    """Make the file as small as what it holds, at most ``most_bytes`` if given; return how many turns were deleted.

    Raises `StoreBusy` if an agent runs with the file, `StillReadable` as `forget` does, `StoreError`.
    """
    with _rewriting(path) as connection:
        before = _count(connection)
        if most_bytes is not None:
            for _ in retention.shrink(connection, most_bytes):
                pass
        deleted = before - _count(connection)
        rewriting.rewrite(connection, path, deleted)
    return deleted


def sessions(path: Path) -> list[str]:
    """Return the names of the sessions in ``path``, which is not changed. Raises `BadInput`, `StoreError`."""
    with reading.opened_to_read(path) as connection:
        return _sessions(connection)


def alike(session: str) -> str:
    """Return what is equal for all ways to encode one name: an é may be one character or two."""
    return unicodedata.normalize("NFC", session)


def _sessions(connection: sqlite3.Connection) -> list[str]:
    return [row[0] for row in connection.execute("SELECT DISTINCT session FROM memories ORDER BY session")]


def _named(connection: sqlite3.Connection, path: Path, session: str) -> list[str]:
    """Return the names of ``session`` in the file, however each is encoded. Raises `BadInput` if there is none."""
    known = _sessions(connection)
    if names := [name for name in known if alike(name) == alike(session)]:
        return names
    near = difflib.get_close_matches(session, known, n=3, cutoff=0.5)
    hint = f"; did you mean {' or '.join(map(repr, near))}?" if near else "."
    raise BadInput(f"There is no session {session!r} in {path.name}{hint}")


def _count(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT count(*) FROM memories").fetchone()[0])


def _read(lines: IO[bytes]) -> Iterator[SavedTurn]:
    kinds: tuple[type[Header], type[SavedTurn]] = (Header, SavedTurn)
    number, latest = 0, time.time() + _DAY_S
    for number, line in enumerate(lines, 1):
        try:
            found = msgspec.json.decode(line, type=kinds[number > 1])
        except (msgspec.DecodeError, UnicodeError) as error:
            raise BadInput(
                f"Line {number} is no {'turn' if number > 1 else 'beginning of an export'}: {error}."
            ) from error
        if isinstance(found, SavedTurn):
            if not math.isfinite(found.created):
                raise BadInput(f"Line {number} is no turn: its time is no number of seconds.")
            if found.created > latest:
                raise BadInput(f"Line {number} was said in the future: what is said next could not be newer.")
            yield found
        elif found.version not in (FORMAT_VERSION, EMPTIED_VERSION):
            raise BadInput(
                f"The export has version {found.version}; this program reads {FORMAT_VERSION} and {EMPTIED_VERSION}."
            )
    if not number:
        raise BadInput("The export is empty: not even its first line is there.")


@contextmanager
def _rewriting(path: Path) -> Iterator[sqlite3.Connection]:
    """Yield a connection for who takes something out, while no agent runs with the file."""
    if not path.is_file():
        raise BadInput(f"There is no memory file {path}.")
    with holding.alone(path), _opened(path) as connection:
        connection.execute(
            "PRAGMA secure_delete=ON"
        )  # deleted bytes become zeros, also if the file cannot be rewritten
        yield connection


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    try:
        with closing(sqlite3.connect(path, timeout=BUSY_S)) as connection:
            schema.prepare(connection)
            yield connection
    except (sqlite3.Error, UnicodeError) as error:
        raise store_error(f"The memory file {path.name} could not be used", error) from error
