"""What is asked of whatever makes relevance, and what does it: in this process, or in another one."""

from __future__ import annotations

from array import array
from pathlib import Path

import msgspec

from systems.engines.interface import EmbeddingEngine, Purpose


class EmbeddingWork(msgspec.Struct, frozen=True, tag=True):
    """Texts whose vectors are wanted; some encoders read a question in another way than a passage."""

    purpose: Purpose
    texts: list[str]


class OverlapWork(msgspec.Struct, frozen=True, tag=True):
    """Texts of which each one's share of the question's terms is wanted: no encoder is asked."""

    question: str
    texts: list[str]


RelevanceWork = EmbeddingWork | OverlapWork


def file_of(encoder: str | None) -> str | None:
    """Return the path of the encoder's file, fetched and converted where the cache lacks it; None of no encoder.

    Raises what `systems.models.embeddings.resolve` does.
    """
    if encoder is None:
        return None
    from systems.models import embeddings  # it brings what fetches and reads model files

    return str(embeddings.resolve(encoder).path)


class RelevanceWorker:
    """Does one piece of work at a time, with an encoder of its own on so many ``threads``; or with none."""

    def __init__(self, encoder: str | None, threads: int) -> None:
        self._encoder, self._threads = encoder, threads
        self._engine: EmbeddingEngine | None = None

    def load(self) -> None:
        """Load the encoder; a second call does nothing. Raises what `file_of` does."""
        path = None if self._engine is not None else file_of(self._encoder)
        if path is None:
            return
        from systems.engines.embedding.opening import embedding_engine

        engine = embedding_engine(Path(path), self._threads)
        engine.load()
        self._engine = engine

    def do(self, work: RelevanceWork) -> bytes:
        """Return numbers of 32 bits, equally many a text: those of its vector, or one. Raises `EngineError`."""
        if isinstance(work, OverlapWork):
            from systems.research.embedding.overlap import overlaps  # who has an encoder needs no words

            return array("f", overlaps(work.question, work.texts)).tobytes()
        self.load()
        assert self._engine is not None, "who has no encoder is asked for no vector"
        return self._engine.embed(work.texts, work.purpose).vectors.tobytes()

    def close(self) -> None:
        """Free the encoder; a second call does nothing."""
        engine, self._engine = self._engine, None
        if engine is not None:
            engine.close()
