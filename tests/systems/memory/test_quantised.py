"""Vectors in fewer bits: what is nearest stays nearest, more of it the more bits there are."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from systems.memory import quantised
from systems.memory.quantised import Precision, QuantisedRows


def _unit(rng: np.random.Generator, count: int, dimensions: int) -> np.ndarray:
    rows = rng.normal(size=(count, dimensions)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def _recall(precision: Precision, dimensions: int) -> float:
    rng = np.random.default_rng(1)
    vectors, asked = _unit(rng, 5_000, dimensions), _unit(rng, 20, dimensions)
    rows = QuantisedRows(precision, dimensions, len(vectors))
    for start in range(0, len(vectors), 700):
        rows.fill(start, vectors[start : start + 700])
    shares = [
        len(set(rows.nearest(vector, 10).tolist()) & set(np.argsort(-(vectors @ vector))[:10].tolist())) / 10
        for vector in asked
    ]
    return float(np.mean(shares))


@pytest.mark.parametrize("dimensions", [64, 101])
def test_fewer_bits_find_fewer_of_the_nearest(dimensions: int) -> None:
    recalls = [_recall(precision, dimensions) for precision in get_args(Precision)]
    assert recalls == sorted(recalls, reverse=True)
    assert recalls[0] == 1
    assert recalls[1] > 0.9
    assert recalls[3] < recalls[2] < recalls[1]


@pytest.mark.parametrize(("precision", "bytes_a_row"), [("float32", 256), ("int8", 68), ("int4", 36), ("bits", 8)])
def test_fewer_bits_take_fewer_bytes(precision: Precision, bytes_a_row: int) -> None:
    assert QuantisedRows(precision, 64, 10).bytes == 10 * bytes_a_row


def test_the_nearest_are_put_right_by_looking_at_them_again() -> None:
    rng = np.random.default_rng(2)
    vectors = _unit(rng, 4_000, 128)
    whole, scales = quantised.whole_numbers(vectors, 127)
    bits = QuantisedRows("bits", 128, len(vectors))
    bits.fill(0, vectors)
    for vector in _unit(rng, 10, 128):
        again = quantised.rescored(bits.nearest(vector, 400), whole, scales, vector, 10)
        exact = set(np.argsort(-(vectors @ vector))[:10].tolist())
        assert len(exact & set(again.tolist())) >= len(exact & set(bits.nearest(vector, 10).tolist()))
        assert again[0] in exact


@pytest.mark.parametrize("precision", get_args(Precision))
def test_few_rows_and_rows_of_zeros_are_no_trouble(precision: Precision) -> None:
    vector = np.ones(16, np.float32)
    assert QuantisedRows(precision, 16, 0).nearest(vector, 10).tolist() == []
    rows = QuantisedRows(precision, 16, 3)
    rows.fill(0, np.zeros((3, 16), np.float32))
    rows.fill(1, np.full((1, 16), 0.25, np.float32))
    assert rows.nearest(vector, 10).tolist() == [1, 0, 2]
