"""An encoder with random weights and a vocabulary of letters and some words, written in a moment."""

from pathlib import Path

import numpy as np
from gguf import GGMLQuantizationType as Kind

from systems.models.encoder import CONTROL, NORMAL, UNKNOWN, Card, EncoderVocabulary, Sizes, matrix, vector, write

SIZES = Sizes(layers=2, hidden=64, heads=2, ffn=128, positions=16, token_types=2, epsilon=1e-12)

_SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
_LETTERS = [chr(number) for number in range(33, 127) if not chr(number).isupper()]


def encoder(path: Path, **card: object) -> Path:
    """Write the model, which reads texts of 14 pieces and one at each end."""
    pieces = [*_SPECIAL, *(f"\u2581{letter}" for letter in _LETTERS), *_LETTERS, "\u2581cat", "\u2581dog", "\u2581the"]
    types = [CONTROL, UNKNOWN, CONTROL, CONTROL, *[NORMAL] * (len(pieces) - 4)]
    vocabulary = EncoderVocabulary(
        model="bert", pieces=[piece.encode() for piece in pieces], types=types, begins=2, ends=3, pads=0, unknown=1
    )
    draw, hidden, ffn = np.random.default_rng(7), SIZES.hidden, SIZES.ffn
    tensors = {
        "token_embd.weight": matrix(draw.normal(size=(len(pieces), hidden)), Kind.F16),
        "position_embd.weight": vector(draw.normal(size=(SIZES.positions, hidden))),
        "token_types.weight": vector(draw.normal(size=(SIZES.token_types, hidden))),
        "token_embd_norm.weight": vector(np.ones(hidden)),
        "token_embd_norm.bias": vector(np.zeros(hidden)),
    }
    for layer in range(SIZES.layers):
        for name, rows, columns in (
            *((f"attn_{each}", hidden, hidden) for each in ("q", "k", "v", "output")),
            ("ffn_up", ffn, hidden),
            ("ffn_down", hidden, ffn),
        ):
            tensors[f"blk.{layer}.{name}.weight"] = matrix(draw.normal(size=(rows, columns)) / 8, Kind.F16)
            tensors[f"blk.{layer}.{name}.bias"] = vector(np.zeros(rows))
        for name in ("attn_output_norm", "layer_output_norm"):
            tensors[f"blk.{layer}.{name}.weight"] = vector(np.ones(hidden))
            tensors[f"blk.{layer}.{name}.bias"] = vector(np.zeros(hidden))
    said = Card(name="small", description="Random weights.", license="mit", **card)
    return write(path, said, SIZES, vocabulary, tensors, {})
