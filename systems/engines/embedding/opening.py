"""The engine that a model file wants: a network that llama.cpp runs, or static vectors."""

from __future__ import annotations

from pathlib import Path

from systems.engines.interface import EmbeddingEngine
from systems.models.check import read_metadata
from systems.models.encoder_keys import STATIC


def embedding_engine(path: Path, threads: int | None = None) -> EmbeddingEngine:
    """Return the engine for the GGUF file at ``path``, not loaded. Raises `ModelError`."""
    if read_metadata(path).get(STATIC) == "true":
        from systems.engines.embedding.static import StaticEmbedding, StaticEmbeddingSettings

        return StaticEmbedding(StaticEmbeddingSettings(model_path=str(path)))
    from systems.engines.embedding.llama import LlamaEmbedding, LlamaEmbeddingSettings

    return LlamaEmbedding(LlamaEmbeddingSettings(model_path=str(path), threads=threads))
