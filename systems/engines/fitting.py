"""What leaves a prompt that does not fit its engine's context: the oldest messages first, then the weakest notes.

A question is refused only if it does not fit by itself, with the system prompt and the room for its reply.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import NamedTuple

from systems.engines.interface import Call, Message
from systems.errors import PromptTooLong

# Messages that leave together when a conversation has outgrown its context: what is left then begins alike for
# several turns, and its state stays of use.
DROPPED_TOGETHER = 8


class Fitted(NamedTuple):
    """A prompt that fits, and how many messages and notes were left out of it."""

    prompt: list[int]
    dropped_messages: int = 0
    dropped_notes: int = 0


def fitted(call: Call, tokens: Callable[[Sequence[Message]], list[int]], context_tokens: int) -> Fitted:
    """Return as much of the messages of ``call`` as fits with its reply; ``tokens`` makes a prompt of messages.

    Raises `PromptTooLong`, and what ``tokens`` raises.
    """
    room = context_tokens - call.max_tokens
    messages = call.messages
    prompt = tokens(messages)
    if len(prompt) <= room:
        return Fitted(prompt)
    head = list(messages[:1]) if messages and messages[0].role == "system" else []
    rest = list(messages[len(head) :])
    leaving = [*range(DROPPED_TOGETHER, len(rest) - 1, DROPPED_TOGETHER), len(rest) - 1]
    # Halving, since each look renders and counts what is left: the fewest that must leave.
    fits = bisect_left(leaving, True, key=lambda count: len(tokens(head + rest[count:])) <= room)
    dropped = leaving[min(fits, len(leaving) - 1)]
    prompt = tokens(head + rest[dropped:])
    if len(prompt) <= room:
        return Fitted(prompt, dropped)
    if call.shorter is not None:
        for notes, last in enumerate(call.shorter(), 1):
            prompt = tokens([*head, last])
            if len(prompt) <= room:
                return Fitted(prompt, dropped, notes)
    raise PromptTooLong(
        f"The prompt of {len(prompt)} tokens and {call.max_tokens} tokens of reply do not fit the context "
        f"of {context_tokens} tokens."
    )
