"""What a prompt has of a conversation, in four ways; and a sceptic's account of which messages it has nothing of."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence

from experiments.studies.research._levels import LAST_MESSAGES
from experiments.studies.research._listed_saving import ListedState
from experiments.studies.research._listed_summary import AFTER_MESSAGES, KEPT_MESSAGES, ListedSummary
from systems.engines.interface import Message
from systems.research.summarising import RollingSummary

# By its beginning a message is recognised, also one that is read in pieces.
_BEGINNING = 60

# By so many characters a summary is: one that is too long loses its end before it counts.
_RECOGNISED = 400

_SESSION = "session"


class TalkHistory(ABC):
    """What is kept in memory of one conversation, and how it gets into a prompt."""

    async def make_way(self) -> None:  # noqa: B027 - most do nothing that could be in the way
        """Have the engine free for a turn, as far as this one cares."""

    @abstractmethod
    def context(self) -> tuple[str, Sequence[Message]]:
        """Return the summary, empty where there is none, and the messages that a prompt has."""

    @abstractmethod
    def add(self, messages: Sequence[Message]) -> None:
        """Take up what was said last."""

    def begin(self) -> None:  # noqa: B027 - most do nothing by themselves
        """Begin what is to be done while nobody asks."""

    async def settled(self) -> None:  # noqa: B027 - the same
        """Return when nothing is done any more."""


class Everything(TalkHistory):
    """The full text."""

    def __init__(self) -> None:
        self._said: list[Message] = []

    def context(self) -> tuple[str, Sequence[Message]]:
        """Return every message."""
        return "", tuple(self._said)

    def add(self, messages: Sequence[Message]) -> None:
        """Keep ``messages``."""
        self._said += messages


class LastMessages(Everything):
    """The last messages, and nothing of those before."""

    def context(self) -> tuple[str, Sequence[Message]]:
        """Return the last messages."""
        return "", tuple(self._said[-LAST_MESSAGES:])


class Rolled(TalkHistory):
    """The rolling summary of the research agent, with the listing's numbers."""

    def __init__(self, summarise: Callable[[str, int], Awaitable[str]], max_tokens: int) -> None:
        self._summary = RollingSummary(
            summarise, begin_at=AFTER_MESSAGES, recent=KEPT_MESSAGES, wait_at=2 * AFTER_MESSAGES, max_tokens=max_tokens
        )

    async def make_way(self) -> None:
        """Cancel a summary under way, or wait for it."""
        await self._summary.make_way(_SESSION)

    def context(self) -> tuple[str, Sequence[Message]]:
        """Return the summary, and all that it does not cover."""
        return self._summary.context(_SESSION)

    def add(self, messages: Sequence[Message]) -> None:
        """Take ``messages`` into the window."""
        self._summary.add(_SESSION, messages)

    def begin(self) -> None:
        """Sum up what is due."""
        self._summary.begin(_SESSION)

    async def settled(self) -> None:
        """Wait for the summary."""
        await self._summary.settled()


class Listed(TalkHistory):
    """The listing's, whose tasks are only watched here."""

    def __init__(self, summarise: Callable[[str, int], Awaitable[str]], max_tokens: int) -> None:
        self._state = ListedState(_SESSION)
        self._summary = ListedSummary(self._state, lambda text: summarise(text, max_tokens))
        self._tasks: set[asyncio.Task[bool]] = set()

    def context(self) -> tuple[str, Sequence[Message]]:
        """Return the summary, and the last few messages."""
        return self._summary.context()

    def add(self, messages: Sequence[Message]) -> None:
        """Append ``messages`` to the list."""
        self._state.messages += messages

    def begin(self) -> None:
        """Begin to sum up what is long enough, as listed after every turn."""
        task = asyncio.create_task(self._summary.maybe_summarise())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def settled(self) -> None:
        """Wait for the summaries."""
        if self._tasks:
            await asyncio.wait(set(self._tasks))


def history(subject: str, summarise: Callable[[str, int], Awaitable[str]], max_tokens: int) -> TalkHistory:
    """Return what the ``subject`` of a trial keeps of a conversation."""
    match subject:
        case "rolling":
            return Rolled(summarise, max_tokens)
        case "listed":
            return Listed(summarise, max_tokens)
        case "last-n":
            return LastMessages()
        case _:
            return Everything()


class Coverage:
    """Which messages a summary covers, by what its maker read: itself, or in the summaries that it read."""

    def __init__(self) -> None:
        self._said: dict[str, int] = {}
        self._covered: dict[str, frozenset[int]] = {}

    def say(self, messages: Sequence[Message]) -> None:
        """Note that ``messages`` were said."""
        for message in messages:
            self._said[message.content[:_BEGINNING]] = len(self._said)

    def made(self, summary: str, text: str) -> None:
        """Note that ``summary`` was made of ``text``."""
        if not summary:
            return
        read = {number for beginning, number in self._said.items() if beginning in text}
        for earlier, covered in self._covered.items():
            if earlier in text:
                read |= covered
        self._covered[summary[:_RECOGNISED]] = frozenset(read)

    def neither(self, summary: str, messages: Sequence[Message]) -> int:
        """Return how many of the messages that were said are neither among ``messages`` nor in ``summary``."""
        there = {self._said[message.content[:_BEGINNING]] for message in messages}
        return len(self._said) - len(there | self._covered.get(summary[:_RECOGNISED], frozenset()))
