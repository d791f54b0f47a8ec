"""What leaves a prompt that does not fit its engine's context: notes of earlier turns, the oldest messages, weak notes.

A reply may have all the room that is left, up to the bound of its call; what a prompt gives way for is only a modest
part of that, or a script, which is said whole. A question is refused only if it does not fit by itself, with the system
prompt.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import msgspec

from systems.engines.interface import Call, Message
from systems.errors import PromptTooLong

# Messages that leave together when a conversation has outgrown its context: what is left then begins alike for
# several turns, and its state stays of use. Where that would leave none, an exchange leaves at a time.
DROPPED_TOGETHER, EXCHANGE = 8, 2

# A prompt gives way for a reply of at most this share of the context: most replies are shorter than their bound, and a
# bound as long as the context would leave no history at all.
RESERVED_SHARE = 8

# Tokens. A question that leaves room for fewer does not fit: what begins and cannot go on is no answer.
SHORTEST_REPLY = 16


class Shortened(NamedTuple):
    """Messages of a call, and how many messages and notes were left out of them."""

    messages: Sequence[Message]
    dropped_messages: int = 0
    dropped_notes: int = 0


class Fitted(NamedTuple):
    """A prompt that fits, how many tokens its reply may have, and how many messages and notes were left out."""

    prompt: list[int]
    room: int
    dropped_messages: int
    dropped_notes: int


def fitted(
    call: Call,
    tokens: Callable[[Sequence[Message]], list[int]],
    context_tokens: int,
    script_tokens: int = 0,
) -> Fitted:
    """Return as much of the messages of ``call`` as fits with what is reserved for its reply.

    ``tokens`` makes a prompt of messages; ``script_tokens`` counts those of the call's script. Raises `PromptTooLong`,
    and what ``tokens`` raises.
    """
    most = context_tokens if call.max_tokens is None else call.max_tokens
    least = min(most, max(script_tokens, SHORTEST_REPLY))
    room = context_tokens - max(least, min(most, context_tokens // RESERVED_SHARE))

    def found(prompt: list[int], shortened: Shortened) -> Fitted:
        left = min(most, context_tokens - len(prompt))
        return Fitted(prompt, left, shortened.dropped_messages, shortened.dropped_notes)

    enough = context_tokens - least if call.all_messages else room
    prompt = tokens(call.messages)
    if len(prompt) > enough and call.bare is not None:
        call = msgspec.structs.replace(call, messages=call.bare())
        prompt = tokens(call.messages)
    if len(prompt) <= enough:
        return found(prompt, Shortened(call.messages))
    if call.all_messages:
        for shortened in _with_fewer_notes(call):
            fewer = tokens(shortened.messages)
            if len(fewer) <= enough:
                return found(fewer, shortened)
        raise PromptTooLong(
            f"The maximum context length is {context_tokens} tokens; the messages, of which none may be left out, make "
            f"a prompt of {len(prompt)} tokens, and its reply takes {least}."
        )
    head, rest = _apart(call.messages)
    leaving = _leaving(max(len(rest) - 1, 0))
    # Halving, since each look renders and counts what is left: the fewest that must leave.
    fits = bisect_left(leaving, True, key=lambda count: len(tokens(head + rest[count:])) <= room)
    dropped = leaving[min(fits, len(leaving) - 1)]
    shortest: Fitted | None = None
    for shortened in (Shortened(head + rest[dropped:], dropped), *_without_notes(call)):
        prompt = tokens(shortened.messages)
        if len(prompt) <= room:
            return found(prompt, shortened)
        if shortest is None or len(prompt) < len(shortest.prompt):
            shortest = found(prompt, shortened)
    assert shortest is not None
    if shortest.room >= least:  # nothing else can leave: the reply is as long as is left
        return shortest
    raise PromptTooLong(
        f"The maximum context length is {context_tokens} tokens; the last message alone, with the system prompt, makes "
        f"a prompt of {len(shortest.prompt)} tokens, and its reply takes {least}."
    )


def _leaving(history: int) -> list[int]:
    """Return how many of so many messages may leave, in order; the last is all of them."""
    together = max(history - 1, 0) // DROPPED_TOGETHER * DROPPED_TOGETHER
    return [
        *range(DROPPED_TOGETHER, together + 1, DROPPED_TOGETHER),
        *range(together + EXCHANGE, history, EXCHANGE),
        history,
    ]


def ever_shorter(call: Call) -> Iterator[Shortened]:
    """Yield the messages of ``call``: all; without notes of earlier turns; without the older half of the history, and
    without it; with ever fewer notes.

    For an engine that cannot know beforehand what will fit: it tries one after the other.
    """
    yield Shortened(call.messages)
    if call.bare is not None:
        call = msgspec.structs.replace(call, messages=call.bare())
        yield Shortened(call.messages)
    if call.all_messages:
        yield from _with_fewer_notes(call)
        return
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


def _with_fewer_notes(call: Call) -> Iterator[Shortened]:
    """Yield all messages of ``call`` with ever fewer notes: these are the agent's, and nobody said them now."""
    head, rest = _apart(call.messages)
    if call.shorter is not None:
        for notes, messages in enumerate(call.shorter(), 1):
            yield Shortened([*messages[: len(head)], *rest[:-1], messages[-1]], 0, notes)


def _apart(messages: Sequence[Message]) -> tuple[list[Message], list[Message]]:
    """Return the system's first message, if there is one, and the others."""
    size = 1 if messages and messages[0].role == "system" else 0
    return list(messages[:size]), list(messages[size:])
