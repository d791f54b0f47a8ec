"""The prompt of an answer: numbered passages within a bound of tokens, and the conversation they are asked in.

What is stable comes first, so that an engine may reuse what it has computed: the system's message, then what was said.
The passages stand in the last message, before the question. They are other people's words: none of them can look like
a number of a passage, or like a part of the prompt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import msgspec

from systems.engines.fitting import RESERVED_SHARE
from systems.engines.interface import Message
from systems.turn.prompt import note

CONTEXT_TOKENS = 2048
"""How long a prompt and its reply may be where the engine does not say."""

# What a chat template puts around each message, at most, in any known vocabulary.
_FRAME_TOKENS = 12

_SYSTEM = (
    "Answer the question in one short sentence from the numbered passages. Name the number of the passage in brackets, "
    "like [1]."
)
_SUMMARY = "What was said before: "

Count = Callable[[str], int]
"""How many tokens a text has, or at most has."""


class FoundPassage(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a document: where it is from, its words, and how near it is to the question, the higher the nearer."""

    source: str
    title: str
    text: str
    relevance: float = 0.0


class SaidBefore(NamedTuple):
    """What was said before a question: a ``summary`` of the older part, and the ``recent`` messages."""

    summary: str = ""
    recent: Sequence[Message] = ()


class ResearchPrompt(NamedTuple):
    """The messages of a call, the passages in them, and how many recent messages found no room."""

    messages: list[Message]
    passages: Sequence[FoundPassage]
    dropped_messages: int = 0


def laid_out(number: int, passage: FoundPassage) -> str:
    """Return ``passage`` as it stands in a prompt under ``number``."""
    title, text = note(passage.title), note(passage.text)
    return f"[{number}] {text}" if not title or text.startswith(title) else f"[{number}] {title}: {text}"


def prompt(
    question: str,
    passages: Sequence[FoundPassage],
    before: SaidBefore,
    instructions: str,
    count: Count,
    *,
    passage_tokens: int,
    answer_tokens: int,
    context_tokens: int | None,
) -> ResearchPrompt:
    """Return the prompt that asks ``question``, with as many of ``passages``, best first, as there is room for.

    Passages have ``passage_tokens`` at most, and no more than the context leaves. Where it leaves too little, older
    messages go before passages do, and then the summary.
    """
    context = context_tokens or CONTEXT_TOKENS
    reserved = min(answer_tokens, context // RESERVED_SHARE)  # as an engine does: a bound may be as long as the context
    room = context - reserved - 3 * _FRAME_TOKENS - count(_SYSTEM) - count(instructions) - count(question)
    chosen = _fitting(passages, min(passage_tokens, room), count)
    room -= sum(count(laid_out(number, each)) for number, each in enumerate(chosen, 1))
    summary = before.summary if before.summary and count(_SUMMARY + before.summary) <= room else ""
    room -= count(_SUMMARY + summary) if summary else 0
    recent = _recent(before.recent, room, count)
    made = _messages(question, chosen, summary, recent, instructions)
    return ResearchPrompt(made, chosen, len(before.recent) - len(recent))


def shorter(
    question: str, passages: Sequence[FoundPassage], instructions: str, summary: str = ""
) -> Iterator[Sequence[Message]]:
    """Yield the prompt without what was said, with ever fewer passages, the weakest leaving first."""
    for kept in range(len(passages) - 1, -1, -1):
        yield _messages(question, passages[:kept], summary, (), instructions)


def _messages(
    question: str, passages: Sequence[FoundPassage], summary: str, recent: Sequence[Message], instructions: str
) -> list[Message]:
    parts = [_SYSTEM, instructions, f"{_SUMMARY}{note(summary)}" if summary else ""]
    system = "\n\n".join(part for part in parts if part)
    lines = [laid_out(number, each) for number, each in enumerate(passages, 1)]
    last = "\n".join([*lines, "", f"Question: {question}"]) if lines else question
    return [Message("system", system), *recent, Message("user", last)]


def _fitting(passages: Sequence[FoundPassage], room: int, count: Count) -> list[FoundPassage]:
    """Return those passages, in order, that fit into ``room`` tokens: where one is too long a shorter one may do."""
    chosen: list[FoundPassage] = []
    for passage in passages:
        takes = count(laid_out(len(chosen) + 1, passage)) + 1
        if takes <= room:
            room -= takes
            chosen.append(passage)
    return chosen


def _recent(messages: Sequence[Message], room: int, count: Count) -> Sequence[Message]:
    """Return the newest of ``messages`` that fit: whole exchanges, for many templates want roles to alternate."""
    answered = _answered(messages)
    kept = len(answered)
    for at in range(len(answered) - 1, -1, -1):
        room -= count(answered[at].content) + _FRAME_TOKENS
        if room < 0:
            break
        if answered[at].role == "user":
            kept = at
    return answered[kept:]


def _answered(messages: Sequence[Message]) -> list[Message]:
    """Return ``messages`` without the questions that have no answer: somebody stopped it."""
    then = [*(message.role for message in messages), "user"][1:]
    return [each for each, role in zip(messages, then, strict=True) if (each.role, role) != ("user", "user")]
