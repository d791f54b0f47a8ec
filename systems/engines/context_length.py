"""How long a context is where nobody set it: the model's own, as far as the memory for it goes."""

from __future__ import annotations

from math import ceil

from systems.models.key_values import KeyValues

UNKNOWN_TOKENS = 2048
"""The context of a model whose file does not say what it was trained on."""

SERVED_TOGETHER = 4
"""For how many conversations at once, if there are as many slots, a context is chosen: as many as a household has."""

SHORTEST_TOKENS = 2048
"""Before a context becomes shorter than this, fewer conversations are computed at once."""

# llama.cpp reserves cells in steps of this many tokens.
_STEP = 256

# A batched engine leaves a quarter of its memory to idle conversations.
_QUARTERS = (3, 4)


def padded(tokens: int) -> int:
    """Return the tokens that llama.cpp reserves for a sequence of ``tokens``."""
    return -(-tokens // _STEP) * _STEP


def longest(
    model: KeyValues,
    memory_bytes: int,
    *,
    conversations: int = 1,
    number_bytes: float = 2.0,
    batch_tokens: int = 512,
) -> int:
    """Return how many tokens a context may have: the model's own, or as many as ``memory_bytes`` hold.

    They hold ``conversations`` of that length, whose keys and values take ``number_bytes`` a number, and beside them
    what a step of ``batch_tokens`` computes with. Fewer conversations are thought of where they would be short.
    """
    own = model.trained or UNKNOWN_TOKENS
    if needed(model, own, conversations, number_bytes, batch_tokens) <= memory_bytes:
        return own
    fits = 0
    for together in range(conversations, 0, -1):
        fits = memory_bytes // max(needed(model, 1, together, number_bytes, batch_tokens), 1)
        fits = max(fits - fits % _STEP, _STEP)
        if fits >= SHORTEST_TOKENS:
            break
    return min(fits, own)


def needed(
    model: KeyValues, tokens: int, conversations: int = 1, number_bytes: float = 2.0, batch_tokens: int = 512
) -> int:
    """Return the bytes of memory that ``conversations`` of ``tokens`` each take."""
    state = tokens * model.numbers * number_bytes * conversations
    # Attention weighs every token of a batch against all that a conversation holds, in four bytes a head and a mask.
    scores = tokens * batch_tokens * (model.heads + 1) * 4
    few, all_of_it = _QUARTERS
    return ceil(max(state + scores, state * all_of_it / few if conversations > 1 else 0))
