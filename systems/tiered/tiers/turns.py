"""What a session said, on its way out of long-term memory and back into it."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple, Protocol, TypeVar

from systems.memory.schema import INSERT, SavedTurn

T = TypeVar("T")

_ROWS = (
    "SELECT id, created, question, answer, keywords, important, conversation, in_history FROM memories "
    "WHERE session = ? ORDER BY created, id"
)
_REMOVE = "DELETE FROM memories WHERE session = ? AND id <= ? AND created <= ?"


class SaidTurns(NamedTuple):
    """The turns of a session, oldest first; ``last`` and ``newest`` are the highest number and time among them."""

    turns: list[SavedTurn]
    last: int = 0
    newest: float = 0.0


class Turns(Protocol):
    """The turns of sessions in long-term memory. Every method raises `StoreError`."""

    async def read(self, session: str) -> SaidTurns:
        """Return the turns of ``session``, which stay."""
        ...

    async def remove(self, session: str, last: int, newest: float) -> None:
        """Let the turns of ``session`` leave that were `read`; what was saved since stays."""
        ...

    async def restore(self, session: str, turns: Sequence[SavedTurn]) -> set[str]:
        """Have ``turns`` in long-term memory, once each; return the conversations of ``session`` that have others."""
        ...


class Store(Protocol):
    """What is needed of a store of long-term memory: `FullTextStore` and `HybridStore` have it."""

    async def beside(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Return what ``work``, which only reads, returns."""
        ...

    async def rearrange(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Return what ``work``, which moves turns, returns."""
        ...


class StoredTurns:
    """The turns in a store, which is opened when it is asked for."""

    def __init__(self, store: Callable[[], Awaitable[Store]]) -> None:
        self._store = store

    async def read(self, session: str) -> SaidTurns:
        """Return the turns of ``session``."""

        def read(connection: sqlite3.Connection) -> SaidTurns:
            rows = connection.execute(_ROWS, (session,)).fetchall()
            turns = [_turn(session, *row[1:]) for row in rows]
            return SaidTurns(
                turns, max((row[0] for row in rows), default=0), max((row[1] for row in rows), default=0.0)
            )

        return await (await self._store()).beside(read)

    async def remove(self, session: str, last: int, newest: float) -> None:
        """Delete the turns of ``session`` up to those."""

        def remove(connection: sqlite3.Connection) -> None:
            with connection:
                connection.execute(_REMOVE, (session, last, newest))

        await (await self._store()).rearrange(remove)

    async def restore(self, session: str, turns: Sequence[SavedTurn]) -> set[str]:
        """Insert what is not there, in the order of ``turns``."""

        def restore(connection: sqlite3.Connection) -> set[str]:
            with connection:
                connection.execute("BEGIN IMMEDIATE")
                there = Counter(_turn(session, *row[1:]) for row in connection.execute(_ROWS, (session,)))
                missing = []
                for turn in turns:
                    if there[turn]:
                        there[turn] -= 1
                    else:
                        missing.append(turn.row(cut=False))  # whoever indexes it cuts it
                connection.executemany(INSERT, missing)
            return {turn.conversation for turn, count in there.items() if count}

        return await (await self._store()).rearrange(restore)


def _turn(
    session: str,
    created: float,
    question: str,
    answer: str,
    keywords: str,
    important: int,
    conversation: str,
    in_history: int,
) -> SavedTurn:
    return SavedTurn(
        session=session,
        created=created,
        question=question,
        answer=answer,
        keywords=tuple(keywords.split(" ")) if keywords else (),
        important=bool(important),
        conversation=conversation,
        in_history=bool(in_history),
    )
