"""Vectors of passages that were asked about before: the same documents are asked about again and again."""

from __future__ import annotations

import hashlib
from collections import OrderedDict

# What Python keeps for a vector beside its numbers: two objects of bytes, an entry of a table; bytes.
_BESIDE = 300


class KnownVectors:
    """Vectors, as bytes, by their text: at most ``max_bytes``; that not asked for the longest leaves first."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._vectors: OrderedDict[bytes, bytes] = OrderedDict()
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._vectors)

    def get(self, text: str) -> bytes | None:
        """Return the vector of ``text``, or None."""
        key = _key(text)
        vector = self._vectors.get(key)
        if vector is not None:
            self._vectors.move_to_end(key)
        return vector

    def put(self, text: str, vector: bytes) -> None:
        """Remember the vector of ``text``."""
        before = self._vectors.pop(key := _key(text), None)
        if before is not None:
            self.bytes -= _size(before)
        self._vectors[key] = vector
        self.bytes += _size(vector)
        while self.bytes > self._max_bytes:
            self.bytes -= _size(self._vectors.popitem(last=False)[1])


def _key(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def _size(vector: bytes) -> int:
    return len(vector) + _BESIDE
