"""What was just said, per session, in memory: the messages a prompt carries besides the new one."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

import msgspec

from systems.engines.interface import Message


class Remembered(msgspec.Struct, frozen=True):
    """A message of the history, with whether it holds something worth keeping."""

    message: Message
    important: bool = False


Prune = Callable[[list[Remembered], int], list[Remembered]]


class Histories:
    """The histories of the most recently active sessions.

    Each holds at most ``length`` messages, chosen by ``prune``; at most ``sessions`` are held, the least recently
    active leaves first (what it said stays in long-term memory). Not locked: one thread or one event loop uses it.
    """

    def __init__(self, length: int, sessions: int, prune: Prune) -> None:
        self._length = length
        self._limit = sessions
        self._prune = prune
        self._sessions: OrderedDict[str, list[Remembered]] = OrderedDict()

    def messages(self, session: str) -> list[Message]:
        """Return the history of ``session``, oldest first."""
        return [entry.message for entry in self._sessions.get(session, ())]

    def add(self, session: str, question: str, answer: str, *, important: bool) -> None:
        """Add one turn to ``session``."""
        turn = [Remembered(Message("user", question), important), Remembered(Message("assistant", answer))]
        self._sessions[session] = self._prune([*self._sessions.get(session, ()), *turn], self._length)
        self._sessions.move_to_end(session)
        while len(self._sessions) > self._limit:
            self._sessions.popitem(last=False)

    def forget(self, session: str) -> None:
        """Empty the history of ``session``."""
        self._sessions.pop(session, None)


def keep_newest(entries: list[Remembered], length: int) -> list[Remembered]:
    """Return the newest ``length`` entries: the traditional pruning."""
    return entries[-length:] if length > 0 else []
