"""The durable memory of research sessions: what it acknowledged is what it restores, after any kill."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from sqlite3 import Connection
from typing import Literal

from systems.engines.interface import Message
from systems.errors import BadInput, StillReadable
from systems.memory.schema import BUSY_S
from systems.research.keeping import tables
from systems.research.keeping.access import AccessInLoop, AccessOnThreads, FileAccess, refused
from systems.research.keeping.queued import QueuedAccess
from systems.research.keeping.tables import KeptArticle, Restored

FILE = "research.sqlite"
"""The name of the file in an agent's folder."""

SavingPattern = Literal["in-loop", "thread", "queued"]
"""Where a turn is saved: in the event loop, on one of some threads, or by the one writer of a queue."""

THREADS = 4
"""How many threads save in the pattern "thread"."""

MOST_WAITING = 1024
"""How many changes may wait in the pattern "queued"."""

_TRY_AGAIN_S = 0.01


class ResearchMemory:
    """Keeps sessions in the file ``path``; a writer waits ``busy_s`` seconds for another process that writes.

    What `add`, `summarised` and `forget` return from is on the disk. A call that raised changed nothing; of one that
    was cancelled nobody knows whether it did: who goes on with that session restores it first. Several processes may
    have the file open.
    """

    def __init__(self, path: Path, pattern: SavingPattern = "queued", *, busy_s: float = BUSY_S) -> None:
        self._path = path
        self._busy_s = busy_s
        self._access = _access(path, pattern, busy_s)
        self._state: Literal["new", "open", "closed"] = "new"
        self._under_way = 0
        self._still = asyncio.Event()
        self._still.set()

    async def open(self) -> None:
        """Open the file, which is made if it is not there. Raises `StoreError`."""
        try:
            await self._access.open()
        except BaseException:
            await self._access.close()
            raise
        self._state = "open"

    async def close(self) -> None:
        """Close the file when what was asked for is done; a second call does nothing."""
        if self._state != "open":
            self._state = "closed"
            return
        self._state = "closed"  # from now on nothing begins
        await self._still.wait()
        await self._access.close()

    async def restore(self, session: str) -> Restored:
        """Return ``session`` as it was acknowledged; empty where it is not known. Raises `StoreError`."""
        async with self._begun():
            return await self._access.look(partial(tables.restore, session=session))

    async def add(self, session: str, messages: Sequence[Message], articles: Sequence[KeptArticle] = ()) -> int:
        """Keep ``messages`` after those of ``session``, and ``articles``, all of them or none.

        Returns how many messages the session has then. Raises `StoreError`, `NotSaved`, `BadInput`.
        """
        messages, articles, now = tuple(messages), tuple(articles), time.time()

        def work(connection: Connection) -> int:
            return tables.add(connection, session, messages, articles, now)

        async with self._begun():
            return await self._access.change(work)

    async def summarised(self, session: str, summary: str, up_to: int, last: Message) -> None:
        """Keep ``summary`` as that of the first ``up_to`` messages of ``session``; these stay in the file.

        ``last`` is the last of them. Raises `BadInput` for a summary that is empty, covers fewer than the one before or
        more than there are, or whose last message is another in the file: the session was forgotten, and begun anew.
        """
        now = time.time()
        async with self._begun():
            await self._access.change(
                lambda connection: tables.summarised(connection, session, summary, up_to, last, now)
            )

    async def forget(self, session: str) -> int:
        """Delete everything of ``session``, also from the journal; return how many messages it had.

        Raises `StillReadable` where they are deleted, but somebody who reads holds the journal; `StoreError`.
        """
        async with self._begun():
            messages = await self._access.change(partial(tables.forget, session=session))
            until = time.monotonic() + self._busy_s
            # Of two who empty the journal at once, SQLite turns one away without waiting.
            while not await self._access.apart(_empty_journal):
                if time.monotonic() >= until:
                    raise StillReadable(
                        f"What was forgotten can still be read in the journal of {self._path.name} "
                        "while somebody reads it."
                    )
                await asyncio.sleep(_TRY_AGAIN_S)
        return messages

    @asynccontextmanager
    async def _begun(self) -> AsyncIterator[None]:
        if self._state != "open":
            raise refused("is closed" if self._state == "closed" else "is not open")
        self._under_way += 1
        self._still.clear()
        try:
            yield
        finally:
            self._under_way -= 1
            if not self._under_way:
                self._still.set()


def _access(path: Path, pattern: str, busy_s: float) -> FileAccess:
    match pattern:
        case "in-loop":
            return AccessInLoop(path, busy_s)
        case "thread":
            return AccessOnThreads(path, busy_s, THREADS)
        case "queued":
            return QueuedAccess(path, busy_s, MOST_WAITING)
        case _:
            raise BadInput(f"There is no pattern of saving {pattern!r}: it is in-loop, thread or queued.")


def _empty_journal(connection: Connection) -> bool:
    busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not busy
