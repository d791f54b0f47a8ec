"""llama.cpp as the embedding engine of record: any GGUF of an encoder of BERT's kind."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import msgspec
import numpy as np

from systems.engines.calibration.machine import usable_cpus
from systems.engines.embedding.encoder import Encoder
from systems.engines.interface import Embedded, EmbeddingEngine, Purpose
from systems.errors import EngineError, PromptTooLong
from systems.models.encoder_keys import LATIN_ONLY, PASSAGE_PREFIX, QUERY_PREFIX


class LlamaEmbeddingSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How llama.cpp reads texts: at most ``batch_tokens`` and ``batch_texts`` at once, or one longer text alone.

    The larger a batch, the more memory it takes (`Encoder`). ``threads`` None means as many as this process may use
    CPUs.
    """

    model_path: str
    batch_tokens: Annotated[int, msgspec.Meta(ge=1)] = 64
    batch_texts: Annotated[int, msgspec.Meta(ge=1, le=256)] = 16
    threads: Annotated[int, msgspec.Meta(ge=1, le=512)] | None = None  # more would end the process
    use_mmap: bool = True


class LlamaEmbedding(EmbeddingEngine):
    """Reads texts for one caller at a time; others wait. What a model wants before a text is put there."""

    Settings = LlamaEmbeddingSettings

    def __init__(self, settings: LlamaEmbeddingSettings) -> None:
        self._settings = settings
        self._path = Path(settings.model_path)
        self._lock = threading.Lock()
        self._encoder: Encoder | None = None
        self._prefixes: dict[Purpose, str] = {}

    @property
    def dimensions(self) -> int:
        """How many numbers a vector has. Raises `EngineError` before it is loaded."""
        return self._loaded().dimensions

    @property
    def most_tokens(self) -> int:
        """How many tokens of a text it reads at most. Raises `EngineError` before it is loaded."""
        return self._loaded().most_tokens

    @property
    def identity(self) -> str:
        """The model by its file's name and size."""
        try:
            size = self._path.stat().st_size
        except OSError:
            size = 0
        return f"llama:{self._path.name}:{size}"

    @property
    def latin_only(self) -> bool:
        """Whether it knows no other script. Raises `EngineError` before it is loaded."""
        return self._loaded().vocabulary.said(LATIN_ONLY) == "true"

    @property
    def weights_bytes(self) -> int:
        """How many bytes the weights take in memory; 0 before it is loaded."""
        return 0 if self._encoder is None else self._encoder.weights_bytes

    def load(self) -> None:
        """Load the model; a second call does nothing. Raises `ModelError`."""
        with self._lock:
            if self._encoder is not None:
                return
            chosen = self._settings
            encoder = Encoder(
                self._path,
                batch=chosen.batch_tokens,
                texts=chosen.batch_texts,
                threads=chosen.threads or usable_cpus(),
                use_mmap=chosen.use_mmap,
            )
            said = encoder.vocabulary.said
            self._prefixes = {"query": said(QUERY_PREFIX), "passage": said(PASSAGE_PREFIX)}
            self._encoder = encoder

    def embed(self, texts: Sequence[str], purpose: Purpose = "passage", *, cut: bool = True) -> Embedded:
        """Return the vectors of ``texts``, whatever their number. Raises `EngineError` and `PromptTooLong`."""
        with self._lock:
            encoder = self._loaded()
            prefix, most = self._prefixes[purpose], encoder.most_tokens
            read = [encoder.vocabulary.tokens(prefix + text) for text in texts]
            long = [place for place, tokens in enumerate(read) if len(tokens) > most]
            if long and not cut:
                raise PromptTooLong(
                    f"Text {long[0] + 1} of {len(texts)} has {len(read[long[0]])} tokens; the model reads {most}."
                )
            for place in long:
                read[place] = encoder.shortened(read[place])
            vectors = np.empty((len(texts), encoder.dimensions), np.float32)
            for places in _batches(read, encoder.batch, encoder.texts):
                vectors[places] = encoder.vectors([read[place] for place in places])
            return Embedded(vectors, sum(map(len, read)), tuple(long))

    def close(self) -> None:
        """Free the model; a second call does nothing."""
        with self._lock:
            encoder, self._encoder = self._encoder, None
            if encoder is not None:
                encoder.close()

    def _loaded(self) -> Encoder:
        if self._encoder is None:
            raise EngineError("The embedding engine is not loaded.")
        return self._encoder


def _batches(read: Sequence[Sequence[int]], most_tokens: int, most_texts: int) -> Iterator[list[int]]:
    """Yield the places of texts that are read together: such of like length, for all tokens of a batch look around."""
    batch: list[int] = []
    tokens = 0
    for place in sorted(range(len(read)), key=lambda place: len(read[place])):
        if batch and (tokens + len(read[place]) > most_tokens or len(batch) == most_texts):
            yield batch
            batch, tokens = [], 0
        batch.append(place)
        tokens += len(read[place])
    if batch:
        yield batch
