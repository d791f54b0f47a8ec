"""Write an encoder of BERT's kind, and its vocabulary, as the GGUF file that llama.cpp makes vectors of texts with.

Where a package holds such a model in another format, a module of its own reads that (`minilm`, `e5`, `wordllama`), and
this one writes. What llama.cpp has no key for stands under keys of this project's own (`encoder_keys`).
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import gguf
import msgspec
import numpy as np
from gguf import GGMLQuantizationType as Kind

from systems.errors import CannotWrite
from systems.models.check import read_metadata
from systems.models.encoder_keys import LATIN_ONLY, PASSAGE_PREFIX, QUERY_PREFIX, STATIC

NORMAL, UNKNOWN, CONTROL, BYTE = 1, 2, 3, 6
"""Types of tokens, as GGUF numbers them."""

_FILE_TYPES = {
    Kind.F16: gguf.LlamaFileType.MOSTLY_F16,
    Kind.Q8_0: gguf.LlamaFileType.MOSTLY_Q8_0,
    Kind.Q4_0: gguf.LlamaFileType.MOSTLY_Q4_0,
}


class Sizes(msgspec.Struct, frozen=True, kw_only=True):
    """The encoder's shape. ``positions`` is how many tokens it reads at once."""

    layers: int
    hidden: int
    heads: int
    ffn: int
    positions: int
    token_types: int
    epsilon: float


class EncoderVocabulary(msgspec.Struct, frozen=True, kw_only=True):
    """Pieces by token number, and how a text is cut into them.

    ``model`` is llama.cpp's name of the way: "bert" for WordPiece, "t5" for a unigram model, "llama" for one of pairs
    that are merged; the latter two have ``scores``, and a unigram model a table of characters that are replaced
    beforehand (`charsmap`). A ``bare`` text gets no pieces at its ends.
    """

    model: str
    pieces: list[bytes]
    types: list[int]
    begins: int
    ends: int
    pads: int
    unknown: int
    scores: list[float] | None = None
    charsmap: bytes = b""
    bare: bool = False


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """What the file says of itself."""

    name: str
    description: str
    license: str
    query_prefix: str = ""
    passage_prefix: str = ""
    latin_only: bool = False
    static: bool = False


class Matrix(msgspec.Struct, frozen=True):
    """A tensor's values: of ``kind`` F32 as numbers, of another as the bytes of its rows."""

    kind: Kind
    values: Any


def matrix(values: np.ndarray, kind: Kind) -> Matrix:
    """Return ``values`` in the form ``kind``."""
    return Matrix(kind, gguf.quants.quantize(values.astype(np.float32), kind))


def vector(values: np.ndarray) -> Matrix:
    """Return ``values`` as they are: norms, biases and positions are small and stay exact."""
    return Matrix(Kind.F32, np.ascontiguousarray(values, dtype=np.float32))


def write(
    out: Path,
    card: Card,
    sizes: Sizes,
    vocabulary: EncoderVocabulary,
    tensors: dict[str, Matrix],
    extra: dict[str, str],
) -> Path:
    """Write the file to ``out``, whole or not at all, and return its path. ``extra`` is kept in its metadata.

    Raises `CannotWrite`, and `ModelError` if llama.cpp does not read what was written.
    """
    partial: Path | None = None
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{out.name}.", suffix=".part", dir=out.parent)
        os.close(handle)
        partial = Path(name)
        _write(partial, card, sizes, vocabulary, tensors, extra)
        read_metadata(partial)
        partial.chmod(0o644)
        partial.replace(out)
    except OSError as error:
        raise CannotWrite(f"{out} could not be written: {error.strerror or error}.") from error
    finally:
        if partial is not None:
            partial.unlink(missing_ok=True)
    return out


def _write(
    path: Path,
    card: Card,
    sizes: Sizes,
    vocabulary: EncoderVocabulary,
    tensors: dict[str, Matrix],
    extra: dict[str, str],
) -> None:
    writer = gguf.GGUFWriter(path, "bert")
    try:
        writer.add_name(card.name)
        writer.add_description(card.description)
        writer.add_license(card.license)
        for key, value in {QUERY_PREFIX: card.query_prefix, PASSAGE_PREFIX: card.passage_prefix, **extra}.items():
            if value:
                writer.add_string(key, value)
        if card.latin_only:
            writer.add_bool(LATIN_ONLY, True)
        if card.static:
            writer.add_bool(STATIC, True)
        writer.add_file_type(_FILE_TYPES[tensors["token_embd.weight"].kind])
        writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
        _describe(writer, sizes)
        _describe_vocabulary(writer, vocabulary, sizes.token_types)
        for name, tensor in tensors.items():
            writer.add_tensor(name, tensor.values, raw_dtype=None if tensor.kind == Kind.F32 else tensor.kind)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
    finally:
        writer.close()


def _describe(writer: gguf.GGUFWriter, sizes: Sizes) -> None:
    writer.add_context_length(sizes.positions)
    writer.add_embedding_length(sizes.hidden)
    writer.add_block_count(sizes.layers)
    writer.add_feed_forward_length(sizes.ffn)
    writer.add_head_count(sizes.heads)
    writer.add_layer_norm_eps(sizes.epsilon)
    writer.add_causal_attention(False)
    writer.add_pooling_type(gguf.PoolingType.MEAN)


def _describe_vocabulary(writer: gguf.GGUFWriter, vocabulary: EncoderVocabulary, token_types: int) -> None:
    writer.add_tokenizer_model(vocabulary.model)
    writer.add_tokenizer_pre("default")
    writer.add_token_list(vocabulary.pieces)
    writer.add_token_types(vocabulary.types)
    writer.add_token_type_count(token_types)
    if vocabulary.scores is not None:
        writer.add_token_scores(vocabulary.scores)
        writer.add_add_space_prefix(True)
    if vocabulary.charsmap:
        writer.add_remove_extra_whitespaces(True)
        writer.add_precompiled_charsmap(vocabulary.charsmap)
    writer.add_bos_token_id(vocabulary.begins)
    if vocabulary.scores is not None:  # WordPiece ends a text with its separator
        writer.add_eos_token_id(vocabulary.ends)
    writer.add_sep_token_id(vocabulary.ends)
    writer.add_pad_token_id(vocabulary.pads)
    writer.add_unk_token_id(vocabulary.unknown)
    writer.add_add_bos_token(not vocabulary.bare)
    writer.add_add_eos_token(not vocabulary.bare)
