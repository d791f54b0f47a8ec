"""Vectors of turns beside the turns, and the turns whose vectors lie nearest to a question's.

A vector is made once, some time after its turn was saved, on a thread of its own, so that the loop does not wait for
it; a lookup waits for the step under way. It is kept in eight bits a number. A lookup compares the question with every
turn of its session, exactly. A turn that only asks gets none: it would lie nearest to the same question asked again,
and answers nothing. Nor do texts in a script that the model does not know.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from systems.engines.interface import EmbeddingEngine
from systems.errors import EngineError, StoreError, SystemClosed
from systems.logs import swallowed
from systems.memory import asking
from systems.memory.schema import BUSY_S, cannot_open, store_error

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
    "SELECT memories.id, question FROM memories "
    "LEFT JOIN memory_vectors ON memory_vectors.id = memories.id AND model = ? WHERE model IS NULL AND "
)
_NEW = _LACKING + "memories.id > ? ORDER BY memories.id LIMIT ?"
_OLD = _LACKING + "memories.id < ? ORDER BY memories.id DESC LIMIT ?"
_NEWEST = "SELECT ifnull(max(id), 0) FROM memories"
_NEWEST_LOOKED_AT = "SELECT id FROM memory_vectors WHERE model = ? ORDER BY id DESC LIMIT 1"
# A turn may have been deleted meanwhile.
_KEEP = (
    "INSERT OR REPLACE INTO memory_vectors (id, model, scale, vector) "
    "SELECT ?, ?, ?, ? WHERE EXISTS (SELECT 1 FROM memories WHERE id = ?)"
)
_OF_SESSION = (
    "SELECT memories.id, scale, vector FROM memories JOIN memory_vectors USING (id) "
    "WHERE session = ? AND model = ? AND length(vector) > 0 ORDER BY memories.id"
)
_TEXT = "SELECT question FROM memories WHERE id = ?"

_BEYOND_LATIN = "\u0370"  # Greek begins here

# Turns whose vectors are made in one step: what a lookup may have to wait for.
_STEP = 8
# Sessions whose vectors are kept in memory between lookups.
_KEPT_SESSIONS = 16


class _Session(NamedTuple):
    """The vectors of one session: of each turn its number, and its row of 8-bit numbers with their scale."""

    numbers: NDArray[np.int64]
    scales: NDArray[np.float32]
    rows: NDArray[np.int8]

    def nearest(self, vector: NDArray[np.float32], count: int) -> list[int]:
        """Return the numbers of the ``count`` turns that lie nearest to ``vector``, nearest first."""
        likeness = self.rows.astype(np.float32) @ vector * self.scales
        count = min(count, len(likeness))
        if not count:
            return []
        best = np.argpartition(-likeness, count - 1)[:count]
        return [int(self.numbers[place]) for place in best[np.argsort(-likeness[best], kind="stable")]]


def packed(row: NDArray[np.float32]) -> tuple[float, bytes]:
    """Return a vector as a scale and a number of eight bits for each of its own."""
    scale = float(np.abs(row).max()) / 127
    return scale, np.round(row / scale).astype(np.int8).tobytes()


class VectorIndex:
    """Vectors of the turns in the memory file ``path``, made by ``engine``. Used from one event loop.

    The engine is loaded when it is first needed, and closed with the index. ``made`` counts the vectors of this run.
    """

    def __init__(self, path: Path, engine: EmbeddingEngine) -> None:
        self._path = path
        self._engine = engine
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="vectors")
        self._connection: sqlite3.Connection | None = None
        self._sessions: OrderedDict[str, _Session] = OrderedDict()
        self._version = 0
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
        """Make the table if the file, which the store has opened before, lacks it. Raises `StoreError`."""
        try:
            await self._do(self._open)
        except sqlite3.Error as error:
            raise cannot_open(self._path, error) from error
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

        Turns that say the same take one place, and the question itself none. Raises `StoreError` and `EngineError`.
        """
        try:
            return await self._do(partial(self._find, session, question, limit))
        except sqlite3.Error as error:
            raise store_error("Long-term memory could not be searched", error) from error

    async def close(self) -> None:
        """Make no more vectors, close the file and the engine; a second call does nothing."""
        self._more = False
        if self._making is not None:
            self._making.cancel()
            await asyncio.gather(self._making, return_exceptions=True)
        await self._do(self._close)

    def _open(self) -> None:
        connection = sqlite3.connect(self._path, timeout=BUSY_S)
        try:
            with connection:
                for statement in _TABLE:
                    connection.execute(statement)
                self._last = connection.execute(_NEWEST).fetchone()[0]
                self._first = self._last + 1
        except BaseException:
            connection.close()
            raise
        self._connection = connection

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
        self._engine.close()

    async def _make(self) -> None:
        try:
            while self._more:
                self._more = False
                while await self._do(self._step):
                    pass
        except (sqlite3.Error, StoreError, EngineError) as error:  # to be tried again when the next turn is saved
            swallowed(log, "vectors of turns could not be made", error)
        finally:
            self._making = None

    def _step(self) -> bool:
        """Make the vectors of some turns, first of new ones, then of old ones; return whether there were any."""
        connection = self._opened()
        model = self._engine.identity
        if self._first <= self._last:  # the newest turns may have been taken out, and their numbers given to others
            newest = connection.execute(_NEWEST_LOOKED_AT, (model,)).fetchone()
            self._last = min(self._last, newest[0] if newest else 0)
        new = lacking = connection.execute(_NEW, (model, self._last, _STEP)).fetchall()
        if not new:
            lacking = connection.execute(_OLD, (model, self._first, _STEP)).fetchall()
        if not lacking:
            self._first = 0
            return False
        self._engine.load()
        told = [(number, text) for number, text in lacking if self._reads(text) and not asking.only_asks(text)]
        made: dict[int, tuple[float, bytes]] = {}
        if told:
            rows = self._engine.embed([text for _, text in told]).vectors
            made = {number: packed(row) for (number, _), row in zip(told, rows, strict=True)}
        kept = [(number, model, *made.get(number, (0.0, b"")), number) for number, _ in lacking]
        with connection:
            connection.executemany(_KEEP, kept)
        if new:
            self._last = new[-1][0]
        else:
            self._first = lacking[-1][0]
        self._sessions.clear()
        self.made += len(made)
        return True

    def _find(self, session: str, question: str, limit: int) -> list[str]:
        connection = self._opened()
        self._engine.load()
        if not self._reads(question):
            return []
        vector = self._engine.embed([question], "query").vectors[0]
        # What is said twice takes one place: some more are looked at.
        nearest = self._session(connection, session).nearest(vector, 2 * limit + 1)
        found: list[str] = []
        for number in nearest:
            row = connection.execute(_TEXT, (number,)).fetchone()
            if row is not None and row[0] != question and row[0] not in found:
                found.append(row[0])
        return found[:limit]

    def _reads(self, text: str) -> bool:
        """Return whether the model knows the script of ``text``, or of most of it."""
        if not self._engine.latin_only:
            return True
        letters = [letter for letter in text if letter.isalpha()]
        return 2 * sum(letter < _BEYOND_LATIN for letter in letters) >= len(letters)

    def _session(self, connection: sqlite3.Connection, session: str) -> _Session:
        version = int(connection.execute("PRAGMA data_version").fetchone()[0])
        if version != self._version:  # somebody else saved or deleted
            self._sessions.clear()
            self._version = version
        held = self._sessions.pop(session, None)
        if held is None:
            rows = connection.execute(_OF_SESSION, (session, self._engine.identity)).fetchall()
            width = self._engine.dimensions
            held = _Session(
                np.array([row[0] for row in rows], np.int64),
                np.array([row[1] for row in rows], np.float32),
                np.frombuffer(b"".join(row[2] for row in rows), np.int8).reshape(-1, width),
            )
        self._sessions[session] = held
        if len(self._sessions) > _KEPT_SESSIONS:
            self._sessions.popitem(last=False)
        return held

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            raise SystemClosed("Long-term memory is not open.")
        return self._connection

    async def _do(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)
