"""What leaves a prompt that does not fit its engine's context: the oldest messages first, then the weakest notes.

A question is refused only if it does not fit by itself, with the system prompt and the room for its reply.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from systems.engines.interface import Call, Message
from systems.errors import PromptTooLong

# Messages that leave together when a conversation has outgrown its context: what is left then begins alike for
# several turns, and its state stays of use.
DROPPED_TOGETHER = 8


class Shortened(NamedTuple):
    """Messages of a call, and how many messages and notes were left out of them."""

    messages: Sequence[Message]
    dropped_messages: int = 0
    dropped_notes: int = 0


class Fitted(NamedTuple):
    """A prompt that fits, and how many messages and notes were left out of it."""

    prompt: list[int]
    dropped_messages: int
    dropped_notes: int


def fitted(call: Call, tokens: Callable[[Sequence[Message]], list[int]], context_tokens: int) -> Fitted:
    """Return as much of the messages of ``call`` as fits with its reply; ``tokens`` makes a prompt of messages.

    Raises `PromptTooLong`, and what ``tokens`` raises.
    """
    room = context_tokens - call.max_tokens
    prompt = tokens(call.messages)
    if len(prompt) <= room:
        return Fitted(prompt, 0, 0)
    head, rest = _apart(call.messages)
    leaving = [*range(DROPPED_TOGETHER, len(rest) - 1, DROPPED_TOGETHER), max(len(rest) - 1, 0)]
    # Halving, since each look renders and counts what is left: the fewest that must leave.
    fits = bisect_left(leaving, True, key=lambda count: len(tokens(head + rest[count:])) <= room)
    dropped = leaving[min(fits, len(leaving) - 1)]
    for shortened in (Shortened(head + rest[dropped:], dropped), *_without_notes(call)):
        prompt = tokens(shortened.messages)
        if len(prompt) <= room:
            return Fitted(prompt, shortened.dropped_messages, shortened.dropped_notes)
    raise PromptTooLong(
        f"The prompt of {len(prompt)} tokens and {call.max_tokens} tokens of reply do not fit the context "
        f"of {context_tokens} tokens."
    )


def ever_shorter(call: Call) -> Iterator[Shortened]:
    """Yield the messages of ``call``: all, without the older half of the history, without it, with ever fewer notes.

    For an engine that cannot know beforehand what will fit: it tries one after the other.
    """
    yield Shortened(call.messages)
    head, rest = _apart(call.messages)
    history = len(rest) - 1
    for dropped in sorted({history - history // 4 * 2, history} - {0}) if history > 0 else ():
        yield Shortened(head + rest[dropped:], dropped)
    yield from _without_notes(call)


def _without_notes(call: Call) -> Iterator[Shortened]:
    _, rest = _apart(call.messages)
    if call.shorter is not None:
        for notes, messages in enumerate(call.shorter(), 1):
            yield Shortened(messages, max(len(rest) - 1, 0), notes)


def _apart(messages: Sequence[Message]) -> tuple[list[Message], list[Message]]:
    """Return the system's first message, if there is one, and the others."""
    size = 1 if messages and messages[0].role == "system" else 0
    return list(messages[:size]), list(messages[size:])
