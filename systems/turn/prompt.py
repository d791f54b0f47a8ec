"""How a turn's prompt is laid out, the same for every built-in system.

What is stable comes first (the system prompt, then the history), and what changes each turn (memories, clock,
machine, mood) goes into the last message: only an unchanged beginning can be reused by an engine.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from systems.engines.interface import Message
from systems.interface import Observed, Request
from systems.settings import CacheKey

SYSTEM_PROMPT = (
    "You are a helpful assistant that runs on the user's own small computer. Answer briefly, in the language of the "
    "question. Notes from earlier conversations may be given before a question: use them where they help, and say "
    "that you do not know when neither they nor the conversation hold the answer. Never invent facts about the user."
)

# Bytes. To digest more at once lets go of the interpreter lock, and taking it back costs more than the digest.
_PIECE = 2_000


def build(history: Sequence[Message], memories: Sequence[str], observed: Observed, text: str) -> list[Message]:
    """Return the messages of one turn."""
    notes = "".join(f"\n- {memory}" for memory in memories) or " none"
    context = f"[time: {observed.clock}; machine: {observed.system}; mood: {observed.emotion}; earlier notes:{notes}]\n"
    return [Message("system", SYSTEM_PROMPT), *history, Message("user", context + text)]


def cache_key(
    kind: CacheKey, request: Request, engine: str, history: Sequence[Message], memories: Sequence[str]
) -> str:
    """Return the key under which the reply to ``request`` may be served again.

    Kind "prompt" covers everything the answer depends on: session, engine, length, history, memories and question,
    but not the clock, machine and mood of the last message, which would make every key new. Kind "question" is the
    published cache: session, engine, length and question, so an answer may be served after the conversation that
    gave it its meaning has moved on.
    """
    parts = [request.session, engine, str(request.max_tokens)]
    if kind == "question":
        parts.append(request.text.strip())
    else:
        # Of the history the texts are enough: its roles alternate.
        parts += [request.text, str(len(history)), *(message.content for message in history), *memories]
    data = f"{[*map(len, parts)]}{''.join(parts)}".encode("utf-8", "surrogatepass")
    digest = hashlib.sha256()
    for start in range(0, len(data), _PIECE):
        digest.update(data[start : start + _PIECE])
    return digest.hexdigest()
