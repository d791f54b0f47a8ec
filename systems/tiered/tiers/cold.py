"""The cold tier: packed states in a file, found by the digest of their conversation's name."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence

from systems.interface import session_of
from systems.tiered.states.zstd import dictionary_of
from systems.tiered.tiers.database import Database, used_bytes, writing
from systems.tiered.tiers.interface import KeptState, Size
from systems.tiered.tiers.packing import digest

PUT = (
    "INSERT OR REPLACE INTO states (talk, session, name, packed, bytes, used, uses, dictionary) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
HAS = "SELECT 1 FROM states WHERE talk = ?"
_REMOVE = "DELETE FROM states WHERE talk = ?"
_GET = "SELECT name, packed, used, uses FROM states WHERE talk = ?"
# Of least worth: what is large, was used long ago, and seldom.
_LOWEST = "SELECT rowid, bytes FROM states ORDER BY (? - used + 1) * bytes / uses DESC"
_IDLE = (
    "SELECT name FROM states WHERE rowid IN (SELECT max(rowid) FROM states GROUP BY session HAVING max(used) <= ? "
    "ORDER BY (? - max(used) + 1) * sum(bytes) / sum(uses) DESC LIMIT ?)"
)


class Cold:
    """Packed states in at most ``most_bytes`` of the file of the tiers."""

    def __init__(self, database: Database, most_bytes: int) -> None:
        self._database = database
        self.most_bytes = most_bytes
        self._count = self._bytes = 0

    async def open(self) -> None:
        """Count what lies here. Raises `StoreError`."""

        await self._database.do(self.recount)

    async def put(self, states: Sequence[KeptState]) -> list[str]:
        """Keep ``states``, all or none; return what had to leave for them. Raises `StoreError`."""

        def put(connection: sqlite3.Connection) -> list[str]:
            with writing(connection):
                before = sum(connection.execute(HAS, (digest(state.talk),)).fetchone() is not None for state in states)
                connection.executemany(PUT, map(row, states))
                left = self._shrunk(connection)
            self.changed(connection, len(states) - before - len(left))
            return left

        return await self._database.do(put)

    async def get(self, talk: str) -> KeptState | None:
        """Return the state of ``talk``, which stays. Raises `StoreError`."""
        return await self._database.do(lambda connection: _state(connection.execute(_GET, (digest(talk),)).fetchone()))

    async def take(self, talk: str) -> KeptState | None:
        """Return the state of ``talk``, which lies here no longer. Raises `StoreError`."""
        of = digest(talk)

        def take(connection: sqlite3.Connection) -> KeptState | None:
            state = _state(connection.execute(_GET, (of,)).fetchone())
            if state is not None:  # what was never here needs no writing
                connection.execute(_REMOVE, (of,))
                self.changed(connection, -1)
            return state

        return await self._database.do(take)

    async def remove(self, talk: str) -> bool:
        """Let nothing of ``talk`` lie here; return whether something did. Raises `StoreError`."""

        def remove(connection: sqlite3.Connection) -> bool:
            gone = connection.execute(_REMOVE, (digest(talk),)).rowcount
            self.changed(connection, -gone)
            return gone > 0

        return await self._database.do(remove)

    async def of(self, session: str) -> list[KeptState]:
        """Return the states of ``session``, which stay. Raises `StoreError`."""
        query = "SELECT name, packed, used, uses FROM states WHERE session = ? ORDER BY used"
        return await self._database.do(
            lambda connection: [_known(each) for each in connection.execute(query, (digest(session),))]
        )

    async def idle(self, before: float, most: int) -> list[str]:
        """Return ``most`` sessions at most that were last in use ``before`` then, of least worth first."""

        def idle(connection: sqlite3.Connection) -> list[str]:
            return [session_of(_name(name)) for (name,) in connection.execute(_IDLE, (before, time.time(), most))]

        return await self._database.do(idle)

    async def forget(self, session: str) -> int:
        """Let nothing of ``session`` lie here; return how many states that were. Raises `StoreError`."""

        def forget(connection: sqlite3.Connection) -> int:
            gone = connection.execute("DELETE FROM states WHERE session = ?", (digest(session),)).rowcount
            self.changed(connection, -gone)
            return gone

        return await self._database.do(forget)

    async def tidy(self) -> None:
        """Give pages that hold nothing back to the file system. Raises `StoreError`."""
        # By `execute` the module would take the first step of it alone.
        await self._database.do(lambda connection: connection.executescript("PRAGMA incremental_vacuum"))

    def has(self, talk: str) -> bool:
        """Return whether ``talk`` lies here; looks into the file at once. Raises `StoreError`."""
        return bool(self._database.look(HAS, digest(talk)))

    def size(self) -> Size:
        """Return how many states lie here, and the bytes of the file that something is written in."""
        return Size(self._count, self._bytes)

    def recount(self, connection: sqlite3.Connection) -> None:
        """Count all there is."""
        self._count = connection.execute("SELECT count(*) FROM states").fetchone()[0]
        self._bytes = used_bytes(connection)

    def changed(self, connection: sqlite3.Connection, more: int) -> None:
        """Note that there are ``more`` states, or fewer: who freezes a session writes to the same file."""
        self._count += more
        self._bytes = used_bytes(connection)

    def _shrunk(self, connection: sqlite3.Connection) -> list[str]:
        left: list[str] = []
        while (over := used_bytes(connection) - self.most_bytes) > 0:
            lowest = connection.execute(_LOWEST, (time.time(),)).fetchall()
            if not lowest:
                break
            for number, size in lowest:
                [(name,)] = connection.execute(
                    "DELETE FROM states WHERE rowid = ? RETURNING name", (number,)
                ).fetchall()
                left.append(_name(name))
                over -= size
                if over <= 0:
                    break
        return left


def row(state: KeptState) -> tuple[object, ...]:
    """Return the values of `PUT`. Raises `Damaged`."""
    of = digest(session_of(state.talk))
    name = state.talk.encode("utf-8", "surrogatepass")
    return (
        digest(state.talk),
        of,
        name,
        state.packed,
        len(state.packed),
        state.used,
        state.uses,
        dictionary_of(state.packed),
    )


def _state(found: Sequence[object] | None) -> KeptState | None:
    return None if found is None else _known(found)


def _known(found: Sequence[object]) -> KeptState:
    name, packed, used, uses = found
    return KeptState(_name(name), packed, used, uses)  # type: ignore[arg-type]


def _name(name: object) -> str:
    assert isinstance(name, bytes)
    return name.decode("utf-8", "surrogatepass")
