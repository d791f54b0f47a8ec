"""What a model's key/value state takes, as the metadata of its file tell: for choosing how long a context may be."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec


class KeyValues(msgspec.Struct, frozen=True, kw_only=True):
    """What a context of a model is made of.

    ``trained`` is the context in tokens that the model was trained on, ``numbers`` how many numbers of key/value state
    a token has in all layers together, ``heads`` the attention heads of a layer; 0 where the file does not say.
    """

    trained: int
    numbers: int
    heads: int


def key_values(metadata: Mapping[str, str]) -> KeyValues:
    """Return what ``metadata``, as llama.cpp reads them, say of the model's context."""
    kind = metadata.get("general.architecture", "")

    def said(name: str) -> list[int]:
        return _numbers(metadata.get(f"{kind}.{name}", ""))

    layers, width = max(said("block_count"), default=0), max(said("embedding_length"), default=0)
    heads = max(said("attention.head_count"), default=0)
    each = said("attention.head_count_kv") or [heads]
    # One number for all layers, or one for each of them: hybrid models have layers without keys and values.
    of_all = sum(each) if len(each) > 1 else layers * each[0]
    usual = width // heads if heads else 0
    lengths = [max(said(f"attention.{name}_length"), default=usual) for name in ("key", "value")]
    return KeyValues(trained=max(said("context_length"), default=0), numbers=of_all * sum(lengths), heads=heads)


def _numbers(text: str) -> list[int]:
    """Return the whole numbers of a value, which may be one or a list in brackets."""
    return [int(each) for each in text.strip("[]").split(",") if each.strip().isdigit()]
