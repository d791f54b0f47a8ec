"""Tool output that is mostly empty, by the places of what is not: a table as its size, its filling and the rest.

It applies to lists of lists of one length, or of objects of the same names, of which at least half the cells hold the
same value (empty, 0, null); everything else stays as it is. What was no JSON, or would be written otherwise, is left.
"""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import Any

import msgspec

from systems.errors import DamagedState
from systems.tiered.states.interface import Codec, Plain

_MARK = "\x00sparse"
"""The name of a table's code. A state that has this name itself is left as it is."""

_AS_IT_WAS, _CODED = b"\x00", b"\x01"

# Below, the code is longer than the table.
_LEAST_CELLS, _LEAST_FILLED = 16, 0.5
# A changed byte may turn a size into any number.
_MOST_CELLS = 1 << 22


class Sparse:
    """The codec that codes mostly-empty tables, and gives the rest to ``inner``."""

    def __init__(self, inner: Codec | None = None) -> None:
        self._inner = inner or Plain()

    def pack(self, data: bytes) -> bytes:
        """Return ``data`` with its tables coded."""
        return self._inner.pack(self._coded(data))

    def unpack(self, packed: bytes) -> bytes:
        """Return what was packed. Raises `DamagedState`."""
        data = self._inner.unpack(packed)
        if data[:1] == _AS_IT_WAS:
            return data[1:]
        if data[:1] != _CODED:
            raise DamagedState("This was not coded by the places of what is not empty.")
        try:
            return msgspec.json.encode(_read(msgspec.json.decode(data[1:])))
        except (msgspec.MsgspecError, UnicodeDecodeError, LookupError, TypeError, ValueError) as error:
            raise DamagedState(f"A table's code cannot be read: {error}.") from error

    def _coded(self, data: bytes) -> bytes:
        if _MARK.encode() not in data and b"\\u0000sparse" not in data:
            try:
                value = msgspec.json.decode(data)
                if msgspec.json.encode(value) == data:
                    return _CODED + msgspec.json.encode(_code(value))
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                pass
        return _AS_IT_WAS + data


def _code(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _code(part) for name, part in value.items()}
    if not isinstance(value, list):
        return value
    return _table(value) or [_code(part) for part in value]


def _table(rows: list[Any]) -> dict[str, Any] | None:
    """Return the code of ``rows`` if they are a table that is mostly empty."""
    if len(rows) < 2:
        return None
    first = rows[0]
    if isinstance(first, dict):
        names = list(first)
        if not all(isinstance(row, dict) and list(row) == names for row in rows):
            return None
        cells = [cell for row in rows for cell in row.values()]
    elif isinstance(first, list):
        names = []
        if not all(isinstance(row, list) and len(row) == len(first) for row in rows):
            return None
        cells = [cell for row in rows for cell in row]
    else:
        return None
    if not _LEAST_CELLS <= len(cells) <= _MOST_CELLS or any(isinstance(cell, dict | list) for cell in cells):
        return None
    # 0, 0.0 and false are equal, and are not the same text.
    texts = [msgspec.json.encode(cell) for cell in cells]
    filling, count = Counter(texts).most_common(1)[0]
    if count < _LEAST_FILLED * len(cells):
        return None
    places = [place for place, text in enumerate(texts) if text != filling]
    steps = [after - before for before, after in pairwise([-1, *places])]
    values = [cells[place] for place in places]
    return {_MARK: [len(rows), names or len(first), msgspec.json.decode(filling), steps, values]}


def _read(value: Any) -> Any:
    if isinstance(value, list):
        return [_read(part) for part in value]
    if not isinstance(value, dict):
        return value
    if _MARK not in value:
        return {name: _read(part) for name, part in value.items()}
    count, names, filling, steps, values = value[_MARK]
    width = names if isinstance(names, int) else len(names)
    if not 0 <= count * width <= _MOST_CELLS:
        raise ValueError(f"it says that it has {count} rows of {width} cells")
    cells = [filling] * (count * width)
    place = -1
    for step, cell in zip(steps, values, strict=True):
        place += step
        cells[place] = cell
    rows = [cells[start : start + width] for start in range(0, len(cells), width)]
    return rows if isinstance(names, int) else [dict(zip(names, row, strict=True)) for row in rows]
