"""Whether a task was done: by what the prompt held where replies are scripted, by the reply where a model speaks.

A prompt held the value if the words that told it stood in what the engine read, after whatever that left out for want
of room. A reply that came from no prompt (a cached one) is graded by itself in either case.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import cast

import msgspec

from experiments.workloads.tasks.interface import Check, Teller
from systems.engines.around import AroundEngine
from systems.engines.fitting import fitted
from systems.engines.interface import AsyncEngine, Call, Engine, Generation, Message
from systems.engines.simulated import beginning

SOON_TURNS, LATE_TURNS = 3, 20
"""Turns: a value is needed soon if it was told no more of them ago than the first, late if no fewer than the second."""


class TaskGrade(msgspec.Struct, frozen=True, kw_only=True):
    """How one task went. ``right`` is None where replies are scripted: no model said one."""

    turns_ago: int
    teller: Teller
    in_prompt: bool
    right: bool | None = None


def says(reply: str, check: Check) -> bool:
    """Return whether ``reply`` says the right answer of ``check`` and none of the other values of its attribute.

    Values are codes, numbers and names of functions with their parameters: they are compared letter by letter, without
    regard to case, white space and quotation marks, and are not part of a longer one. Taken apart into words, as other
    answers here are graded, a code would be a number.
    """
    found = _plain(reply)
    return _stands(check.answer, found) and not any(_stands(each, found) for each in check.others)


def holds(messages: Iterable[Message], check: Check) -> bool:
    """Return whether the words that told the value stand in ``messages``: a note of them is one line."""
    return any(_one_line(check.evidence) in _one_line(message.content) for message in messages)


def graded(check: Check, read: bool | None, reply: str, *, spoken: bool) -> TaskGrade:
    """Return the grade of a task: ``read`` is whether the prompt held its value, None where no engine was asked.

    ``reply`` counts where a model said it (``spoken``), and where no engine was asked.
    """
    right = says(reply, check)
    return TaskGrade(
        turns_ago=check.turns_ago,
        teller=check.teller,
        in_prompt=right if read is None else read,
        right=right if spoken else None,
    )


def summary(grades: Sequence[TaskGrade]) -> dict[str, float]:
    """Return shares of tasks by name: "in_prompt" and "right", and each of them "/soon", "/late", "/user", "/agent".

    What has no such tasks is left out. "tasks" counts all.
    """
    groups = {
        "": grades,
        "/soon": [grade for grade in grades if grade.turns_ago <= SOON_TURNS],
        "/late": [grade for grade in grades if grade.turns_ago >= LATE_TURNS],
        "/user": [grade for grade in grades if grade.teller == "user"],
        "/agent": [grade for grade in grades if grade.teller == "agent"],
    }
    shares: dict[str, float] = {"tasks": len(grades)}
    for name, group in groups.items():
        if group:
            shares[f"in_prompt{name}"] = sum(grade.in_prompt for grade in group) / len(group)
        if spoken := [grade.right for grade in group if grade.right is not None]:
            shares[f"right{name}"] = sum(spoken) / len(spoken)
    return shares


class Heard(AroundEngine):
    """Another engine: of the questions it listens for, keeps what was read for the answer, until it listens for others.

    ``at_once`` says a scripted reply without the inner engine: who grades answers alone times nothing. With
    ``context_tokens`` an engine without a bound is one with this, and what no context had room for counts as not read.
    """

    def __init__(self, inner: Engine, *, at_once: bool = False, context_tokens: int | None = None) -> None:
        super().__init__(inner)
        self._at_once = at_once
        self._context_tokens = context_tokens
        self._questions: Sequence[str] = ()
        self._read: dict[str, tuple[Call, Generation]] = {}

    @property
    def context_tokens(self) -> int | None:
        """The bound that was given, else the inner engine's."""
        return self._inner.context_tokens if self._context_tokens is None else self._context_tokens

    def listen(self, questions: Sequence[str]) -> None:
        """Listen for these questions from now on, and keep nothing of others."""
        self._questions = questions
        self._read = {}

    def held(self, question: str, check: Check) -> bool | None:
        """Return whether what was read for ``question`` held what it needs; None where nothing was asked."""
        if question not in self._read:
            return None
        call, generation = self._read[question]
        dropped = generation.dropped_messages, generation.dropped_notes
        if self._context_tokens is not None:
            fit = fitted(call, self._tokens, self._context_tokens, self._inner.count(generation.text))
            dropped = fit.dropped_messages, fit.dropped_notes
        return holds(_without(call, *dropped), check)

    def _tokens(self, messages: Sequence[Message]) -> list[int]:
        """Return a prompt as long as that of ``messages``: which tokens are in it does not matter."""
        return [0] * sum(self._inner.count(message.content) for message in messages)

    def generate(self, call: Call) -> Generation:
        """Let the inner engine generate, and keep what it read."""
        generation = self._said(call) or self._inner.generate(call)
        self._note(call, generation)
        return generation

    def _said(self, call: Call) -> Generation | None:
        """Return the scripted reply where it is to be said at once."""
        if not self._at_once or call.script is None:
            return None
        # As long as a model would be let say it, nearly: histories are then as long as where it does.
        text = call.script if call.max_tokens is None else beginning(call.script, call.max_tokens)
        if call.on_token is not None:
            call.on_token(text)
        return Generation(text=text, prompt_tokens=0, generated_tokens=0, first_token_s=0.0, finish_reason="stop")

    def _note(self, call: Call, generation: Generation) -> None:
        last = call.messages[-1].content if self._questions else ""
        for question in self._questions:
            if question in last:
                self._read[question] = call, generation


class AsyncHeard(Heard, AsyncEngine):
    """As `Heard`, around an engine whose replies can be awaited."""

    async def reply(self, call: Call) -> Generation:
        """Let the inner engine generate, and keep what it read."""
        generation = self._said(call) or await cast(AsyncEngine, self._inner).reply(call)
        self._note(call, generation)
        return generation


def heard(engine: Engine, *, at_once: bool = False, context_tokens: int | None = None) -> Heard:
    """Return ``engine`` with somebody who listens (`Heard`): one that can be awaited if ``engine`` can."""
    kind = AsyncHeard if isinstance(engine, AsyncEngine) else Heard
    return kind(engine, at_once=at_once, context_tokens=context_tokens)


def _without(call: Call, messages: int, notes: int) -> Sequence[Message]:
    """Return the messages of ``call`` without those, and the notes, that an engine leaves out (`fitted`)."""
    if notes and call.shorter is not None:
        return next(islice(call.shorter(), notes - 1, None))
    first = 1 if call.messages[0].role == "system" else 0
    return [*call.messages[:first], *call.messages[first + messages :]]


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _plain(text: str) -> str:
    return re.sub("[`'\"*]+", "", unicodedata.normalize("NFKC", text)).casefold()


def _stands(value: str, text: str) -> bool:
    """Return whether ``value`` stands in ``text``, with any white space in it, and is no part of a longer number."""
    spelt = r"\s*".join(re.escape(character) for character in _plain(value) if not character.isspace())
    return re.search(rf"(?<![\w-])(?<!\d[.,]){spelt}(?![\w]|[.,-]\d)", text) is not None
