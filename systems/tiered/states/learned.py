"""A model of which byte follows which, learned from states, and the codec that spends on each byte what it is worth.

The model is static: it knows how often each byte followed the three before it, or fewer where those were not seen.
Sending each byte by its probability (range coding by asymmetric numeral systems) loses nothing, whatever the model
believes. All counting is in integers and single steps of IEEE arithmetic, so every machine has the same probabilities.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from systems.errors import BadInput, Damaged
from systems.tiered.states import zstd

_ORDER = 3
# Three bytes before this one are one number; a state begins as if zeros had been before it.
_SPANS = tuple((1 << 8 * order) - 1 for order in range(_ORDER + 1))

_BITS = 15
_TOTAL = 1 << _BITS  # what the 256 frequencies of a context add up to
_LOW = 1 << 16  # the coder's state stays from here to below _LOW << 16
# As how many observations the shorter context counts beside those of a longer one. Of 2, 4, 8 and 16 none made unseen
# states of experiments.workloads.states larger than the best of them by more than three percent.
_PRIOR = 8.0
_MOST_COUNT = 0xFFFF
_LEAST_SEEN = 2  # a context seen once teaches nothing that the shorter one does not
_MOST_CONTEXTS = 6_000  # of the longest kind: half a kilobyte each in memory

_HEADER = struct.Struct("<II")


class ByteModel:
    """How probable each byte is after the bytes before it. ``content`` is what is to be kept of it."""

    def __init__(self, content: bytes) -> None:
        """Take what `learned` kept. Raises `Damaged` if it is something else."""
        self.content = content
        try:
            orders = _orders(zstd.decompressed(content))
        except (struct.error, ValueError, IndexError) as error:
            raise Damaged(f"This is no model of bytes: {error}.") from error
        tables: list[NDArray[np.uint16]] = []
        keys: list[NDArray[np.int64]] = []
        firsts: list[int] = []
        for order, (contexts, counts) in enumerate(orders):
            if order:
                lower = _rows(contexts & _SPANS[order - 1], keys, firsts)
                below = np.concatenate(tables)[lower].astype(np.float64) / _TOTAL
            else:
                below = np.full((1, 256), 1 / 256)
            seen = counts.sum(axis=1, keepdims=True, dtype=np.int64)
            shares = (counts + _PRIOR * below) / (seen + _PRIOR)
            firsts.append(sum(len(table) for table in tables))
            keys.append(contexts)
            tables.append(_frequencies(shares))
        frequencies = np.concatenate(tables)
        self._keys, self._firsts = keys, firsts
        self._frequencies = frequencies
        self._starts = np.cumsum(frequencies, axis=1, dtype=np.uint32) - frequencies
        self._lists: dict[int, list[int]] = {}
        self._known: list[dict[int, int]] = [
            dict(zip(key.tolist(), range(first, first + len(key)), strict=True))
            for key, first in zip(keys, firsts, strict=True)
        ]

    @property
    def held_bytes(self) -> int:
        """How many bytes its tables take in memory."""
        return int(self._frequencies.nbytes + self._starts.nbytes)

    def pack(self, data: bytes) -> bytes:
        """Return ``data`` coded."""
        symbols = np.frombuffer(data, np.uint8)
        before = np.zeros(len(symbols), np.int64)
        for back in range(1, _ORDER + 1):
            before[back:] |= symbols[:-back].astype(np.int64) << 8 * (back - 1) if len(symbols) > back else 0
        rows = _rows(before, self._keys, self._firsts)
        widths = self._frequencies[rows, symbols].tolist()
        starts = self._starts[rows, symbols].tolist()
        words: list[int] = []
        state = _LOW
        # What is coded last is read first.
        for width, start in zip(reversed(widths), reversed(starts), strict=True):
            if state >= (_LOW << 16 >> _BITS) * width:
                words.append(state & 0xFFFF)
                state >>= 16
            state = (state // width << _BITS) + state % width + start
        return _HEADER.pack(len(data), state) + np.array(words[::-1], "<u2").tobytes()

    def unpack(self, packed: bytes) -> bytes:
        """Return what was coded. Raises `Damaged` if it was cut or changed so that nothing comes of it."""
        try:
            length, state = _HEADER.unpack_from(packed)
            words = iter(np.frombuffer(packed, "<u2", offset=_HEADER.size).tolist())
        except (struct.error, ValueError) as error:
            raise Damaged(f"This was not coded by a model of bytes: {error}.") from error
        if length > zstd.MOST_BYTES:
            raise Damaged(f"A coded state unpacks to more than {zstd.MOST_BYTES} bytes.")
        data = bytearray()
        before = 0
        try:
            for _ in range(length):
                starts = self._list(self._row(before))
                place = state & (_TOTAL - 1)
                symbol = bisect_right(starts, place) - 1
                start = starts[symbol]
                state = (starts[symbol + 1] - start) * (state >> _BITS) + place - start
                if state < _LOW:
                    state = state << 16 | next(words)
                data.append(symbol)
                before = (before << 8 | symbol) & _SPANS[_ORDER]
        except StopIteration as error:
            raise Damaged("A coded state is cut short.") from error
        if state != _LOW or next(words, None) is not None:
            raise Damaged("A coded state does not end where it should.")
        return bytes(data)

    def _row(self, before: int) -> int:
        for order in range(_ORDER, 0, -1):
            row = self._known[order].get(before & _SPANS[order])
            if row is not None:
                return row
        return 0

    def _list(self, row: int) -> list[int]:
        found = self._lists.get(row)
        if found is None:
            found = self._lists[row] = [*self._starts[row].tolist(), _TOTAL]
        return found


def learned(samples: Iterable[bytes]) -> ByteModel:
    """Count what follows what in ``samples``. Raises `BadInput` if they are empty."""
    texts = [np.frombuffer(sample, np.uint8) for sample in samples if sample]
    if not texts:
        raise BadInput("A model of bytes is learned from at least one sample that is not empty.")
    pairs = np.concatenate([_followed(text) for text in texts])
    parts = []
    for order in range(_ORDER + 1):
        keys, counts = np.unique(pairs & (_SPANS[order] << 8 | 0xFF), return_counts=True)
        _, first, seen = np.unique(keys >> 8, return_index=True, return_inverse=True)[:3]
        totals = np.add.reduceat(counts, first)
        chosen = totals >= (_LEAST_SEEN if order else 0)
        if chosen.sum() > _MOST_CONTEXTS:
            chosen &= totals >= np.sort(totals)[-_MOST_CONTEXTS]
        kept = chosen[seen.reshape(-1)]
        kept_keys = keys[kept].astype("<u4")
        parts.append(_HEADER.pack(order, len(kept_keys)))
        # Steps from key to key and their counts, each in a block of its own, compress best.
        parts.append(np.diff(kept_keys, prepend=np.uint32(0)).astype("<u4").tobytes())
        parts.append(np.minimum(counts[kept], _MOST_COUNT).astype("<u2").tobytes())
    return ByteModel(zstd.compressed(b"".join(parts), level=19))


def _followed(text: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return, for each byte, the three before it and itself as one number."""
    numbers = text.astype(np.int64)
    for back in range(1, min(_ORDER, len(text) - 1) + 1):
        numbers[back:] |= text[:-back].astype(np.int64) << 8 * back
    return numbers


def _orders(content: bytes) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Return the contexts of each order, ascending, and how often each byte followed them."""
    found, at = [], 0
    for order in range(_ORDER + 1):
        said, count = _HEADER.unpack_from(content, at)
        at += _HEADER.size
        if said != order:
            raise ValueError(f"order {said} stands where {order} should")
        keys = np.cumsum(np.frombuffer(content, "<u4", count, at), dtype=np.int64)
        counts = np.frombuffer(content, "<u2", count, at + 4 * count)
        at += 6 * count
        contexts, rows = np.unique(keys >> 8, return_inverse=True)
        table: NDArray[np.int64] = np.zeros((len(contexts), 256), np.int64)
        table[rows.reshape(-1), keys & 0xFF] = counts
        found.append((contexts, table))
    if not len(found[0][0]):
        raise ValueError("it has seen nothing")
    return found


def _rows(before: NDArray[np.int64], keys: list[NDArray[np.int64]], firsts: list[int]) -> NDArray[np.int64]:
    """Return the row of the longest context known for each place, whose bytes ``before`` it are given."""
    found = np.zeros(len(before), np.int64)
    for order in range(1, len(keys)):
        wanted = before & _SPANS[order]
        place = np.searchsorted(keys[order], wanted)
        place[place == len(keys[order])] = 0
        if len(keys[order]):
            known = keys[order][place] == wanted
            found[known] = firsts[order] + place[known]
    return found


def _frequencies(shares: NDArray[np.float64]) -> NDArray[np.uint16]:
    """Return ``shares`` as whole numbers, none of them 0, that add up to the total in every row."""
    whole = np.floor(shares * (_TOTAL - 256)).astype(np.int64) + 1
    likeliest = whole.argmax(axis=1)
    whole[np.arange(len(whole)), likeliest] += _TOTAL - whole.sum(axis=1)
    return whole.astype(np.uint16)
