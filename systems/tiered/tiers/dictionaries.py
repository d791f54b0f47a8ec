"""The dictionaries that states are packed with: trained from states, kept beside them, gone with whom they quote."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time

from systems.errors import Damaged
from systems.logs import swallowed
from systems.tiered.tiers.cold import Cold
from systems.tiered.tiers.database import Database, writing
from systems.tiered.tiers.packing import LEAST_SAMPLES, Packing, digest, trained

log = logging.getLogger(__name__)

# Bytes. A hundred times what the largest dictionary has, and some to judge it by.
_SAMPLES = 4 << 20
# A dictionary is made anew when there is so many times as much to learn from.
_GROWTH = 4
# States packed anew in one go: some milliseconds.
_BATCH = 64


# Told as two ranges, for which an index is used.
_OTHERS = "SELECT talk, packed FROM states WHERE dictionary < ? OR dictionary > ? LIMIT ?"
_OLD = "SELECT 1 FROM dictionaries WHERE number <> ?"
_AGAIN = "UPDATE states SET packed = ?, bytes = ?, dictionary = ? WHERE talk = ?"


class Dictionaries:
    """The dictionaries in the file of the tiers."""

    def __init__(self, database: Database, packing: Packing) -> None:
        self._database = database
        self._packing = packing
        self._next = LEAST_SAMPLES
        self._forgotten = 0

    async def load(self) -> None:
        """Know every dictionary of the file, and pack with the newest. Raises `Damaged`, `StoreError`."""
        query = "SELECT content FROM dictionaries ORDER BY made"
        for (content,) in await self._database.do(lambda connection: connection.execute(query).fetchall()):
            self._packing.learn(content)
        if self._packing.current:
            query = "SELECT count(*) FROM states"
            self._next = _GROWTH * (await self._database.do(lambda c: c.execute(query).fetchone()))[0]

    async def train(self, cold: Cold) -> bool:
        """Make a dictionary of what is cold if there is enough of it; return whether there is a new one."""
        if cold.size().number < self._next:
            return False
        self._next = _GROWTH * cold.size().number
        forgotten = self._forgotten
        samples = await self._database.do(self._samples)
        content = await asyncio.to_thread(trained, [plain for _, plain in samples])
        if content is None or self._forgotten != forgotten:  # it may quote what was forgotten meanwhile
            return False
        number = self._packing.learn(content, use=False)

        def keep(connection: sqlite3.Connection) -> None:
            with writing(connection):
                connection.execute("INSERT INTO dictionaries VALUES (?, ?, ?)", (number, content, time.time()))
                whose = {(session, number) for session, _ in samples}
                connection.executemany("INSERT OR IGNORE INTO samples VALUES (?, ?)", whose)

        await self._database.do(keep)
        self._packing.current = number
        return True

    def _samples(self, connection: sqlite3.Connection) -> list[tuple[bytes, bytes]]:
        found, size = [], 0
        for session, packed in connection.execute("SELECT session, packed FROM states ORDER BY random()"):
            try:
                plain = self._packing.opened(packed)
            except Damaged:  # whoever asks for it is told
                continue
            size += len(plain)
            if size > _SAMPLES:
                break
            found.append((session, plain))
        return found

    async def repack(self, cold: Cold) -> bool:
        """Pack some states with the newest dictionary that are packed otherwise; return whether there are more.

        A dictionary that nothing is packed with any more goes.
        """

        def repack(connection: sqlite3.Connection) -> bool:
            current = self._packing.current
            others = connection.execute(_OTHERS, (current, current, _BATCH)).fetchall()
            if not others and not connection.execute(_OLD, (current,)).fetchone():
                return False
            with writing(connection):
                for talk, packed in others:
                    again = self._repacked(packed)
                    if again is None:
                        connection.execute("DELETE FROM states WHERE talk = ?", (talk,))
                    else:
                        connection.execute(_AGAIN, (again, len(again), current, talk))
                if not others:
                    connection.execute("DELETE FROM samples WHERE number <> ?", (current,))
                    connection.execute("DELETE FROM dictionaries WHERE number <> ?", (current,))
            cold.recount(connection)
            return bool(others)

        return await self._database.do(repack)

    def _repacked(self, packed: bytes) -> bytes | None:
        """Return ``packed`` as it is with the newest dictionary; None if it is damaged, so that it is of no use."""
        try:
            return self._packing.repacked(packed)
        except Damaged as error:
            swallowed(log, "a damaged state was dropped", error)
            return None

    async def forget(self, session: str, cold: Cold) -> None:
        """Have no dictionary that was trained from what ``session`` said; what was packed with it is packed anew."""
        self._forgotten += 1
        query = "SELECT number FROM samples WHERE session = ?"
        rows = await self._database.do(lambda connection: connection.execute(query, (digest(session),)).fetchall())
        if self._packing.current in {number for (number,) in rows}:
            self._packing.current = 0
            self._next = LEAST_SAMPLES
        if rows:
            while await self.repack(cold):
                pass
        await self._database.emptied()
