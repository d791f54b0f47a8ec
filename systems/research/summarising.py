"""A rolling summary: what was said long ago in few words, what was said last word for word, and nothing in neither.

At any moment each message of a session is either covered by its summary or in its window, and never in both: whatever
the model does, whoever is cancelled, and whatever is said meanwhile. A summary is made while nobody waits for the one
engine, and is cancelled when somebody does; what was read until then is not read again, for every piece that was summed
up is kept by itself.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, NamedTuple

from systems.engines.interface import Message
from systems.errors import BadInput, EngineError, PromptTooLong
from systems.logs import session_digest, swallowed

log = logging.getLogger(__name__)

Summarise = Callable[[str, int], Awaitable[str]]
"""Sums up a text in at most so many tokens; `INSTRUCTIONS` say how. May raise whatever an engine raises."""

KeepSummary = Callable[[str, str, int, Message], Awaitable[None]]
"""Keeps the summary of a session, which covers so many of its messages, the last of them this. Raises `StoreError`."""

INSTRUCTIONS = (
    "Sum up the conversation below, together with the summary of what came before it. Keep every name, number, "
    "decision and wish, and say nothing that is not in it. Write short sentences about what the user and the "
    "assistant said."
)
"""What a model is told before the text that it sums up."""

# No vocabulary makes words of more characters on average: what is longer was not bounded by its tokens.
_CHARACTERS_A_TOKEN = 8

# A piece of fewer characters holds hardly a sentence: a summariser that has no room for it has none for any.
_LEAST_CHARACTERS = 200

_BEFORE, _SINCE = "Summary of what was said before:\n{}\n\n", "What was said since:\n{}"
_SENTENCE_END = re.compile(r"[.!?。！？](?=\s|$)|[。！？]")


class SessionContext(NamedTuple):
    """What a prompt has of a session: the summary, empty where there is none, and the messages since."""

    summary: str
    messages: tuple[Message, ...]


class _Session:
    """A session in memory: ``covered`` messages are in the ``summary``, those after them in the ``window``."""

    def __init__(self, due_at: int, summary: str = "", covered: int = 0, window: Sequence[Message] = ()) -> None:
        self.summary = summary
        self.covered = covered
        self.window = list(window)
        self.due_at = due_at
        self.task: asyncio.Task[None] | None = None
        self.awaited = False


class RollingSummary:
    """The summaries and windows of sessions, of one event loop.

    A summary is due when a window has ``begin_at`` messages; the newest ``recent`` are left out of it. It gives way to
    a turn of any session (`make_way`), unless it is the turn's own session whose window has ``wait_at`` messages: that
    turn waits for it, so that a prompt is bounded also for those who never pause.

    The summariser reads at most ``piece_characters`` at once: what is longer is read in pieces, each with the summary
    of those before it. Where that is too long for it all the same, pieces are halved. One that fails, or says nothing,
    leaves everything as it was; it is asked again when as many messages as it was to sum up have come. ``keep`` is told
    every summary before it counts; what it refuses does not count. Counted are pieces that were ``made``, and summaries
    that ``failed`` or were ``cancelled``.

    What is added here is what `ResearchMemory.add` acknowledged, in that order: a summary says how many it covers.
    """

    def __init__(
        self,
        summarise: Summarise,
        keep: KeepSummary | None = None,
        *,
        begin_at: int = 10,
        recent: int = 4,
        wait_at: int = 20,
        max_tokens: int = 200,
        piece_characters: int = 4000,
    ) -> None:
        """Raises `BadInput` for bounds that leave nothing to sum up, or no room for it beside a summary."""
        if not 0 <= recent < begin_at <= wait_at:
            raise BadInput(f"Of {begin_at} messages (a turn waits at {wait_at}), {recent} cannot be left as they are.")
        self._most_characters = _CHARACTERS_A_TOKEN * max_tokens
        if piece_characters < self._most_characters + 2 * _LEAST_CHARACTERS:
            raise BadInput(
                f"A piece of {piece_characters} characters has no room beside a summary of {max_tokens} tokens."
            )
        self._summarise = summarise
        self._keep = keep
        self._begin_at = begin_at
        self._recent = recent
        self._wait_at = wait_at
        self._max_tokens = max_tokens
        self._piece_characters = piece_characters
        self._sessions: dict[str, _Session] = {}
        self._due: dict[str, None] = {}  # in the order in which they became due
        self._engine = asyncio.Lock()
        self._keeping: set[asyncio.Task[None]] = set()
        self.made = self.failed = self.cancelled = 0

    def take_up(self, session: str, summary: str, messages: Sequence[Message], summarised_up_to: int) -> None:
        """Go on with a session as it was restored: ``messages`` are those after the first ``summarised_up_to``.

        Raises `BadInput` if the session is there already.
        """
        if session in self._sessions:
            raise BadInput("A session that is under way cannot be taken up: it is to be forgotten first.")
        self._sessions[session] = _Session(self._begin_at, summary, summarised_up_to, messages)

    def add(self, session: str, messages: Sequence[Message], up_to: int | None = None) -> None:
        """Add what was said last to the window.

        Raises `BadInput` where the session, with these, has not the ``up_to`` messages that its memory has: somebody
        else, or a call that was cancelled, added some, and the session is to be restored.
        """
        state = self._sessions.setdefault(session, _Session(self._begin_at))
        count = state.covered + len(state.window) + len(messages)
        if up_to is not None and up_to != count:
            raise BadInput(f"A session has {count} messages here and {up_to} where it is kept: it is to be restored.")
        state.window += messages

    def context(self, session: str) -> SessionContext:
        """Return the summary of ``session`` and every message that it does not cover."""
        state = self._sessions.get(session)
        return SessionContext("", ()) if state is None else SessionContext(state.summary, tuple(state.window))

    def covered(self, session: str) -> int:
        """Return how many messages of ``session`` are covered by its summary."""
        state = self._sessions.get(session)
        return 0 if state is None else state.covered

    def begin(self, session: str) -> None:
        """Sum up what is due, in the background: of ``session``, and of those that were cancelled before.

        It is called when the reply to a turn is out.
        """
        state = self._sessions.get(session)
        if state is not None and len(state.window) >= state.due_at:
            self._due[session] = None
        for each in self._due:
            self._start(each)

    async def make_way(self, session: str) -> None:
        """Have the engine free for a turn of ``session``: cancel what is summed up, or wait for it where it must be."""
        state = self._sessions.get(session)
        mine: list[asyncio.Task[None]] = []
        if state is not None and len(state.window) >= max(self._wait_at, state.due_at):
            self._due[session] = None
            mine = [self._start(session)]
            state.awaited = True
        await _ended(self._under_way(awaited=False), cancel=True)
        await _ended(mine, cancel=False)

    async def settled(self) -> None:
        """Return when nothing is summed up any more."""
        await _ended(self._under_way(), cancel=False)

    async def forget(self, session: str) -> None:
        """Keep nothing of ``session``."""
        state = self._sessions.get(session)
        if state is not None and state.task is not None:
            await _ended([state.task], cancel=True)
        self._sessions.pop(session, None)
        self._due.pop(session, None)

    async def close(self) -> None:
        """Cancel what is summed up; what is being kept is kept."""
        self._due.clear()
        await _ended(self._under_way(), cancel=True)
        await _ended([*self._keeping], cancel=False)

    def _under_way(self, *, awaited: bool = True) -> list[asyncio.Task[None]]:
        """Return the summaries that are not done: all, or those that nobody waits for."""
        return [
            state.task
            for state in self._sessions.values()
            if state.task is not None and not state.task.done() and (awaited or not state.awaited)
        ]

    def _start(self, session: str) -> asyncio.Task[None]:
        state = self._sessions[session]
        # One that was cancelled before it began never ran: it is only known by being done.
        if state.task is None or state.task.done():
            state.awaited = False
            state.task = asyncio.create_task(self._sum_up(session, state), name="rolling summary")
        return state.task

    async def _sum_up(self, session: str, state: _Session) -> None:
        try:
            async with self._engine:
                await self._pieces(session, state)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        except Exception as error:  # noqa: BLE001 - whatever the summariser meets, the conversation goes on without it
            self.failed += 1
            state.due_at = len(state.window) + self._begin_at - self._recent
            self._due.pop(session, None)
            swallowed(log, "no summary was made", error, session=session_digest(session))
        else:
            state.due_at = self._begin_at
            self._due.pop(session, None)

    async def _pieces(self, session: str, state: _Session) -> None:
        """Sum up all but the newest messages of the window as it is now, a piece at a time."""
        left = len(state.window) - self._recent
        room = self._piece_characters - self._most_characters - _LEAST_CHARACTERS
        summary, begun = state.summary, 0  # characters of the oldest message that the summary covers already
        while left > 0:
            text, whole, begun_then = _piece(state.window[:left], begun, room)
            try:
                said = await self._summarise(_asked(summary, text), self._max_tokens)
            except PromptTooLong:
                room //= 2
                if room < _LEAST_CHARACTERS:
                    raise
                continue
            summary, begun = _bounded(said, self._most_characters), begun_then
            if whole:
                await self._undisturbed(self._count(session, state, summary, whole))
                left -= whole

    async def _count(self, session: str, state: _Session, summary: str, whole: int) -> None:
        """Have ``summary`` cover so many more messages: in the file first, then here."""
        if self._keep is not None:
            await self._keep(session, summary, state.covered + whole, state.window[whole - 1])
        self.made += 1
        state.summary = summary
        state.covered += whole
        del state.window[:whole]

    async def _undisturbed(self, work: Coroutine[Any, Any, None]) -> None:
        """Do ``work`` to its end, though this may be cancelled meanwhile."""
        task = asyncio.create_task(work, name="keeping a summary")
        self._keeping.add(task)
        task.add_done_callback(self._keeping.discard)
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            await asyncio.wait({task})
            if not task.cancelled():
                task.exception()  # who cancelled this does not ask how it went
            raise


async def _ended(tasks: Sequence[asyncio.Task[None]], *, cancel: bool) -> None:
    """Wait until ``tasks`` are done, cancelled or not; how they ended is theirs to tell."""
    for task in tasks:
        if cancel:
            task.cancel()
    if tasks:
        await asyncio.wait(tasks)


def _piece(messages: Sequence[Message], begun: int, room: int) -> tuple[str, int, int]:
    """Return what is read next, in at most ``room`` characters of what was said, beginning within the first message.

    With it, how many messages end in it, and how many characters of the one after these were begun.
    """
    lines: list[str] = []
    for whole, message in enumerate(messages):
        said = message.content[begun:]
        if len(said) > room:
            if lines:
                return "\n".join(lines), whole, 0
            return _line(message, said[:room]), 0, begun + room
        lines.append(_line(message, said))
        room -= len(lines[-1])
        begun = 0
    return "\n".join(lines), len(messages), 0


def _line(message: Message, said: str) -> str:
    return f"{message.role.capitalize()}: {said}"


def _asked(summary: str, text: str) -> str:
    return f"{_BEFORE.format(summary) if summary else ''}{_SINCE.format(text)}"


def _bounded(said: str, most: int) -> str:
    """Return a summary as it may be: not empty, and not longer than ``most`` characters. Raises `EngineError`.

    A longer one ends with the last sentence that is whole in it.
    """
    said = said.strip()
    if not said:
        raise EngineError("The summariser said nothing.")
    if len(said) <= most:
        return said
    ends = [found.end() for found in _SENTENCE_END.finditer(said[:most])]
    return said[: ends[-1] if ends else most]
