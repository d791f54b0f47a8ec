"""Static word vectors: a text's is the mean of its pieces', which takes microseconds and knows no order of words.

The vectors stay in the mapped file; llama.cpp loads its vocabulary, and nothing else, to cut texts.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from systems.engines.embedding.vocabulary import TextTokens
from systems.engines.interface import Embedded, EmbeddingEngine, Purpose
from systems.errors import EngineError, ModelError, PromptTooLong
from systems.models.encoder_keys import LATIN_ONLY, STATIC


class StaticEmbeddingSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which file the vectors are in."""

    model_path: str


class StaticEmbedding(EmbeddingEngine):
    """Adds up vectors for one caller at a time. A text without a piece that has a vector gets one like any other's."""

    Settings = StaticEmbeddingSettings

    def __init__(self, settings: StaticEmbeddingSettings) -> None:
        self._path = Path(settings.model_path)
        self._lock = threading.Lock()
        self._vocabulary: TextTokens | None = None
        self._table: NDArray[Any] = np.empty((0, 0), np.float16)

    @property
    def dimensions(self) -> int:
        """How many numbers a vector has."""
        return int(self._table.shape[1])

    @property
    def most_tokens(self) -> int:
        """How many tokens of a text are read at most. Raises `EngineError` before it is loaded."""
        return self._loaded().most_tokens

    @property
    def identity(self) -> str:
        """The table by its file's name and size."""
        try:
            size = self._path.stat().st_size
        except OSError:
            size = 0
        return f"static:{self._path.name}:{size}"

    @property
    def latin_only(self) -> bool:
        """Whether it knows no other script. Raises `EngineError` before it is loaded."""
        return self._loaded().said(LATIN_ONLY) == "true"

    @property
    def weights_bytes(self) -> int:
        """How many bytes the vectors take, of which only those of used pieces are read from the file."""
        return int(self._table.nbytes)

    def load(self) -> None:
        """Map the vectors and load the vocabulary; a second call does nothing. Raises `ModelError`."""
        with self._lock:
            if self._vocabulary is not None:
                return
            vocabulary = TextTokens(self._path)
            try:
                self._table = _table(self._path, vocabulary)
            except BaseException:
                vocabulary.close()
                raise
            self._vocabulary = vocabulary

    def embed(self, texts: Sequence[str], purpose: Purpose = "passage", *, cut: bool = True) -> Embedded:  # noqa: ARG002
        """Return the vectors of ``texts``; a question's is like any other. Raises `EngineError`, `PromptTooLong`."""
        with self._lock:
            vocabulary, table = self._loaded(), self._table
            most, count, long = vocabulary.most_tokens, 0, []
            vectors = np.zeros((len(texts), table.shape[1]), np.float32)
            for place, text in enumerate(texts):
                tokens = vocabulary.tokens(text)
                if len(tokens) > most:
                    if not cut:
                        raise PromptTooLong(f"Text {place + 1} has {len(tokens)} tokens; {most} are read.")
                    long.append(place)
                    tokens = tokens[:most]
                count += len(tokens)
                vectors[place] = table[tokens or [vocabulary.unknown]].astype(np.float32).mean(axis=0)
            lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
            return Embedded(vectors / np.maximum(lengths, 1e-12), count, tuple(long))

    def close(self) -> None:
        """Let go of the file and free the vocabulary; a second call does nothing."""
        with self._lock:
            vocabulary, self._vocabulary = self._vocabulary, None
            self._table = np.empty((0, 0), np.float16)
            if vocabulary is not None:
                vocabulary.close()

    def _loaded(self) -> TextTokens:
        if self._vocabulary is None:
            raise EngineError("The embedding engine is not loaded.")
        return self._vocabulary


def _table(path: Path, vocabulary: TextTokens) -> NDArray[Any]:
    """Map the vectors, of 16 bits a number: the one tensor is the last thing in the file. Raises `ModelError`."""
    width = int(vocabulary.said("bert.embedding_length") or 0)
    if vocabulary.said(STATIC) != "true" or not width:
        raise ModelError(f"{path} holds no table of word vectors.")
    try:
        begins = path.stat().st_size - 2 * width * vocabulary.size
        return np.memmap(path, np.dtype("<f2"), "r", begins, (vocabulary.size, width))
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be read: {error}.") from error
