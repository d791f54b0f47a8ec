"""Write a GGUF file of a published shape with seeded random weights.

Speed and memory do not depend on the values of weights, so such a file stands in for a real model wherever only
those are measured. Its words are meaningless, and its metadata says so.
"""

from __future__ import annotations

import math
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import gguf
import msgspec
import numpy as np
from gguf import GGMLQuantizationType as Kind

from systems.errors import BadInput, CannotWrite, ModelError
from systems.models import blocks, check, tokenizer
from systems.models.shapes import RECIPE, Quant, Shape, get_quant, get_shape

Progress = Callable[[int, int], None]
"""Called with the bytes written so far and the bytes in all."""

_K_BLOCK = 256
_KINDS: dict[Quant, tuple[Kind, gguf.LlamaFileType]] = {
    "f16": (Kind.F16, gguf.LlamaFileType.MOSTLY_F16),
    "q8_0": (Kind.Q8_0, gguf.LlamaFileType.MOSTLY_Q8_0),
    "q4_0": (Kind.Q4_0, gguf.LlamaFileType.MOSTLY_Q4_0),
    "q4_k": (Kind.Q4_K, gguf.LlamaFileType.MOSTLY_Q4_K_S),
}
# Up to this size a made file is also loaded whole and run for one token; above, its vocabulary is loaded.
_RUN_UP_TO_BYTES = 256 << 20
_STALE_AFTER_S = 3600


class Tensor(msgspec.Struct, frozen=True):
    """One tensor to write: rows × columns, or a vector when ``rows`` is None."""

    name: str
    rows: int | None
    columns: int
    kind: Kind

    @property
    def elements(self) -> int:
        """Number of weights."""
        return (self.rows or 1) * self.columns

    @property
    def size_bytes(self) -> int:
        """Bytes in the file, without padding."""
        return blocks.size(self.kind, self.elements)


def tensors(shape: Shape, quant: Quant) -> list[Tensor]:
    """Return the tensors of a model in file order.

    As llama.cpp's own quantiser does, the output matrix (or the embedding that serves as one) is kept in q6_k when
    the rest has four bits. Rows that are no multiple of 256 cannot hold k-quants and take q8_0.
    """
    body = _KINDS[quant][0]
    four_bits = body in (Kind.Q4_0, Kind.Q4_K)

    def matrix(name: str, rows: int, columns: int, kind: Kind = body) -> Tensor:
        if kind in (Kind.Q4_K, Kind.Q6_K) and columns % _K_BLOCK:
            kind = Kind.Q8_0
        return Tensor(f"{name}.weight", rows, columns, kind)

    def norm(name: str) -> Tensor:
        return Tensor(f"{name}.weight", None, shape.hidden, Kind.F32)

    output = Kind.Q6_K if four_bits else body
    attention, shared = shape.heads * shape.head_size, shape.kv_heads * shape.head_size
    listed = [
        matrix("token_embd", shape.vocabulary, shape.hidden, output if shape.tied else body),
        norm("output_norm"),
    ]
    if not shape.tied:
        listed.append(matrix("output", shape.vocabulary, shape.hidden, output))
    for layer in range(shape.layers):
        block = f"blk.{layer}"
        listed += [
            norm(f"{block}.attn_norm"),
            matrix(f"{block}.attn_q", attention, shape.hidden),
            matrix(f"{block}.attn_k", shared, shape.hidden),
            matrix(f"{block}.attn_v", shared, shape.hidden),
            matrix(f"{block}.attn_output", shape.hidden, attention),
            norm(f"{block}.ffn_norm"),
            matrix(f"{block}.ffn_gate", shape.ffn, shape.hidden),
            matrix(f"{block}.ffn_up", shape.ffn, shape.hidden),
            matrix(f"{block}.ffn_down", shape.hidden, shape.ffn),
        ]
    return listed


def fallbacks(shape: Shape, quant: Quant) -> list[str]:
    """Return the names of the tensors that take q8_0 because their rows do not fit the blocks of ``quant``."""
    if quant not in ("q4_k", "q4_0"):
        return []
    return [tensor.name for tensor in tensors(shape, quant) if tensor.kind == Kind.Q8_0]


def make(shape: str, quant: str, seed: int, out: Path, progress: Progress | None = None) -> Path:
    """Write the model to ``out``, whole or not at all, and return its path.

    Equal arguments give equal bytes on any machine. Raises `BadInput`, `CannotWrite` or `ModelError`.
    """
    model, form = get_shape(shape), get_quant(quant)
    if out.is_dir():
        raise BadInput(f"{out} is a directory; name the file to write.")
    partial: Path | None = None
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        _remove_stale(out)
        planned = tensors(model, form)
        _require_space(out, sum(tensor.size_bytes for tensor in planned) + 64 * model.vocabulary)
        handle, name = tempfile.mkstemp(prefix=f".{out.name}.", suffix=".part", dir=out.parent)
        os.close(handle)
        partial = Path(name)
        _write(partial, model, form, seed, planned, progress)
        _verify(partial)
        partial.chmod(0o644)
        partial.replace(out)
        _sync_directory(out.parent)
    except OSError as error:
        raise CannotWrite(f"{out} could not be written: {error.strerror or error}.") from error
    finally:
        if partial is not None:
            partial.unlink(missing_ok=True)
    return out


def _write(path: Path, shape: Shape, quant: Quant, seed: int, planned: list[Tensor], progress: Progress | None) -> None:
    writer = gguf.GGUFWriter(path, "llama")
    try:
        _describe(writer, shape, quant, seed)
        for tensor in planned:
            dimensions = [tensor.columns] if tensor.rows is None else [tensor.rows, tensor.columns]
            writer.add_tensor_info(
                tensor.name, dimensions, np.dtype(np.float32), tensor.size_bytes, raw_dtype=tensor.kind
            )
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        assert writer.fout is not None
        file: BinaryIO = writer.fout[0]
        total = sum(tensor.size_bytes for tensor in planned)
        done = 0
        for tensor in planned:
            writer.write_padding(file, file.tell())
            if tensor.kind == Kind.F32:
                file.write(np.ones(tensor.elements, dtype="<f4").data)
                done += tensor.size_bytes
            else:
                for piece in blocks.weights(tensor.kind, tensor.elements, seed, tensor.name):
                    file.write(piece.data)
                    done += piece.nbytes
                    if progress is not None:
                        progress(done, total)
        writer.write_padding(file, file.tell())
        file.flush()
        os.fsync(file.fileno())
        if progress is not None:
            progress(total, total)
    finally:
        writer.close()


def _describe(writer: gguf.GGUFWriter, shape: Shape, quant: Quant, seed: int) -> None:
    writer.add_name(f"fourgig {shape.name}: random weights in the shape of {shape.published_as}")
    writer.add_description("Seeded random weights. The words this model writes mean nothing.")
    writer.add_bool("fourgig.random_weights", True)
    writer.add_uint64("fourgig.seed", seed)
    writer.add_string("fourgig.shape", shape.name)
    writer.add_string("fourgig.quant", quant)
    writer.add_uint32("fourgig.recipe", RECIPE)
    writer.add_uint32("fourgig.q8_0_fallbacks", len(fallbacks(shape, quant)))
    writer.add_file_type(_KINDS[quant][1])
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
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

    vocabulary = tokenizer.build(shape.vocabulary)
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(vocabulary.pieces)
    writer.add_token_scores(vocabulary.scores)
    writer.add_token_types(vocabulary.types)
    writer.add_unk_token_id(tokenizer.UNKNOWN_ID)
    writer.add_bos_token_id(tokenizer.BOS_ID)
    writer.add_eos_token_id(tokenizer.EOS_ID)
    writer.add_eot_token_id(tokenizer.TURN_END_ID)
    writer.add_add_bos_token(False)
    writer.add_add_eos_token(False)
    writer.add_add_space_prefix(False)
    writer.add_chat_template(tokenizer.CHAT_TEMPLATE)


def _verify(path: Path) -> None:
    """Load what was written with llama.cpp; run one token when the file is small."""
    check.read_metadata(path)
    if path.stat().st_size > _RUN_UP_TO_BYTES:
        return
    from systems.models.llama_library import llama_cpp

    model = llama_cpp.Llama(str(path), n_ctx=32, n_batch=32, n_threads=1, n_threads_batch=1, verbose=False)
    try:
        model.eval([tokenizer.BOS_ID])
        logits = np.ctypeslib.as_array(llama_cpp.llama_get_logits_ith(model.ctx, -1), shape=(model.n_vocab(),))
        if not np.isfinite(logits).all():
            raise ModelError(f"{path} was written, but llama.cpp computes no finite numbers with it.")
    finally:
        model.close()


def _require_space(out: Path, needed: int) -> None:
    free = shutil.disk_usage(out.parent).free
    if free < needed:
        raise CannotWrite(
            f"Not enough disk space for {out}: it takes {math.ceil(needed / 1e6)} MB, "
            f"and {math.floor(free / 1e6)} MB are free."
        )


def _remove_stale(out: Path) -> None:
    """Remove what a killed run left behind; a run at work touches its file much more often than that."""
    for partial in out.parent.glob(f".{out.name}.*.part"):
        try:
            if time.time() - partial.stat().st_mtime > _STALE_AFTER_S:
                partial.unlink()
        except FileNotFoundError:
            continue


def _sync_directory(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
