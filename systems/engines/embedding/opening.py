"""The engine that a model file wants: a network that llama.cpp runs, or static vectors."""

from __future__ import annotations

from pathlib import Path

from systems.engines.interface import EmbeddingEngine
from systems.errors import ModelError
from systems.models.check import read_metadata
from systems.models.encoder_keys import STATIC

# The mean of the tokens' vectors, or the first token's.
_POOLED = ("1", "2")


def embedding_engine(path: Path, threads: int | None = None) -> EmbeddingEngine:
    """Return the engine for the GGUF file at ``path``, not loaded. Raises `ModelError` for one of another kind."""
    said = read_metadata(path)
    if said.get(STATIC) == "true":
        from systems.engines.embedding.static import StaticEmbedding, StaticEmbeddingSettings

        return StaticEmbedding(StaticEmbeddingSettings(model_path=str(path)))
    if said.get(f"{said.get('general.architecture')}.pooling_type") not in _POOLED:
        raise ModelError(f"{path} is no embedding model: it does not make one vector of a text.")
    from systems.engines.embedding.llama import LlamaEmbedding, LlamaEmbeddingSettings

    return LlamaEmbedding(LlamaEmbeddingSettings(model_path=str(path), threads=threads))
