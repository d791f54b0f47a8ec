"""The process whose turns are saved: ``python -c`` this module's `main`, with a `Traffic` as its argument.

It tells on its standard output, a line each, every turn that was acknowledged, and at the end what it observed; then it
ends as a program ends, closing nothing: what is acknowledged must not need that.
"""

from __future__ import annotations

import asyncio
import os
import random
import re
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Protocol

import msgspec

from experiments.measuring.probes.loop_delay import LoopDelay
from experiments.measuring.records import RequestRow
from experiments.studies.research._listed_saving import ListedSaving, ListedState
from experiments.studies.research._listed_summary import ListedSummary
from experiments.studies.subjects import Stopwatch
from systems.engines.interface import Message
from systems.errors import FourgigError
from systems.research.keeping.memory import ResearchMemory, SavingPattern
from systems.research.keeping.tables import KeptArticle
from systems.research.summarising import RollingSummary

PROGRAM = "from experiments.studies.research import _saving_child; _saving_child.main()"

# What a turn of a research agent brings: a question, an answer, and the articles that it was answered from.
_QUESTION_CHARACTERS, _ANSWER_CHARACTERS = 200, 1000
_ARTICLES, _ARTICLE_CHARACTERS = 5, 1000

_NUMBER = re.compile(r"#(\d+)")

Summariser = Callable[[str], Coroutine[Any, Any, str]]


class Traffic(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be saved: ``turns`` of ``sessions`` in turn, ``turns_per_s`` of them. ``pattern`` None: as listed.

    With ``summary_s`` it is summed up as it grows, each time for so many seconds.
    """

    path: str
    pattern: SavingPattern | None
    turns: int
    turns_per_s: float
    sessions: int
    seed: int
    summary_s: float | None = None


class SavingSeen(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen from within: the turns, how late the loop was, and how many messages the first summary found.

    ``said_at_first_summary`` is None where nothing was summed up.
    """

    rows: list[RequestRow]
    loop_delay_s: list[float]
    said_at_first_summary: int | None = None


class TurnSaver(Protocol):
    """Saves turns of sessions; when `save` returns a turn is acknowledged."""

    async def open(self) -> None:
        """Open the file."""

    async def save(self, session: str, messages: list[Message], articles: list[KeptArticle]) -> None:
        """Save a turn."""

    async def settled(self) -> None:
        """Return when nothing is written or summed up any more."""


class _Ours:
    """The memory of the research agent, in one of its patterns."""

    def __init__(self, traffic: Traffic, summarise: Summariser | None) -> None:
        assert traffic.pattern is not None
        self._memory = ResearchMemory(Path(traffic.path), traffic.pattern)
        self._summaries: RollingSummary | None = None
        if summarise is not None:
            self._summaries = RollingSummary(lambda text, _: summarise(text), self._memory.summarised)

    async def open(self) -> None:
        await self._memory.open()

    async def save(self, session: str, messages: list[Message], articles: list[KeptArticle]) -> None:
        if self._summaries is not None:
            await self._summaries.make_way(session)
        up_to = await self._memory.add(session, messages, articles)
        if self._summaries is not None:
            self._summaries.add(session, messages, up_to)
            self._summaries.begin(session)

    async def settled(self) -> None:
        if self._summaries is not None:
            await self._summaries.settled()


class _Listed:
    """The listing, with the tasks that it leaves to themselves."""

    def __init__(self, traffic: Traffic, summarise: Summariser | None) -> None:
        self._saving = ListedSaving(Path(traffic.path))
        self._summarise = summarise
        self._states: dict[str, ListedState] = {}

    async def open(self) -> None:
        await self._saving.open()

    async def save(self, session: str, messages: list[Message], articles: list[KeptArticle]) -> None:
        state = self._states.setdefault(session, ListedState(session))
        state.messages += messages
        state.articles = articles
        await self._saving.save(state)
        if self._summarise is not None:
            summary = ListedSummary(state, self._summarise, self._saving.save)
            asyncio.create_task(summary.maybe_summarise())  # noqa: RUF006 - as listed

    async def settled(self) -> None:
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(others)


def main() -> None:
    """Save the traffic that the argument describes."""
    asyncio.run(_live(msgspec.json.decode(sys.argv[1], type=Traffic)))


def turn_of(content: str) -> int:
    """Return the number of the message that ``content`` is of; turn ``n`` has the messages ``2 n`` and ``2 n + 1``."""
    found = _NUMBER.match(content)
    assert found is not None
    return int(found[1])


def covered(summary: str) -> int:
    """Return how many messages a summary covers that was made here; 0 of none."""
    found = _NUMBER.search(summary)
    return 0 if found is None else int(found[1]) + 1


def _saver(traffic: Traffic, summarise: Summariser | None) -> TurnSaver:
    return _Listed(traffic, summarise) if traffic.pattern is None else _Ours(traffic, summarise)


def _tell(line: str) -> None:
    os.write(1, line.encode() + b"\n")


async def _live(traffic: Traffic) -> None:
    said = 0
    first: int | None = None

    async def summarise(text: str) -> str:
        nonlocal first
        await asyncio.sleep(traffic.summary_s or 0.0)
        first = said if first is None else first
        return f"It was said what there is up to message #{max(map(int, _NUMBER.findall(text)))}."

    saver = _saver(traffic, None if traffic.summary_s is None else summarise)
    await saver.open()
    rng = random.Random(traffic.seed)
    turns = [_turn(rng, number) for number in range(traffic.turns)]
    saving: list[asyncio.Task[RequestRow]] = []
    async with LoopDelay() as delay:
        clock = Stopwatch()

        async def one(number: int) -> RequestRow:
            session = f"session-{number % traffic.sessions}"
            started, outcome = clock(), "ok"
            try:
                await saver.save(session, *turns[number])
            except FourgigError as error:
                outcome = type(error).__name__
            else:
                _tell(f"saved {number}")
            return RequestRow(
                intended_s=round(number / traffic.turns_per_s, 6),
                started_s=started,
                first_token_s=None,
                finished_s=clock(),
                outcome=outcome,
                user=number % traffic.sessions,
                turn=number,
            )

        for number in range(traffic.turns):
            await asyncio.sleep(max(0.0, number / traffic.turns_per_s - clock()))
            said += 2
            saving.append(asyncio.create_task(one(number)))
            if traffic.summary_s is not None:
                await saving[-1]  # a conversation goes on when its turn is answered
        rows = await asyncio.gather(*saving)
    if traffic.summary_s is not None:
        await saver.settled()  # what an end loses is another case
    observed = SavingSeen(rows=rows, loop_delay_s=delay.delays_s, said_at_first_summary=first)
    _tell(msgspec.json.encode(observed).decode())


def _turn(rng: random.Random, number: int) -> tuple[list[Message], list[KeptArticle]]:
    question = f"#{2 * number} {_letters(rng, _QUESTION_CHARACTERS)}"
    answer = f"#{2 * number + 1} {_letters(rng, _ANSWER_CHARACTERS)}"
    articles = [
        KeptArticle(
            source=f"article-{number}-{each}.md",
            title=f"Article {each}",
            text=_letters(rng, _ARTICLE_CHARACTERS),
            relevance=0.5,
        )
        for each in range(_ARTICLES)
    ]
    return [Message("user", question), Message("assistant", answer)], articles


def _letters(rng: random.Random, count: int) -> str:
    return rng.randbytes(count // 2).hex()
