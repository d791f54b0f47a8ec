"""An encoder whose vectors are of letter pairs: like texts lie near, and nothing has to be fetched."""

import zlib
from collections.abc import Sequence

import numpy as np

from systems.engines.interface import Embedded, EmbeddingEngine, Purpose

DIMENSIONS = 64


class LetterPairs(EmbeddingEngine):
    """Counts pairs of letters in ``DIMENSIONS`` places."""

    def __init__(self, *, latin_only: bool = False) -> None:
        self._latin_only = latin_only
        self.read = 0

    @property
    def dimensions(self) -> int:
        return DIMENSIONS

    @property
    def most_tokens(self) -> int:
        return 10_000

    @property
    def identity(self) -> str:
        return "letters"

    @property
    def latin_only(self) -> bool:
        return self._latin_only

    @property
    def weights_bytes(self) -> int:
        return 0

    def load(self) -> None:
        pass

    def embed(self, texts: Sequence[str], purpose: Purpose = "passage", *, cut: bool = True) -> Embedded:
        self.read += len(texts)
        vectors = np.zeros((len(texts), DIMENSIONS), np.float32)
        for row, text in zip(vectors, texts, strict=True):
            for place in range(len(text) - 1):
                row[zlib.crc32(text[place : place + 2].lower().encode()) % DIMENSIONS] += 1
            row /= max(1e-6, float(np.linalg.norm(row)))
        return Embedded(vectors, 0)

    def close(self) -> None:
        pass
