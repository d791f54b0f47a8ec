"""Long-term memory as the settings want it, opened when it is first needed."""

from __future__ import annotations

import asyncio
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
    from systems.memory.vectors import VectorIndex


class Opening:
    """The memory file at ``path``. ``fulltext`` is what may be looked into, ``vectors`` those of an embedding model."""

    def __init__(self, settings: AnsweringSettings, path: Path, executors: Executors) -> None:
        self._settings = settings
        self._path = path
        self._executors = executors
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
        self.vectors = VectorIndex(store, await asyncio.to_thread(embedding_engine, model, 1))
        return HybridStore(store, self.vectors)

    async def close(self) -> None:
        """Close what was opened."""
        if self.fulltext is not None:
            await self.fulltext.close()
