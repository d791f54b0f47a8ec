"""What was just said, per conversation, in memory: the messages a prompt carries besides the new one."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from sys import getsizeof

import msgspec

from systems.engines.interface import Message


class Exchange(msgspec.Struct, frozen=True):
    """A question and its answer, with whether the question holds something worth keeping.

    They are kept and dropped together: many models' chat templates insist that the roles alternate.
    """

    question: str
    answer: str
    important: bool = False


def exchanges(messages: Iterable[Message]) -> list[Exchange]:
    """Return ``messages`` as exchanges: what was asked before an answer belongs to it, as do answers in a row."""
    found: list[Exchange] = []
    asked: list[str] = []
    for message in messages:
        if message.role == "user":
            asked.append(message.content)
        elif message.role == "assistant" and (asked or not found):
            found.append(Exchange("\n\n".join(asked), message.content))
            asked = []
        elif message.role == "assistant":
            last = found[-1]
            found[-1] = Exchange(last.question, f"{last.answer}\n\n{message.content}")
    return found


def told(before: Iterable[Message], question: str, answer: str) -> list[Exchange]:
    """Return what a client has of a conversation after a turn; what it asked and got no answer to belongs to this."""
    return exchanges([*before, Message("user", question), Message("assistant", answer)])


Prune = Callable[[list[Exchange], int], list[Exchange]]


HELD_BYTES = 64 << 20
"""What all histories take in memory at most: a client may say that much was said before."""


class Histories:
    """The histories of the most recently active conversations, each called here as it is among those of all sessions.

    Each holds at most ``length`` messages (two an exchange), or its own number, chosen by ``prune``: one exchange
    leaves at a time, or, ``stepped``, half of them at once, so that prompts begin alike for several turns and an
    engine need not compute what they share again. At most ``sessions`` are held, in at most ``most_bytes`` save for the
    newest, the least recently active leaves first (what it said stays in long-term memory). Not locked: one thread or
    one event loop uses it.
    """

    def __init__(
        self, length: int, sessions: int, prune: Prune, *, stepped: bool = False, most_bytes: int = HELD_BYTES
    ) -> None:
        self._length = length
        self._limit = sessions
        self._prune = prune
        self._stepped = stepped
        self._sessions: OrderedDict[str, list[Exchange]] = OrderedDict()
        self._own_lengths: dict[str, int] = {}
        self._most_bytes = most_bytes
        self._bytes: dict[str, int] = {}
        self.bytes = 0

    def messages(self, session: str) -> list[Message]:
        """Return the history of ``session``, oldest first."""
        return [
            message
            for exchange in self._sessions.get(session, ())
            for message in (Message("user", exchange.question), Message("assistant", exchange.answer))
        ]

    def add(self, session: str, exchange: Exchange) -> None:
        """Add one exchange to ``session``."""
        self._keep(session, [*self._sessions.get(session, ()), exchange])

    def replace(self, session: str, by: Iterable[Exchange]) -> None:
        """Let the history of ``session`` be ``by``: the newest of it that it may hold."""
        self._keep(session, self.newest(session, list(by)))

    def newest(self, session: str, exchanges: list[Exchange]) -> list[Exchange]:
        """Return those of ``exchanges`` that the history of ``session`` may hold."""
        return keep_newest(exchanges, self.length(session) // 2)

    def knows(self, session: str) -> bool:
        """Return whether there is a history of ``session``, be it empty."""
        return session in self._sessions

    def forget(self, session: str) -> None:
        """Empty the history of ``session``; a length of its own stays."""
        if session in self._sessions:
            self._sessions[session] = []
            self.bytes -= self._bytes[session]
            self._bytes[session] = 0

    def length(self, session: str) -> int:
        """Return how many messages ``session`` may hold."""
        return self._own_lengths.get(session, self._length)

    def resize(self, session: str, length: int) -> None:
        """Let ``session`` hold at most ``length`` messages, as long as it is among the most recently active."""
        self._own_lengths[session] = length
        self._keep(session, self._sessions.get(session, []))

    def _keep(self, session: str, exchanges: list[Exchange]) -> None:
        most = self.length(session) // 2
        if len(exchanges) > most:
            exchanges = self._prune(exchanges, most - most // 2 if self._stepped else most)
        self._sessions[session] = exchanges
        self._sessions.move_to_end(session)
        size = sum(getsizeof(each.question) + getsizeof(each.answer) for each in exchanges)
        self.bytes += size - self._bytes.get(session, 0)
        self._bytes[session] = size
        while len(self._sessions) > self._limit or (self.bytes > self._most_bytes and len(self._sessions) > 1):
            left, _ = self._sessions.popitem(last=False)
            self._own_lengths.pop(left, None)
            self.bytes -= self._bytes.pop(left)


def keep_newest(exchanges: list[Exchange], most: int) -> list[Exchange]:
    """Return the newest ``most`` exchanges: the traditional pruning."""
    return exchanges[-most:] if most > 0 else []
