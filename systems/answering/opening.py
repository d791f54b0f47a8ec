"""Long-term memory as the settings want it, opened when it is first needed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from systems.answering.lookups import AllWords, LongTermMemory, PublishedKeywords
from systems.answering.settings import AnsweringSettings
from systems.mechanisms.isolated_store import IsolatedLikeStore
from systems.mechanisms.isolation import Executors
from systems.memory.fulltext import FullTextStore
from systems.memory.hybrid import HybridStore
from systems.memory.like import LikeStore

if TYPE_CHECKING:
    from systems.engines.interface import EmbeddingEngine
    from systems.memory.vectors import VectorIndex

MakeVectors = Callable[["FullTextStore", "EmbeddingEngine"], "VectorIndex"]
"""Makes what keeps the vectors of the turns in a store, made by an engine."""


class Opening:
    """The memory file at ``path``. ``fulltext`` is what may be looked into, ``vectors`` those of an embedding model.

    These are kept by what ``make_vectors`` makes, where an agent says so.
    """

    def __init__(
        self,
        settings: AnsweringSettings,
        path: Path,
        executors: Executors,
        make_vectors: MakeVectors | None = None,
    ) -> None:
        self._settings = settings
        self._path = path
        self._executors = executors
        self._make_vectors = make_vectors
        self.fulltext: FullTextStore | HybridStore | None = None
        self.vectors: VectorIndex | None = None

    async def open(self) -> LongTermMemory:
        """Open it. Raises `StoreError`, and what the embedding model raises."""
        if not self._settings.full_text:
            store = IsolatedLikeStore(LikeStore(self._path), self._executors)
            await store.open()
            return store
        fulltext = FullTextStore(
            self._path,
            how=self._settings.retrieval,
            context=self._settings.context,
            most_bytes=self._settings.bytes_stored(),
            resident_bytes=self._settings.bytes_resident(),
        )
        if not self._settings.all_words:
            self.fulltext = fulltext
            await fulltext.open()
            return PublishedKeywords(fulltext)
        path = self._settings.embedding_model
        opened = self.fulltext = fulltext if path is None else await self._with_vectors(fulltext, Path(path))
        await opened.open()
        return AllWords(opened)

    async def _with_vectors(self, store: FullTextStore, model: Path) -> HybridStore:
        from systems.engines.embedding.opening import embedding_engine
        from systems.memory.vectors import VectorIndex

        # One thread: those of a model that decodes wait for each other, and a second competitor would double the wait.
        make = self._make_vectors or VectorIndex
        self.vectors = make(store, await asyncio.to_thread(embedding_engine, model, 1))
        return HybridStore(store, self.vectors)

    async def close(self) -> None:
        """Close what was opened."""
        if self.fulltext is not None:
            await self.fulltext.close()
