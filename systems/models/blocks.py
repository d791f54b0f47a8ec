"""Random weights, generated directly in the block formats that llama.cpp stores.

Weights have mean about 0 and standard deviation about 0.02, as transformers are initialised with, so that
activations stay finite at any depth. Only raw bits are drawn: numpy promises that the streams of its bit generators
never change, and does not promise it of its distributions. So equal seeds give equal bytes everywhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]

DEVIATION = 0.02
# Blocks drawn at once: at most 16 MB, and part of what defines the stream.
_CHUNK = 1 << 16
_F16_ROW = 32


def weights(kind: GGMLQuantizationType, elements: int, seed: int, name: str) -> Iterator[Bytes]:
    """Yield the bytes of the tensor ``name`` piece by piece; each tensor has a stream of its own."""
    digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    bits = np.random.PCG64(int.from_bytes(digest[:16], "little"))
    per_block = _F16_ROW if kind == GGMLQuantizationType.F16 else GGML_QUANT_SIZES[kind][0]
    blocks = elements // per_block
    for start in range(0, blocks, _CHUNK):
        count = min(_CHUNK, blocks - start)
        yield _WRITERS[kind](bits, count).reshape(-1)


def size(kind: GGMLQuantizationType, elements: int) -> int:
    """Return how many bytes ``elements`` weights take."""
    per_block, block_bytes = GGML_QUANT_SIZES[kind]
    return elements // per_block * block_bytes


def _draw(bits: np.random.PCG64, rows: int, columns: int) -> Bytes:
    words = -(-rows * columns // 8)
    raw: Bytes = bits.random_raw(words).astype("<u8", copy=False).view(np.uint8)
    return raw[: rows * columns].reshape(rows, columns)


def _half(value: float) -> Bytes:
    return np.array([value], dtype="<f2").view(np.uint8)


def _f16(bits: np.random.PCG64, rows: int) -> Bytes:
    raw = _draw(bits, rows, 2 * _F16_ROW).view("<i2").astype(np.float32)
    spread = np.float32(DEVIATION * 3**0.5 / 2**15)  # uniform: its half-width is √3 deviations
    return (raw * spread).astype("<f2").view(np.uint8)


def _q8_0(bits: np.random.PCG64, rows: int) -> Bytes:
    out = _draw(bits, rows, 34)
    out[:, :2] = _half(DEVIATION / 73.9)
    out[:, 2:] |= 1  # odd numbers only: symmetric about 0, and never -128, which the format's writers do not use
    return out


def _q4_0(bits: np.random.PCG64, rows: int) -> Bytes:
    out = _draw(bits, rows, 18)
    # Quants run from -8 to 7; a scale of random sign takes their mean of -0.5 back to 0.
    low, high = _half(DEVIATION / 4.64)
    out[:, 0] = low
    out[:, 1] = (out[:, 1] & 0x80) | high
    return out


def _q4_k(bits: np.random.PCG64, rows: int) -> Bytes:
    out = _draw(bits, rows, 144)
    # A weight is d·scale·q - dmin·min with q from 0 to 15. Equal 6-bit scales and mins, and dmin = 7.5·d, centre it.
    scale = DEVIATION / (36.5 * 4.61)
    out[:, 0:2] = _half(scale)
    out[:, 2:4] = _half(7.5 * scale)
    out[:, 8:12] = out[:, 4:8]
    out[:, 12:16] = (out[:, 12:16] & 0x0F) | (out[:, 12:16] << 4)
    return out


def _q6_k(bits: np.random.PCG64, rows: int) -> Bytes:
    out = _draw(bits, rows, 210)
    scales = out[:, 192:208].view(np.int8)
    scales >>= 3
    scales |= 1  # odd, from -15 to 15: mean 0
    out[:, 208:210] = _half(DEVIATION / (9.2 * 18.5))
    return out


_WRITERS: dict[GGMLQuantizationType, Callable[[np.random.PCG64, int], Bytes]] = {
    GGMLQuantizationType.F16: _f16,
    GGMLQuantizationType.Q8_0: _q8_0,
    GGMLQuantizationType.Q4_0: _q4_0,
    GGMLQuantizationType.Q4_K: _q4_k,
    GGMLQuantizationType.Q6_K: _q6_k,
}
