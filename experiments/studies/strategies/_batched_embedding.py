"""The trials of the part `batched-embedding`: an encoder, its texts, and how many of them it reads at once."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from experiments.measuring.probes import memory
from experiments.measuring.role import Role
from experiments.studies.strategies._batched_embedding_names import BATCHES, SHORT, STATIC
from experiments.workloads import vectors
from systems.engines.embedding.llama import LlamaEmbedding, LlamaEmbeddingSettings
from systems.engines.embedding.opening import embedding_engine
from systems.engines.embedding.vocabulary import TextTokens
from systems.engines.interface import EmbeddingEngine
from systems.models import embeddings
from systems.models.check import check
from systems.models.encoder_keys import PASSAGE_PREFIX
from systems.models.published import PUBLISHED

_SAID_TOGETHER = 6  # texts of some 70 characters that make a passage
_COMPARED = 16  # texts whose vectors are made once more, alone


def run(role: Role) -> None:
    """Make the vectors in the subject's way, and compare some of them with those of the texts alone."""
    condition, batch = role.spec.condition, BATCHES[role.spec.subject]
    count, together = int(condition["count"] or 0), 1 if condition["texts"] == SHORT else _SAID_TOGETHER
    said = [text for text, _ in vectors.texts(role.spec.seed, together * (count + batch))]
    texts = [" ".join(said[at : at + together]) for at in range(0, len(said), together)]
    # What counts is the same in every way; what warms up comes after it, and is no part of it.
    batches, warming = [texts[at : at + batch] for at in range(0, count, batch)], texts[count:]
    encoder = str(condition["encoder"])
    engine = _engine(
        encoder, check(embeddings.converted(PUBLISHED[encoder])).path, [*batches, warming], role.spec.profile.cpus
    )
    engine.load()
    try:
        engine.embed(warming)
        made, seconds = [], []
        for each in batches:
            began = time.perf_counter()
            made.append(engine.embed(each).vectors)
            seconds.append(round(time.perf_counter() - began, 7))
        role.part.series["embedding_call_s"] = seconds
        role.part.values.update(embedded=sum(map(len, batches)), embedding_anonymous=memory.anonymous_bytes())
        role.part.values["embedding_alike"] = _alike(engine, [text for each in batches for text in each], made)
        role.outside_look()
    finally:
        engine.close()


def _engine(encoder: str, path: Path, batches: Sequence[Sequence[str]], threads: int) -> EmbeddingEngine:
    """Return the engine with room for the longest of ``batches`` and no more: the room is memory, used or not."""
    if encoder == STATIC:
        return embedding_engine(path)
    vocabulary = TextTokens(path)
    try:
        before = vocabulary.said(PASSAGE_PREFIX)
        longest = max(sum(len(vocabulary.tokens(before + text)) for text in each) for each in batches)
    finally:
        vocabulary.close()
    settings = LlamaEmbeddingSettings(
        model_path=str(path), batch_tokens=longest, batch_texts=len(batches[0]), threads=threads
    )
    return LlamaEmbedding(settings)


def _alike(engine: EmbeddingEngine, texts: Sequence[str], made: Sequence[np.ndarray]) -> float:
    """Return how much the vectors of some texts are like those of the same texts alone: the least cosine."""
    together = np.concatenate(made)
    places = np.linspace(0, len(texts) - 1, min(_COMPARED, len(texts))).astype(int)
    alone = np.concatenate([engine.embed([texts[place]]).vectors for place in places])
    return float(np.min(np.sum(together[places] * alone, axis=1)))
