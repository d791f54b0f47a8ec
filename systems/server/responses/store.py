"""The responses that are kept for clients who go on from them: in memory, for a while, each for its token alone.

A response holds what was new with it and the id of the one before. So any number of others can go on from it, and what
is deleted is nowhere else; those that came after it have lost their beginning, and cannot be gone on from either.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from weakref import WeakSet

import msgspec

from systems.server.responses.shapes import Item, ResponseObject

# How much is kept for a token: the rest leaves, what was not used for longest first.
_MOST, _MOST_BYTES = 4096, 16 * 1024 * 1024


class KeptResponse(msgspec.Struct, frozen=True, kw_only=True):
    """A response, what was said to get it, and the conversation that both are in.

    ``turn`` is that of the agent that answered, a question and an answer; None where nobody remembers it.
    """

    response: ResponseObject
    said: tuple[Item, ...]
    session: str
    conversation: str
    turn: tuple[str, str] | None = None

    @property
    def items(self) -> list[Item]:
        """What was new with it: what was said, then what was answered."""
        return [*self.said, *self.response.output]


class Due:
    """A response that is made, and not kept yet: its client still reads."""

    def __init__(self, session: str, conversation: str) -> None:
        self.session = session
        self.conversation = conversation
        self.forgotten = False


class KeptResponses:
    """The responses of every token, for use on one event loop."""

    def __init__(self, most: int = _MOST, most_bytes: int = _MOST_BYTES) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._of: dict[str, _Shelf] = {}
        self._due: WeakSet[Due] = WeakSet()

    def due(self, session: str, conversation: str) -> Due:
        """Return what tells whether the ``conversation`` is forgotten from now on."""
        due = Due(session, conversation)
        self._due.add(due)
        return due

    def keep(self, user: str, kept: KeptResponse) -> None:
        """Keep a response of ``user``; the oldest leave where there are too many."""
        shelf = self._of.setdefault(user, _Shelf())
        shelf.put(kept)
        while len(shelf.kept) > self._most or shelf.bytes > self._most_bytes:
            shelf.take(next(iter(shelf.kept)))

    def find(self, user: str, name: str) -> KeptResponse | None:
        """Return the response that ``user`` has under the id ``name``; None if that is nobody's or another's."""
        shelf = self._of.get(user)
        return None if shelf is None else shelf.kept.get(name)

    def chain(self, user: str, name: str, session: str | None = None) -> list[KeptResponse] | None:
        """Return all responses up to ``name``, oldest first; None if one of them is not there any more.

        With ``session`` one of another session is not there.
        """
        shelf = self._of.get(user)
        found: list[KeptResponse] = []
        following: str | None = name
        while following is not None:
            if shelf is None or (one := shelf.kept.get(following)) is None or session not in (None, one.session):
                return None
            found.append(one)
            following = one.response.previous_response_id
        for one in found:  # one that is gone on from is worth what comes before it
            shelf.kept.move_to_end(one.response.id)  # type: ignore[union-attr]
        return found[::-1]

    def item(self, user: str, name: str) -> Item | None:
        """Return the item that ``user`` has under the id ``name``, in whatever response."""
        shelf = self._of.get(user)
        one = None if shelf is None else shelf.kept.get(shelf.holding.get(name, ""))
        return None if one is None else next(item for item in one.items if item.id == name)

    def delete(self, user: str, name: str) -> bool:
        """Forget a response; return whether there was one."""
        shelf = self._of.get(user)
        if shelf is None or name not in shelf.kept:
            return False
        shelf.take(name)
        return True

    def forget(self, session: str, conversation: str | None = None) -> int:
        """Forget what was said in a ``conversation`` of ``session``, or in all; return how many responses that was."""
        for due in self._due:
            if due.session == session and conversation in (None, due.conversation):
                due.forgotten = True
        gone = 0
        for shelf in self._of.values():
            for name in list(shelf.of(session, conversation)):
                shelf.take(name)
                gone += 1
        return gone


class _Shelf:
    """The responses of one token, the one not used for longest first, and which of them holds which item."""

    def __init__(self) -> None:
        self.kept: OrderedDict[str, KeptResponse] = OrderedDict()
        self.holding: dict[str, str] = {}
        self.bytes = 0

    def put(self, one: KeptResponse) -> None:
        self.kept[one.response.id] = one
        self.bytes += _size(one)
        # An item that was said again, perhaps by its reference, stays with the response that had it first.
        for item in one.items:
            self.holding.setdefault(item.id, one.response.id)

    def take(self, name: str) -> None:
        one = self.kept.pop(name)
        self.bytes -= _size(one)
        for item in one.items:
            if self.holding.get(item.id) == name:
                del self.holding[item.id]

    def of(self, session: str, conversation: str | None) -> Iterator[str]:
        for name, one in self.kept.items():
            if one.session == session and conversation in (None, one.conversation):
                yield name


def _size(one: KeptResponse) -> int:
    return len(msgspec.json.encode([one.response, one.said]))
