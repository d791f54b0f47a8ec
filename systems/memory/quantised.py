"""Vectors in fewer bits a number than they came with, compared with a whole one: what that saves, and what it confuses.

A row of eight or four bits a number has a scale of its own. A row of bits holds the signs alone: which rows are near is
then told by how many signs agree, and who wants them in order looks at the nearest again (`rescored`).
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Precision = Literal["float32", "int8", "int4", "bits"]

# Rows that are made whole numbers at once: a few megabytes, where all of them would be four times what is kept.
_BLOCK = 2_048

_WIDEST = {"int8": 127, "int4": 7}  # of eight and four bits, as far below zero as above


class QuantisedRows:
    """``count`` rows of ``dimensions`` numbers at a ``precision``, all zeros until they are filled."""

    def __init__(self, precision: Precision, dimensions: int, count: int) -> None:
        self.precision = precision
        self.dimensions = dimensions
        self._scales = np.zeros(count if precision in _WIDEST else 0, np.float32)
        self._rows: NDArray[Any]
        match precision:
            case "float32":
                self._rows = np.zeros((count, dimensions), np.float32)
            case "int8":
                self._rows = np.zeros((count, dimensions), np.int8)
            case "int4":
                self._rows = np.zeros((count, -(-dimensions // 2)), np.uint8)
            case "bits":
                self._rows = np.zeros((count, -(-dimensions // 8)), np.uint8)

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def bytes(self) -> int:
        """How many bytes the rows take, and their scales."""
        return int(self._rows.nbytes + self._scales.nbytes)

    def fill(self, start: int, vectors: NDArray[np.float32]) -> None:
        """Keep ``vectors`` as the rows from ``start`` on."""
        end = start + len(vectors)
        match self.precision:
            case "float32":
                self._rows[start:end] = vectors
            case "bits":
                self._rows[start:end] = np.packbits(vectors > 0, axis=1)
            case "int8":
                whole, self._scales[start:end] = whole_numbers(vectors, _WIDEST["int8"])
                self._rows[start:end] = whole
            case "int4":
                whole, self._scales[start:end] = whole_numbers(vectors, _WIDEST["int4"])
                if self.dimensions % 2:
                    whole = np.pad(whole, ((0, 0), (0, 1)))
                halves = (whole + 8).astype(np.uint8)
                self._rows[start:end] = halves[:, 0::2] | halves[:, 1::2] << 4

    def likeness(self, vector: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return how near each row lies to ``vector``: their product, or of bits how many signs agree."""
        match self.precision:
            case "float32":
                found: NDArray[np.float32] = self._rows @ vector
                return found
            case "bits":
                other = self._rows ^ np.packbits(vector > 0)
                return self.dimensions - _ones(other).astype(np.float32)
            case "int8":
                return product(self._rows, self._scales, vector)
            case "int4":
                return self._product_of_halves(vector)

    def nearest(self, vector: NDArray[np.float32], count: int) -> NDArray[np.intp]:
        """Return the places of the ``count`` rows that lie nearest to ``vector``, nearest first."""
        return best(self.likeness(vector), count)

    def _product_of_halves(self, vector: NDArray[np.float32]) -> NDArray[np.float32]:
        even, odd = vector[0::2], np.zeros(self._rows.shape[1], np.float32)
        odd[: self.dimensions // 2] = vector[1::2]
        found = np.empty(len(self._rows), np.float32)
        for start in range(0, len(self._rows), _BLOCK):
            block = self._rows[start : start + _BLOCK]
            found[start : start + len(block)] = (block & 0xF).astype(np.float32) @ even
            found[start : start + len(block)] += (block >> 4).astype(np.float32) @ odd
        # Each half was kept with 8 added.
        found -= np.float32(8) * (even.sum() + odd.sum())
        return found * self._scales


def whole_numbers(vectors: NDArray[np.float32], widest: int) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Return ``vectors`` as whole numbers from ``-widest`` to ``widest``, and the scale of each row."""
    scales = np.abs(vectors).max(axis=1) / widest
    scales[scales == 0] = 1  # a row of zeros
    return np.round(vectors / scales[:, None]).astype(np.int8), scales.astype(np.float32)


def product(rows: NDArray[np.int8], scales: NDArray[np.float32], vector: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the product of each row of whole numbers with ``vector``, a block of them at a time."""
    found = np.empty(len(rows), np.float32)
    for start in range(0, len(rows), _BLOCK):
        block = rows[start : start + _BLOCK]
        found[start : start + len(block)] = block.astype(np.float32) @ vector
    return found * scales


def best(likeness: NDArray[np.float32], count: int) -> NDArray[np.intp]:
    """Return the places of the ``count`` largest numbers, largest first; of equals the earlier first."""
    count = min(count, len(likeness))
    if count <= 0:
        return np.empty(0, np.intp)
    found: NDArray[np.intp] = np.sort(np.argpartition(-likeness, count - 1)[:count])
    order: NDArray[np.intp] = np.argsort(-likeness[found], kind="stable")
    return found[order]


def rescored(
    places: NDArray[np.intp],
    rows: NDArray[np.int8],
    scales: NDArray[np.float32],
    vector: NDArray[np.float32],
    count: int,
) -> NDArray[np.intp]:
    """Return the ``count`` of ``places`` whose rows lie nearest to ``vector``; no other row is read."""
    return places[best(product(rows[places], scales[places], vector), count)]


def _ones(rows: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return how many bits are set in each row."""
    if hasattr(np, "bitwise_count"):
        counted: NDArray[np.int64] = np.bitwise_count(rows).sum(axis=1, dtype=np.int64)
        return counted
    table = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1).sum(axis=1)  # numpy before 2
    ones: NDArray[np.int64] = table[rows].sum(axis=1, dtype=np.int64)
    return ones
