"""The frozen tier: whole sessions, as bundles in an object store; the file of the tiers says which are where.

A session moves in steps, each of which a kill may follow. Its row says how far that came, and what was begun is ended
when the tiers are opened again, or when somebody asks for it:

- ``writing``: the bundle may be there or not. Everything else is where it was, so the bundle goes.
- ``leaving``: the bundle is there, read back, and the states have left. The turns leave long-term memory next.
- ``frozen``: the bundle is the only copy.
- ``returning``: the turns may be back or not; what is back already is not brought back twice.
- ``gone``: nothing of the bundle is needed. It is deleted, and then the row.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import sqlite3
import time
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any, Literal

from systems.errors import Damaged, FourgigError, StillReadable, StoreError
from systems.interface import session_of, talk
from systems.logs import swallowed
from systems.tiered.tiers import bundle
from systems.tiered.tiers.cold import HAS, PUT, Cold, row
from systems.tiered.tiers.database import Database, writing
from systems.tiered.tiers.interface import KeptState, Size
from systems.tiered.tiers.ledger import Ledger
from systems.tiered.tiers.objects import ObjectStore
from systems.tiered.tiers.packing import Packing, digest
from systems.tiered.tiers.turns import SaidTurns, Turns
from systems.turn.history import Exchange

log = logging.getLogger(__name__)

Step = Literal["writing", "leaving", "frozen", "returning", "gone"]

_OF = "SELECT object, digest FROM bundles WHERE session = ? AND stage NOT IN ('writing', 'gone')"
_BEGUN = "INSERT INTO bundles VALUES (?, ?, ?, 'writing', ?, ?, ?, ?, ?)"
_STEP = "UPDATE bundles SET stage = ? WHERE object = ?"


class Frozen:
    """Bundles of at most ``most_bytes`` together among ``objects``.

    Who thaws or erases a session holds its lock (`Ledger.lock`).
    """

    def __init__(
        self,
        database: Database,
        cold: Cold,
        packing: Packing,
        ledger: Ledger,
        objects: ObjectStore,
        turns: Turns,
        *,
        most_bytes: int | None,
    ) -> None:
        self._database = database
        self._cold = cold
        self._packing = packing
        self._ledger = ledger
        self._objects = objects
        self._turns = turns
        self._most_bytes = most_bytes
        self._size = Size(0, 0)

    async def open(self) -> None:
        """End what a kill interrupted, as far as the object store and long-term memory answer. Raises `StoreError`."""
        await self._database.do(
            lambda connection: connection.execute("UPDATE bundles SET stage = 'gone' WHERE stage = 'writing'")
        )
        await self._count()
        await self.sweep()

    def has(self, session: str) -> bool:
        """Return whether ``session`` is here; looks into the file at once. Raises `StoreError`."""
        return bool(self._database.look(_OF, digest(session)))

    def size(self) -> Size:
        """Return how many sessions are here, and the bytes of their bundles."""
        return self._size

    async def freeze(self, session: str) -> bool:
        """Move ``session`` here; return False if it is in use, is here, has nothing, or there is no room.

        Nobody waits for the object store: who asks for the session meanwhile gets it, and it is not frozen then.
        Raises `Unreachable`, `StoreError`; the session stays where it was.
        """
        ledger = self._ledger
        ledger.undisturbed.add(session)  # before anything is read: who asks from now on has it stay
        try:
            async with ledger.lock(session):
                if ledger.in_use(session) or self.has(session):
                    return False
                states = await self._cold.of(session)
                said = await self._turns.read(session)
            if session not in ledger.undisturbed or not (states or said.turns):
                return False
            data = await asyncio.to_thread(self._written, session, said, states)
            if self._most_bytes is not None and self._size.bytes + len(data) > self._most_bytes:
                return False
            name = f"{digest(session).hex()}-{secrets.token_hex(8)}"
            await self._begin(name, session, said, data)
            try:
                await self._objects.put(name, data)
                if await self._objects.get(name) != data:
                    raise Damaged("A bundle was not what had been written when it was read back.")
            except FourgigError:
                await self._step(name, "gone")
                raise
            async with ledger.lock(session):
                if session not in ledger.undisturbed or ledger.in_use(session):
                    await self._step(name, "gone")
                    await self._delete(name)
                    return False
                await self._leave(name, session)
                await self._turns.remove(session, said.last, said.newest)
                await self._step(name, "frozen")
        finally:
            ledger.undisturbed.discard(session)
            await self._count()
        ledger.moves["cold", "frozen"] += len(states)
        return True

    async def thaw(self, session: str) -> bool:
        """Move ``session`` back, its turns to long-term memory and its states to the cold tier; False if not here.

        Raises `Damaged`, `Unreachable`, `StoreError`: what could not be brought back stays.
        """
        if not self.has(session):
            return False
        for name, checksum in await self._rows(_OF, digest(session)):
            await self._step(name, "returning")
            data = await self._objects.get(name)
            if blake2b(data, digest_size=16).digest() != checksum:
                raise Damaged("The bundle of a session is damaged: it is not what was written.")
            turns, states = await asyncio.to_thread(bundle.read, data, session)
            gone_on = await self._turns.restore(session, turns)
            count = await self._return(name, session, states, gone_on)
            self._ledger.moves["frozen", "cold"] += count
            await self._delete(name)
        await self._count()
        return True

    async def erase(self, session: str) -> None:
        """Let nothing of ``session`` be here; a bundle that cannot be deleted now is when its store answers."""
        await self._database.do(
            lambda connection: connection.execute(
                "UPDATE bundles SET stage = 'gone' WHERE session = ? AND stage <> 'writing'", (digest(session),)
            )
        )
        for (name,) in await self._rows(
            "SELECT object FROM bundles WHERE session = ? AND stage = 'gone'", digest(session)
        ):
            await self._delete(name)
        await self._count()

    async def sweep(self) -> None:
        """End what was begun and not ended: bundles nobody needs, turns that were leaving or returning."""
        query = (
            "SELECT object, stage, name, last_turn, newest_turn FROM bundles WHERE stage NOT IN ('writing', 'frozen')"
        )
        for name, stage, encoded, last, newest in await self._rows(query):
            session = encoded.decode("utf-8", "surrogatepass")
            try:
                async with self._ledger.lock(session):
                    if stage == "gone":
                        await self._delete(name)
                    elif stage == "returning":
                        await self.thaw(session)
                    elif await self._rows("SELECT 1 FROM bundles WHERE object = ? AND stage = 'leaving'", name):
                        await self._turns.remove(session, last, newest)
                        await self._step(name, "frozen")
            except StoreError as error:
                swallowed(log, "the move of a session could not be ended, to be tried again", error)

    def _written(self, session: str, said: SaidTurns, states: Sequence[KeptState]) -> bytes:
        opened = []
        for state in states:
            try:
                opened.append((state.talk, self._packing.unpack(state.talk, state.packed)))
            except Damaged as error:  # its turns are whole, and in the bundle
                swallowed(log, "a damaged state was left out of a bundle", error)
        return bundle.written(session, said.turns, opened)

    async def _begin(self, name: str, session: str, said: SaidTurns, data: bytes) -> None:
        encoded = session.encode("utf-8", "surrogatepass")
        checksum = blake2b(data, digest_size=16).digest()
        values = (name, digest(session), encoded, said.last, said.newest, len(data), checksum, time.time())
        await self._database.do(lambda connection: connection.execute(_BEGUN, values))

    async def _step(self, name: str, step: Step) -> None:
        await self._database.do(lambda connection: connection.execute(_STEP, (step, name)))

    async def _leave(self, name: str, session: str) -> None:
        """Have the bundle be what counts, and the states lie nowhere else."""

        def leave(connection: sqlite3.Connection) -> None:
            with writing(connection):
                if not connection.execute(_STEP + " AND stage = 'writing'", ("leaving", name)).rowcount:
                    raise StoreError("A bundle is not this agent's any more: another one uses its folder.")
                gone = connection.execute("DELETE FROM states WHERE session = ?", (digest(session),)).rowcount
            self._cold.changed(connection, -gone)

        await self._database.do(leave)

    async def _return(
        self, name: str, session: str, states: Sequence[tuple[str, Sequence[Exchange]]], gone_on: set[str]
    ) -> int:
        """Let ``states`` be cold, save those of conversations that went on without them; return how many they were."""
        older = {talk(session, conversation or None) for conversation in gone_on}
        now = time.time()
        back = [
            KeptState(each, self._packing.pack(each, exchanges), now, 1)
            for each, exchanges in states
            if each not in older and session_of(each) == session and not self._ledger.holds(each)
        ]

        def put(connection: sqlite3.Connection) -> int:
            with writing(connection):
                new = [state for state in back if not connection.execute(HAS, (digest(state.talk),)).fetchone()]
                connection.executemany(PUT, map(row, new))
                connection.execute(_STEP, ("gone", name))
            self._cold.changed(connection, len(new))
            return len(new)

        return await self._database.do(put)

    async def refuse_left(self, session: str) -> None:
        """Raise `StillReadable` where a bundle of ``session`` that nobody needs could not be deleted."""
        if await self._rows("SELECT 1 FROM bundles WHERE session = ? AND stage = 'gone'", digest(session)):
            raise StillReadable(
                "What was to be forgotten is gone from memory, and stands in a bundle whose store does not delete it "
                "yet: it is tried again."
            )

    async def _delete(self, name: str) -> None:
        """Delete a bundle that nobody needs; if its store does not answer, its row stays as a reminder."""
        try:
            await self._objects.delete(name)
        except StoreError as error:
            swallowed(log, "a bundle could not be deleted, to be tried again", error)
            return
        await self._database.do(lambda connection: connection.execute("DELETE FROM bundles WHERE object = ?", (name,)))

    async def _count(self) -> None:
        query = "SELECT count(*), ifnull(sum(bytes), 0) FROM bundles WHERE stage <> 'gone'"
        [(count, size)] = await self._rows(query)
        self._size = Size(count, size)

    async def _rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        return await self._database.do(lambda connection: connection.execute(query, values).fetchall())
