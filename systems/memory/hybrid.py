"""Full text and vectors together: what shares words with a question, and what means the like without sharing any.

Both are asked at once, and their rankings are fused by places. Full text alone answers where vectors fail: the engine
that makes them is an extra.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from systems.errors import EngineError, ModelError, StoreError
from systems.logs import swallowed
from systems.memory.found import FoundTurn
from systems.memory.fulltext import FullTextStore
from systems.memory.fusion import fused
from systems.memory.schema import SavedTurn

if TYPE_CHECKING:
    from systems.memory.vectors import VectorIndex  # takes numpy

T = TypeVar("T")

log = logging.getLogger(__name__)

# How many of each ranking are fused, for each that is wanted, and how soon places matter less. Of k from 5 to 60,
# depths from 1 to 5 and weights from 0.5 to 1 these found most, on average over the settled conversations and generated
# ones of the training split, with either model.
_DEPTH, _K = 2, 5


class HybridStore:
    """A store that is asked like full text. Opening and closing it opens and closes both."""

    def __init__(self, store: FullTextStore, vectors: VectorIndex) -> None:
        self._store = store
        self.vectors = vectors

    async def open(self) -> None:
        """Open both. Raises `StoreError`."""
        await self._store.open()
        try:
            await self.vectors.open()
        except BaseException:
            await self._store.close()
            raise

    async def find(self, session: str, question: str, limit: int) -> list[str]:
        """Return what was said in the best ``limit`` turns for ``question``, best first. Raises `StoreError`."""
        return [turn.text for turn in await self.find_turns(session, question, limit)]

    async def find_turns(self, session: str, question: str, limit: int) -> list[FoundTurn]:
        """Return these turns. Raises `StoreError`."""
        if limit <= 0:
            return []
        by_words, by_meaning = await asyncio.gather(
            self._store.find_turns(session, question, _DEPTH * limit), self._nearest(session, question, _DEPTH * limit)
        )
        # What is said twice takes one place, whichever of the turns was found.
        numbers = {turn.text: turn.number for turn in (*by_meaning, *by_words)}
        texts = fused([[turn.text for turn in found] for found in (by_words, by_meaning)], limit, _K)
        return [FoundTurn(text, numbers[text]) for text in texts]

    async def _nearest(self, session: str, question: str, limit: int) -> list[FoundTurn]:
        try:
            return await self.vectors.find_turns(session, question, limit)
        except (StoreError, EngineError, ModelError) as error:
            swallowed(log, "memory was searched without vectors", error)
            return []

    async def save(self, turns: Sequence[SavedTurn]) -> None:
        """Save ``turns`` as full text does; their vectors follow in the background. Raises `StoreError`."""
        await self._store.save(turns)
        self.vectors.saved()

    async def with_connection(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do as the full-text store does."""
        return await self._store.with_connection(work)

    async def beside(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do as the full-text store does."""
        return await self._store.beside(work)

    async def change(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do as the full-text store does."""
        return await self._store.change(work)

    async def rearrange(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do as the full-text store does; what came back gets its vectors."""
        done = await self._store.rearrange(work)
        self.vectors.saved()
        return done

    async def take_out(self, work: Callable[[sqlite3.Connection], T], turns: int) -> T:
        """Do as the full-text store does; what was put in the place of something gets its vector."""
        done = await self._store.take_out(work, turns)
        self.vectors.saved()
        return done

    async def close(self) -> None:
        """Close both; a second call does nothing."""
        await self.vectors.close()
        await self._store.close()
