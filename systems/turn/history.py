"""What was just said, per conversation, in memory: the messages a prompt carries besides the new one."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from sys import getsizeof

import msgspec

from systems.engines.interface import Message


class Exchange(msgspec.Struct, frozen=True):
    """A question and its answer, with whether the question holds something worth keeping.

    They are kept and dropped together: many models' chat templates insist that the roles alternate. ``sent`` is the
    question's message as the prompt had it, empty if that was the bare question.
    """

    question: str
    answer: str
    important: bool = False
    sent: str = ""

    def bare(self) -> Exchange:
        """Return it without what the prompt had besides."""
        return msgspec.structs.replace(self, sent="") if self.sent else self


class AsSent(Message, frozen=True):
    """A question's message as an earlier prompt had it, so laid out already: a prompt takes it as it is."""

    question: str


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

Room = Callable[[], int]
"""How many tokens a history may grow to; asked when it has grown, for an engine that is not loaded may not know."""

# Characters. No engine has counted what is read from the file or told by a client; fewer make a token in Chinese.
_TOKEN = 3

Leave = Callable[[str, Sequence[Exchange]], None]
"""Takes over the history of a conversation that is held no longer. It must not wait, and not ask the histories."""

Compress = Callable[[list[Exchange], int, int], list[Exchange]]
"""Makes bare exchanges so many at most, of so many characters together at most; the newest stays as it is."""

HELD_BYTES = 64 << 20
"""What all histories take in memory at most: a client may say that much was said before."""


class Histories:
    """The histories of the most recently active conversations, each called here as it is among those of all sessions.

    Each holds at most ``length`` messages (two an exchange), or its own number, chosen by ``prune``: one exchange
    leaves at a time, or, ``stepped``, half of them at once, so that prompts begin alike for several turns and an
    engine need not compute what they share again. With ``room`` each question stays as it was sent, and a history only
    grows until it has more tokens than that, or more messages. Then it begins anew, with bare questions and half of
    the messages, or as many of them as have half of the tokens; or with what ``compress`` makes of them.

    At most ``sessions`` are held, in at most ``most_bytes`` save for the newest, the least recently active leaves first
    (what it said stays in long-term memory), and is handed to ``leave``. One that is `in_use` stays. Not locked: one
    thread or one event loop uses it.
    """

    def __init__(
        self,
        length: int,
        sessions: int,
        prune: Prune,
        *,
        stepped: bool = False,
        room: Room | None = None,
        most_bytes: int = HELD_BYTES,
        leave: Leave | None = None,
        compress: Compress | None = None,
    ) -> None:
        self._length = length
        self._limit = sessions
        self._prune = prune
        self._stepped = stepped
        self._room = room
        self._sessions: OrderedDict[str, list[Exchange]] = OrderedDict()
        self._own_lengths: dict[str, int] = {}
        self._most_bytes = most_bytes
        self._leave = leave
        self._compress = compress
        self._used: Counter[str] = Counter()
        self._bytes: dict[str, int] = {}
        self.bytes = 0

    @property
    def count(self) -> int:
        """How many histories are held."""
        return len(self._sessions)

    @property
    def grow(self) -> bool:
        """Whether questions stay in them as they were sent."""
        return self._room is not None

    def messages(self, session: str) -> list[Message]:
        """Return the history of ``session``, oldest first."""
        return [
            message
            for exchange in self._sessions.get(session, ())
            for message in (_asked(exchange), Message("assistant", exchange.answer))
        ]

    def exchanges(self, session: str) -> Sequence[Exchange]:
        """Return the history of ``session``, oldest first, as exchanges."""
        return self._sessions.get(session, ())

    def add(self, session: str, exchange: Exchange, tokens: int = 0, *, outgrown: bool = False) -> None:
        """Add one exchange to ``session``, whose history is now of so many ``tokens``; 0 if nobody counted them.

        It is ``outgrown`` where the engine had no room for all of it.
        """
        self._keep(session, [*self._sessions.get(session, ()), exchange], tokens, outgrown=outgrown)

    @contextmanager
    def in_use(self, session: str) -> Iterator[None]:
        """Have the history of ``session`` not leave meanwhile."""
        self._used[session] += 1
        try:
            yield
        finally:
            self._used[session] -= 1
            if not self._used[session]:
                del self._used[session]

    def take(self, session: str, exchanges: Sequence[Exchange]) -> None:
        """Let the history of ``session``, which left, be held again as it was."""
        self._sessions[session] = list(exchanges)
        self._sessions.move_to_end(session)
        self._count(session, exchanges)
        self._let_leave()

    def replace(self, session: str, by: Iterable[Exchange]) -> None:
        """Let the history of ``session`` be ``by``: the newest of it that it may hold."""
        self._keep(session, self.newest(session, list(by)))

    def go_on(self, session: str, by: Sequence[Exchange]) -> None:
        """Let the history of ``session``, which grows, go on with ``by``."""
        self._keep(session, [*self._sessions.get(session, ()), *by])

    def newest(self, session: str, exchanges: list[Exchange]) -> list[Exchange]:
        """Return those of ``exchanges`` that the history of ``session`` may hold."""
        return keep_newest(exchanges, self.length(session) // 2)

    def lay_bare(self, of: Callable[[str], bool]) -> list[str]:
        """Let the histories ``of`` some sessions hold nothing but what was said: no note of anything else.

        Return which these are.
        """
        laid_bare = [session for session in self._sessions if of(session)]
        for session in laid_bare:
            bare = [exchange.bare() for exchange in self._sessions[session]]
            self._sessions[session] = bare
            self._count(session, bare)
        return laid_bare

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

    def _keep(self, session: str, exchanges: list[Exchange], tokens: int = 0, *, outgrown: bool = False) -> None:
        most = self.length(session) // 2
        if self._room is not None:
            room = self._room()
            tokens = tokens or _characters(exchanges) // _TOKEN
            if outgrown or len(exchanges) > most or tokens > room:
                half = most - most // 2
                if outgrown:  # what the engine counted is not all of it
                    half = min(half, -(-len(exchanges) // 2))
                exchanges = self._begun_anew(exchanges, half, room // 2 * _characters(exchanges) // max(tokens, 1))
        elif len(exchanges) > most:
            exchanges = self._prune(exchanges, most - most // 2 if self._stepped else most)
        self._sessions[session] = exchanges
        self._sessions.move_to_end(session)
        self._count(session, exchanges)
        self._let_leave()

    def bound(self, most_bytes: int) -> None:
        """Hold at most ``most_bytes`` from now on, save for the newest."""
        self._most_bytes = most_bytes
        self._let_leave()

    def let_go(self, which: Callable[[str], bool]) -> None:
        """Let the histories leave of which ``which`` is true and that are not in use."""
        for session in [each for each in self._sessions if each not in self._used and which(each)]:
            self._left(session)

    def leave_all(self) -> None:
        """Let every history leave."""
        while self._sessions:
            self._left(next(iter(self._sessions)))

    def _let_leave(self) -> None:
        while len(self._sessions) > self._limit or (self.bytes > self._most_bytes and len(self._sessions) > 1):
            idle = next((session for session in self._sessions if session not in self._used), None)
            if idle is None:
                return
            self._left(idle)

    def _left(self, session: str) -> None:
        exchanges = self._sessions.pop(session)
        self._own_lengths.pop(session, None)
        self.bytes -= self._bytes.pop(session)
        if self._leave is not None:
            self._leave(session, exchanges)

    def _begun_anew(self, exchanges: list[Exchange], most: int, characters: int) -> list[Exchange]:
        """Return at most ``most`` of ``exchanges``, bare, and fewer until they have at most so many ``characters``."""
        bare = [exchange.bare() for exchange in exchanges]
        if self._compress is not None:
            return self._compress(bare, most, characters)
        left = self._prune(bare, most) if len(bare) > most else bare
        while len(left) > 1 and _characters(left) > characters:
            left = self._prune(left, len(left) - 1)
        return left

    def _count(self, session: str, exchanges: Iterable[Exchange]) -> None:
        size = sum(map(_bytes, exchanges))
        self.bytes += size - self._bytes.get(session, 0)
        self._bytes[session] = size


def _asked(exchange: Exchange) -> Message:
    if exchange.sent:
        return AsSent("user", exchange.sent, exchange.question)
    return Message("user", exchange.question)


def _characters(exchanges: Iterable[Exchange]) -> int:
    """Return how many characters a prompt has of ``exchanges``."""
    return sum(len(exchange.sent or exchange.question) + len(exchange.answer) for exchange in exchanges)


def _bytes(exchange: Exchange) -> int:
    """Return how many bytes the texts of ``exchange`` take."""
    texts = getsizeof(exchange.question) + getsizeof(exchange.answer)
    return texts + getsizeof(exchange.sent) if exchange.sent else texts


def keep_newest(exchanges: list[Exchange], most: int) -> list[Exchange]:
    """Return the newest ``most`` exchanges: the traditional pruning."""
    return exchanges[-most:] if most > 0 else []
