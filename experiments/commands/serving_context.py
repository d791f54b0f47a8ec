"""How long a context and its replies ``fourgig serve`` gives the model that it serves, and what it says of it."""

from __future__ import annotations

from typing import Any

import msgspec

from systems.engines.context_length import SERVED_TOGETHER, SHORTEST_TOKENS, needed
from systems.errors import BadInput
from systems.models.check import ModelFile
from systems.server.settings import ServerSettings

SHARE = 2
"""The context gets at most one part in so many of the memory beside the weights: the rest is for all else."""

RANDOM_TOKENS = 256
"""How long a reply of random weights is at most where nobody set it: by itself it never ends."""

LEAST_TOKENS = 128
"""A shorter context holds no system prompt, question and reply."""

_USUAL_BYTES = 1 << 30


def memory(model: ModelFile, available: int | None) -> int:
    """Return the bytes that an engine may take for its context and for idle conversations; ``available`` are to be had.

    A gibibyte, or more where the model's own context takes more; but never more than half of what the weights leave,
    unless that is too little for one short conversation: mapped weights then give way. Where nobody knows what is
    available, a gibibyte.
    """
    if available is None:
        return _USUAL_BYTES
    own = needed(model.key_values, model.context_length, SERVED_TOGETHER)
    short = needed(model.key_values, min(model.context_length or SHORTEST_TOKENS, SHORTEST_TOKENS))
    return max(short, min(max(_USUAL_BYTES, own), (available - model.size_bytes) // SHARE))


def settled(
    model: ModelFile, engine: str, settings: Any, server: ServerSettings, available: int | None
) -> tuple[Any, ServerSettings, str]:
    """Return the settings of the ``engine`` and of the server with what depends on the model, and words about it.

    Raises `BadInput` for a context with which every message would fail; ``available`` are the bytes of memory to be
    had, None where nobody knows.
    """
    about = [f"Model: {model.name}."]
    if "context_tokens" in settings.__struct_fields__:
        settings, context = _with_context(model, engine, settings, available)
        about.append(context)
    if model.random_weights:
        server = msgspec.structs.replace(server, max_tokens=server.max_tokens or RANDOM_TOKENS)
        about.append(
            "The weights are random: everything works, and what is said means nothing. A reply ends after "
            f"{server.max_tokens:,} tokens."
        )
    return settings, server, "\n".join(about)


def _with_context(model: ModelFile, engine: str, settings: Any, available: int | None) -> tuple[Any, str]:
    own: int = model.context_length
    length: int | None = settings.context_tokens
    if length is not None:
        if length < LEAST_TOKENS:
            raise BadInput(
                f"{engine}.context_tokens={length} is too short for a conversation: {LEAST_TOKENS} at least."
            )
        takes = needed(model.key_values, length)
        if available is not None and takes > available:
            raise BadInput(
                f"{engine}.context_tokens={length} takes {takes / 2**20:,.0f} MiB of memory, and "
                f"{available / 2**20:,.0f} MiB are to be had."
            )
        _require_room(model, engine, settings, length)
        beyond = (
            f" The model was trained on {own:,}: beyond them its words may mean nothing." if 0 < own < length else ""
        )
        return settings, f"Context: {length:,} tokens, as set.{beyond}"
    length = settings.own_context(model.key_values)
    _require_room(model, engine, settings, length)
    chosen = msgspec.structs.replace(settings, context_tokens=length)
    if not own:
        return chosen, f"Context: {length:,} tokens; the model's file does not say what it was trained on."
    if length == own:
        return chosen, f"Context: {length:,} tokens, the model's own."
    return chosen, (
        f"Context: {length:,} of the model's {own:,} tokens, as many as {settings.memory_bytes / 2**20:,.0f} MiB hold; "
        f"--set {engine}.context_tokens=N or {engine}.memory_bytes=N changes that."
    )


def _require_room(model: ModelFile, engine: str, settings: Any, length: int) -> None:
    if not settings.holds(model.key_values, length):
        raise BadInput(
            f"{engine}.memory_bytes={settings.memory_bytes} holds no conversation of {length} tokens with "
            f"{model.name}, which takes {needed(model.key_values, length) / 2**20:,.0f} MiB."
        )
