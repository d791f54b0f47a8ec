"""Writes the reader, or only its vocabulary, as a GGUF file of llama.cpp's "llama" architecture."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from numpy.typing import NDArray

from experiments.reader import vocabulary as tokens
from systems.models.shapes import Shape

NAME = "fourgig reader"


def write(path: Path, shape: Shape, weights: Mapping[str, NDArray[Any]], notes: Mapping[str, int]) -> None:
    """Write ``weights`` by their GGUF names, matrices in half precision; ``notes`` become ``fourgig.*`` metadata.

    The rotation is llama.cpp's own for this architecture, of neighbouring pairs, so no matrix is permuted.
    """
    writer = gguf.GGUFWriter(path, "llama")
    try:
        writer.add_name(NAME)
        writer.add_description("Reads facts in its prompt and answers from them; knows nothing else.")
        writer.add_license("MIT")
        for key, value in notes.items():
            writer.add_uint64(f"fourgig.{key}", value)
        writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
        _add_shape(writer, shape)
        _add_vocabulary(writer)
        for name, weight in weights.items():
            writer.add_tensor(name, weight.astype(np.float16 if weight.ndim > 1 else np.float32))
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
    finally:
        writer.close()


def read(path: Path) -> dict[str, NDArray[Any]]:
    """Return the weights of a file that `write` wrote, by their GGUF names, in single precision."""
    return {one.name: np.array(one.data, dtype=np.float32) for one in gguf.GGUFReader(path).tensors}


def _add_shape(writer: gguf.GGUFWriter, shape: Shape) -> None:
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.hidden)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.ffn)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_rope_dimension_count(shape.head_size)
    writer.add_rope_freq_base(shape.rope_theta)
    writer.add_layer_norm_rms_eps(shape.norm_epsilon)
    writer.add_vocab_size(shape.vocabulary)


def _add_vocabulary(writer: gguf.GGUFWriter) -> None:
    found = tokens.vocabulary()
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(found.pieces)
    writer.add_token_scores(found.scores)
    writer.add_token_types(found.types)
    writer.add_unk_token_id(tokens.UNKNOWN_ID)
    writer.add_bos_token_id(tokens.BOS_ID)
    writer.add_eos_token_id(tokens.END_ID)
    writer.add_add_bos_token(False)
    writer.add_add_eos_token(False)
    writer.add_add_space_prefix(False)
    writer.add_chat_template(tokens.CHAT_TEMPLATE)
