"""Vectors of turns beside the turns, and the turns whose vectors lie nearest to a question's.

A vector is made once, some time after its turn was saved, on a thread of its own: no turn waits for it, but a lookup
waits for what is being read just now, one long text or a few short ones. It is kept in eight bits a number. A lookup
compares the question with every turn of its session, exactly. A turn that only asks gets none: it would lie nearest to
the same question asked again, and answers nothing. Nor do texts in a script that the model does not know.

The file is read and written by the store's own connection. To the store another one would be somebody else, whose
every vector makes it let go of what it holds.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import accumulate, starmap
from typing import NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from systems.engines.interface import EmbeddingEngine
from systems.errors import EngineError, ModelError, StoreError
from systems.logs import swallowed
from systems.memory import asking
from systems.memory.found import FoundTurn
from systems.memory.fulltext import FullTextStore
from systems.memory.quantised import best, product
from systems.memory.schema import store_error

T = TypeVar("T")

log = logging.getLogger(__name__)

# The vectors know whose turn they are by its number, and leave with it, whoever deletes it. A turn that gets none is
# noted with an empty one.
_TABLE = (
    "CREATE TABLE IF NOT EXISTS memory_vectors "
    "(id INTEGER PRIMARY KEY, model TEXT NOT NULL, scale REAL NOT NULL, vector BLOB NOT NULL)",
    "CREATE TRIGGER IF NOT EXISTS memory_vector_removed AFTER DELETE ON memories BEGIN "
    "DELETE FROM memory_vectors WHERE id = old.id; END",
)
_LACKING = (
    "SELECT memories.id, session, question FROM memories "
    "LEFT JOIN memory_vectors ON memory_vectors.id = memories.id AND model = ? WHERE model IS NULL AND "
)
_NEW = _LACKING + "memories.id > ? ORDER BY memories.id LIMIT ?"
_OLD = _LACKING + "memories.id < ? ORDER BY memories.id DESC LIMIT ?"
_NEWEST = "SELECT ifnull(max(id), 0) FROM memories"
_NEWEST_LOOKED_AT = "SELECT id FROM memory_vectors WHERE model = ? ORDER BY id DESC LIMIT 1"
# A turn may have been deleted meanwhile, and its number given to another.
_KEEP = (
    "INSERT OR REPLACE INTO memory_vectors (id, model, scale, vector) "
    "SELECT ?, ?, ?, ? WHERE EXISTS (SELECT 1 FROM memories WHERE id = ? AND question = ?)"
)
_OF_SESSION = (
    "SELECT memories.id, scale, vector FROM memories JOIN memory_vectors USING (id) "
    "WHERE session = ? AND model = ? AND length(vector) > 0 ORDER BY memories.id"
)
_TEXT = "SELECT question FROM memories WHERE id = ?"

_BEYOND_LATIN = "\u0370"  # Greek begins here

# Turns whose vectors are made in one step, and how many characters of them are read together: what a lookup may have
# to wait for. A longer text is read alone.
_STEP, _STEP_CHARACTERS = 8, 400
# Sessions whose vectors are kept in memory between lookups.
_KEPT_SESSIONS = 16


class Neighbours(Protocol):
    """The vectors of one session."""

    def nearest(self, vector: NDArray[np.float32], count: int) -> list[int]:
        """Return the numbers of the ``count`` turns that lie nearest to ``vector``, nearest first."""
        ...


class _Session(NamedTuple):
    """The vectors of one session: of each turn its number, and its row of 8-bit numbers with their scale."""

    numbers: NDArray[np.int64]
    scales: NDArray[np.float32]
    rows: NDArray[np.int8]

    def nearest(self, vector: NDArray[np.float32], count: int) -> list[int]:
        """Return the numbers of the ``count`` turns that lie nearest to ``vector``, nearest first."""
        likeness = product(self.rows, self.scales, vector)
        return [int(self.numbers[place]) for place in best(likeness, count)]


def packed(row: NDArray[np.float32]) -> tuple[float, bytes]:
    """Return a vector as a scale and a number of eight bits for each of its own."""
    scale = float(np.abs(row).max()) / 127
    return scale, np.round(row / scale).astype(np.int8).tobytes()


class _Lacking(NamedTuple):
    """A turn that lacks a vector."""

    number: int
    session: str
    text: str


class VectorIndex:
    """Vectors of the turns in ``store``, made by ``engine``. Used from one event loop, while the store is open.

    The engine is loaded when it is first needed, and closed with the index. It is given ``batch`` texts at once at
    most, if they are short. ``made`` counts the vectors of this run.
    """

    def __init__(self, store: FullTextStore, engine: EmbeddingEngine, *, batch: int = _STEP) -> None:
        self._store = store
        self._engine = engine
        self._batch = batch
        self._characters = batch * _STEP_CHARACTERS // _STEP
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="vectors")
        self._sessions: OrderedDict[str, Neighbours] = OrderedDict()
        self._changes = (0, 0)
        # Turns from the first number to the second have been looked at.
        self._first, self._last = 1, 0
        self._making: asyncio.Task[None] | None = None
        self._more = False
        self.made = 0

    @property
    def weights_bytes(self) -> int:
        """How many bytes the engine's weights take; 0 before they are loaded."""
        return self._engine.weights_bytes

    async def open(self) -> None:
        """Make the table if the file lacks it. Raises `StoreError`."""
        await self._in_file(self._open, changes=True)
        self.saved()

    def saved(self) -> None:
        """Have vectors made of whatever lacks one, in the background."""
        self._more = True
        if self._making is None:
            self._making = asyncio.create_task(self._make(), name="vectors of turns")

    async def caught_up(self) -> None:
        """Return when every turn that was saved before has its vector."""
        while self._making is not None:
            await asyncio.shield(self._making)

    async def find(self, session: str, question: str, limit: int) -> list[str]:
        """Return what was said in the ``limit`` turns of ``session`` that lie nearest to ``question``, nearest first.

        Raises what `find_turns` raises.
        """
        return [turn.text for turn in await self.find_turns(session, question, limit)]

    async def find_turns(self, session: str, question: str, limit: int) -> list[FoundTurn]:
        """Return these turns.

        Turns that say the same take one place, and the question itself none. Raises `StoreError`, `EngineError` and
        `ModelError`.
        """
        vector = await self._by_engine(partial(self._asked, question))
        return [] if vector is None else await self._in_file(partial(self._find, session, question, vector, limit))

    async def close(self) -> None:
        """Make no more vectors, and close the engine; a second call does nothing."""
        self._more = False
        if self._making is not None:
            self._making.cancel()
            await asyncio.gather(self._making, return_exceptions=True)
        await self._by_engine(self._engine.close)

    def _open(self, connection: sqlite3.Connection) -> None:
        with connection:
            for statement in _TABLE:
                connection.execute(statement)
        self._last = connection.execute(_NEWEST).fetchone()[0]
        self._first = self._last + 1

    async def _make(self) -> None:
        try:
            while self._more:
                self._more = False
                while turns := await self._in_file(self._lacking):
                    made = await self._by_engine(partial(self._read, turns))
                    await self._in_file(partial(self._keep, turns, made), changes=True)
        except (StoreError, EngineError, ModelError) as error:  # to be tried again when the next turn is saved
            swallowed(log, "vectors of turns could not be made", error)
        finally:
            self._making = None

    def _lacking(self, connection: sqlite3.Connection) -> list[_Lacking]:
        """Return some turns that lack a vector, first of new ones, then of old ones."""
        model = self._engine.identity
        if self._first <= self._last:  # the newest turns may have been taken out, and their numbers given to others
            newest = connection.execute(_NEWEST_LOOKED_AT, (model,)).fetchone()
            self._last = min(self._last, newest[0] if newest else 0)
        turns = connection.execute(_NEW, (model, self._last, self._batch)).fetchall()
        if not turns:
            turns = connection.execute(_OLD, (model, self._first, self._batch)).fetchall()
        if not turns:
            self._first = 0
        together = accumulate(len(text) for _, _, text in turns)
        return [
            _Lacking(*turn)
            for place, (turn, characters) in enumerate(zip(turns, together, strict=True))
            if not place or characters <= self._characters
        ]

    def _read(self, turns: Sequence[_Lacking]) -> dict[int, tuple[float, bytes]]:
        """Return the vectors of those of ``turns`` that get one, by their numbers, as they are kept."""
        self._engine.load()
        told = [turn for turn in turns if self._reads(turn.text) and not asking.only_asks(turn.text)]
        if not told:
            return {}
        rows = self._engine.embed([turn.text for turn in told]).vectors
        return {turn.number: packed(row) for turn, row in zip(told, rows, strict=True)}

    def _keep(
        self, turns: Sequence[_Lacking], made: dict[int, tuple[float, bytes]], connection: sqlite3.Connection
    ) -> None:
        model = self._engine.identity
        kept = [
            (turn.number, model, *made.get(turn.number, (0.0, b"")), turn.number, turn.text)
            for turn in turns
        ]  # fmt: skip
        with connection:
            count = connection.executemany(_KEEP, kept).rowcount
        for turn in turns:
            self._sessions.pop(turn.session, None)
        self.made += len(made)
        if turns[0].number > self._last:
            self._last = turns[-1].number
        else:
            self._first = turns[-1].number
        if count < len(turns):  # some were replaced meanwhile: all are looked at once more
            self._first = self._last + 1

    def _asked(self, question: str) -> NDArray[np.float32] | None:
        self._engine.load()
        return self._engine.embed([question], "query").vectors[0] if self._reads(question) else None

    def _find(
        self, session: str, question: str, vector: NDArray[np.float32], limit: int, connection: sqlite3.Connection
    ) -> list[FoundTurn]:
        # What is said twice takes one place: some more are looked at.
        nearest = self._session(connection, session).nearest(vector, 2 * limit + 1)
        found: dict[str, int] = {}
        for number in nearest:
            row = connection.execute(_TEXT, (number,)).fetchone()
            if row is not None and row[0] != question:
                found.setdefault(row[0], number)
        return list(starmap(FoundTurn, found.items()))[:limit]

    def _reads(self, text: str) -> bool:
        """Return whether the model knows the script of ``text``, or of most of it."""
        if not self._engine.latin_only:
            return True
        letters = [letter for letter in text if letter.isalpha()]
        return 2 * sum(letter < _BEYOND_LATIN for letter in letters) >= len(letters)

    def _session(self, connection: sqlite3.Connection, session: str) -> Neighbours:
        # Somebody else saved or deleted, or the store took turns out.
        changes = (connection.execute("PRAGMA data_version").fetchone()[0], self._store.taken_out)
        if changes != self._changes:
            self._let_go(connection)
            self._changes = changes
        held = self._sessions.pop(session, None)
        if held is None:
            held = self._read_session(connection, session)
        self._sessions[session] = held
        if len(self._sessions) > _KEPT_SESSIONS:
            self._sessions.popitem(last=False)
        return held

    def _let_go(self, connection: sqlite3.Connection) -> None:  # noqa: ARG002 - who holds more looks what is left
        """Hold no session's vectors any more: some may be of turns that are there no longer."""
        self._sessions.clear()

    def _read_session(self, connection: sqlite3.Connection, session: str) -> Neighbours:
        """Return the vectors of ``session``, of which something may have changed since they were read last."""
        rows = connection.execute(_OF_SESSION, (session, self._engine.identity)).fetchall()
        return _Session(
            np.array([row[0] for row in rows], np.int64),
            np.array([row[1] for row in rows], np.float32),
            np.frombuffer(b"".join(row[2] for row in rows), np.int8).reshape(-1, self._engine.dimensions),
        )

    async def _by_engine(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def _in_file(self, work: Callable[[sqlite3.Connection], T], *, changes: bool = False) -> T:
        try:
            return await (self._store.change if changes else self._store.with_connection)(work)
        except sqlite3.Error as error:
            raise store_error("Vectors of turns could not be read or kept", error) from error
