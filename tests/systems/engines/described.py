"""GGUF files that say of themselves what a test wants: copies with other metadata, and a vocabulary of bytes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gguf

from systems.engines.llama_text import LlamaText
from systems.models.check import read_metadata

# The roles are named by control tokens, as most models' are; and one control token ends a message.
WRITES_NO_BOS = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
WRITES_BOS = "{{ bos_token }}" + WRITES_NO_BOS
WRITES_BOS_TWICE = "{{ bos_token + bos_token }}" + WRITES_NO_BOS

REFUSES_SYSTEM = (
    "{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    + WRITES_NO_BOS
)
ALTERNATES = (
    "{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate user/assistant/...') }}{% endif %}{% endfor %}"
    + WRITES_NO_BOS
)
LEAVES_SYSTEM_OUT = WRITES_NO_BOS.replace(
    "{% for message in messages %}", "{% for message in messages if message['role'] != 'system' %}"
)


def described(source: Path, out: Path, **changes: Any) -> Path:
    """Write a copy of ``source`` with other metadata: a dot is spelt "__", and None takes a key out."""
    wanted = {name.replace("__", "."): value for name, value in changes.items()}
    reader = gguf.GGUFReader(source)
    writer = gguf.GGUFWriter(out, reader.fields["general.architecture"].contents())
    for name, field in reader.fields.items():
        if name.startswith("GGUF.") or name == "general.architecture" or name in wanted:
            continue
        inner = field.types[-1] if field.types[0] == gguf.GGUFValueType.ARRAY else None
        writer.add_key_value(name, field.contents(), field.types[0], inner)
    for name, value in wanted.items():
        if value is not None:
            writer.add_key_value(name, value, gguf.GGUFValueType.get_type(value))
    for tensor in reader.tensors:
        writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return out


def of_bytes(out: Path, **flags: bool) -> Path:
    """Write a vocabulary alone: byte pairs, as most models have, in which hardly any are merged."""
    writer = gguf.GGUFWriter(out, "llama")
    for add in (writer.add_context_length, writer.add_embedding_length, writer.add_feed_forward_length):
        add(64)
    for add in (writer.add_block_count, writer.add_head_count, writer.add_head_count_kv):
        add(1)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(64)
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    spare = iter(range(256, 512))
    pieces = [chr(byte) if byte in printable else chr(next(spare)) for byte in range(256)]
    control = ["<|begin|>", "<|end|>", "<|im_start|>", "<|im_end|>"]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("default")
    writer.add_token_list([*pieces, *control, "he"])
    writer.add_token_types([*([1] * 256), *([3] * len(control)), 1])
    writer.add_token_merges(["h e"])
    writer.add_bos_token_id(256)
    writer.add_eos_token_id(257)
    writer.add_chat_template(WRITES_NO_BOS)
    for name, flag in flags.items():
        writer.add_bool(f"tokenizer.ggml.{name}", flag)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return out


@contextmanager
def text_of(path: Path, **instead: str | None) -> Iterator[LlamaText]:
    """Give the text of the vocabulary in ``path``; ``instead`` is metadata as in `described`."""
    from systems.models.llama_library import llama_cpp

    metadata: dict[str, str] = read_metadata(path)
    for name, value in instead.items():
        metadata.pop(name.replace("__", "."), None)
        if value is not None:
            metadata[name.replace("__", ".")] = value
    parameters = llama_cpp.llama_model_default_params()
    parameters.vocab_only = True
    model = llama_cpp.llama_model_load_from_file(str(path).encode(), parameters)
    try:
        yield LlamaText(llama_cpp.llama_model_get_vocab(model), metadata, path)
    finally:
        llama_cpp.llama_model_free(model)
