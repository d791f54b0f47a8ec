"""SentencePiece's compiled table of characters that are replaced before a text is cut, as llama.cpp reads it.

The table is a number of bytes, so many bytes of a double-array trie over UTF-8 (of Darts-clone's layout), and the
replacements, each ended by a zero. A unit of the trie has 32 bits: the lowest 8 are the byte that leads to it, bit 8
says that a text may end here, bit 9 that the offset counts in 256s, and the rest is the offset to its children, which
is XORed with the unit's own place and each child's byte. The child of byte 0 holds, with the highest bit set, where the
replacement begins.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

_LEAF, _VALUE = 1 << 8, 1 << 31
_BLOCK = 256
_NEAR = 1 << 21  # offsets below this are written as they are

_Node = dict[int, "_Node | int"]


def compiled(replacements: Mapping[str, str]) -> bytes:
    """Return the table that replaces each key by its value. No key is empty or holds U+0000."""
    texts = bytearray()
    places: dict[bytes, int] = {}
    root: _Node = {}
    for text, replacement in replacements.items():
        said = replacement.encode()
        if said not in places:
            places[said] = len(texts)
            texts += said + b"\0"
        node = root
        for byte in text.encode():
            below = node.setdefault(byte, {})
            assert isinstance(below, dict)
            node = below
        node[0] = places[said]
    units = _laid_out(root)
    return struct.pack("<I", 4 * len(units)) + struct.pack(f"<{len(units)}I", *units) + bytes(texts)


def _laid_out(root: _Node) -> list[int]:
    """Return the units, the children of every node where none of them meets another's."""
    units = [0] * _BLOCK
    taken, bases = {0}, set()
    waiting: list[tuple[_Node, int]] = [(root, 0)]
    start = 1
    while waiting:
        node, place = waiting.pop()
        base = start
        # An offset that leads to another node's children would make them this one's too.
        while base in bases or not _fits(place ^ base) or any(base ^ byte in taken for byte in node):
            base += 1
        bases.add(base)
        while len(units) <= base | (_BLOCK - 1):
            units.append(0)
        taken.update(base ^ byte for byte in node)
        while start in taken:
            start += 1
        units[place] |= _offset(place ^ base)
        for byte, below in node.items():
            if isinstance(below, int):
                units[place] |= _LEAF
                units[base ^ byte] = _VALUE | below
            else:
                units[base ^ byte] = byte
                waiting.append((below, base ^ byte))
    return units


def _fits(offset: int) -> bool:
    return 0 < offset < _NEAR or (offset % _BLOCK == 0 and 0 < offset < _NEAR * _BLOCK)


def _offset(offset: int) -> int:
    return offset << 10 if offset < _NEAR else (offset >> 8) << 10 | 1 << 9
