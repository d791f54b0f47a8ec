"""WordLlama's static vectors, one for each piece of Llama 2's vocabulary, from its package into a GGUF file.

A text's vector is the mean of its pieces' vectors: no model runs, and the order of words does not matter. llama.cpp
cuts the text, for which the file passes as one of its kinds of models without any layers.
"""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

from gguf import GGMLQuantizationType as Kind

from systems.errors import ModelError
from systems.models.encoder import (
    BYTE,
    CONTROL,
    NORMAL,
    UNKNOWN,
    Card,
    EncoderVocabulary,
    Sizes,
    matrix,
    write,
)
from systems.models.safetensors import tensors

CARD = Card(
    name="wordllama-l2-supercat-256",
    description="Static English word vectors: a text's is the mean of its pieces'. Converted by fourgig.",
    license="mit",
    latin_only=True,
    static=True,
)

# A text may be of any length; what is read of it is bounded all the same.
_POSITIONS = 4096
_BYTES = range(3, 259)  # the pieces of single bytes
_PLAIN_FROM = 259


def convert(weights: Path, tokenizer: Path, out: Path, extra: dict[str, str]) -> Path:
    """Write the vectors of ``weights`` (safetensors) and the vocabulary of ``tokenizer`` (JSON) to ``out``.

    ``extra`` is kept in the file's metadata. Raises `ModelError` or `CannotWrite`.
    """
    try:
        vectors = tensors(weights.read_bytes())["embedding.weight"]
        vocabulary = _vocabulary(json.loads(tokenizer.read_text("utf-8")))
    except (OSError, KeyError, ValueError, struct.error) as error:
        raise ModelError(f"{weights} and {tokenizer} do not hold what is expected: {error}.") from error
    sizes = Sizes(layers=0, hidden=vectors.shape[1], heads=1, ffn=0, positions=_POSITIONS, token_types=0, epsilon=1e-12)
    return write(out, CARD, sizes, vocabulary, {"token_embd.weight": matrix(vectors, Kind.F16)}, extra)


def _vocabulary(tokenizer: dict[str, Any]) -> EncoderVocabulary:
    """Return Llama 2's vocabulary, in which the earlier piece is the better one."""
    numbers: dict[str, int] = tokenizer["model"]["vocab"]
    pieces, types, scores = [b""] * len(numbers), [NORMAL] * len(numbers), [0.0] * len(numbers)
    for piece, number in numbers.items():
        pieces[number] = piece.encode()
        scores[number] = float(min(0, _PLAIN_FROM - number))
    for number in _BYTES:
        types[number] = BYTE
    unknown, begins, ends = (numbers[name] for name in ("<unk>", "<s>", "</s>"))
    types[unknown] = UNKNOWN
    types[begins] = types[ends] = CONTROL
    return EncoderVocabulary(
        model="llama",
        pieces=pieces,
        types=types,
        begins=begins,
        ends=ends,
        pads=ends,
        unknown=unknown,
        scores=scores,
        bare=True,
    )
