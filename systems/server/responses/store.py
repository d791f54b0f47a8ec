"""The responses that are kept for clients who go on from them: in memory, for a while, each for its token alone.

A response holds what was new with it and the id of the one before. So any number of others can go on from it, and what
is deleted is nowhere else; those that came after it have lost their beginning, and cannot be gone on from either.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterator
from sys import getsizeof
from typing import Any

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


class KeptResponses:
    """The responses of every token, for use on one event loop. ``forgotten`` counts how often
    something was in each session."""

    def __init__(self, most: int = _MOST, most_bytes: int = _MOST_BYTES) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._of: dict[str, _Shelf] = {}
        self.forgotten: Counter[str] = Counter()

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

    def chain(self, user: str, name: str) -> list[KeptResponse] | None:
        """Return all responses up to ``name``, oldest first; None if one of them is not there any more."""
        shelf = self._of.get(user)
        found: list[KeptResponse] = []
        following: str | None = name
        while following is not None:
            if shelf is None or (one := shelf.kept.get(following)) is None:
                return None
            found.append(one)
            following = one.response.previous_response_id
        for one in found:  # one that is gone on from is worth what comes before it
            shelf.kept.move_to_end(one.response.id)  # type: ignore[union-attr]
        return found[::-1]

    def item(self, user: str, session: str, name: str) -> Item | None:
        """Return the item that ``user`` has under the id ``name``, in whatever response of ``session``."""
        shelf = self._of.get(user)
        one = None if shelf is None else shelf.kept.get(shelf.holding.get(name, ""))
        return None if one is None or one.session != session else next(item for item in one.items if item.id == name)

    def delete(self, user: str, name: str) -> bool:
        """Forget a response; return whether there was one."""
        shelf = self._of.get(user)
        if shelf is None or name not in shelf.kept:
            return False
        shelf.take(name)
        return True

    def forget(self, session: str, conversation: str | None = None) -> int:
        """Forget what was said in a ``conversation`` of ``session``, or in all; return how many responses that was."""
        gone = 0
        self.forgotten[session] += 1
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
        self._sizes: dict[str, int] = {}
        self.bytes = 0

    def put(self, one: KeptResponse) -> None:
        self.kept[one.response.id] = one
        self._sizes[one.response.id] = _size(one)
        self.bytes += self._sizes[one.response.id]
        # An item that was said again, perhaps by its reference, stays with the response that had it first.
        for item in one.items:
            self.holding.setdefault(item.id, one.response.id)

    def take(self, name: str) -> None:
        one = self.kept.pop(name)
        self.bytes -= self._sizes.pop(name)
        for item in one.items:
            if self.holding.get(item.id) == name:
                del self.holding[item.id]

    def of(self, session: str, conversation: str | None) -> Iterator[str]:
        for name, one in self.kept.items():
            if one.session == session and conversation in (None, one.conversation):
                yield name


def _size(one: KeptResponse) -> int:
    """Return about how many bytes it takes in memory: an empty object of JSON, two bytes long, takes many."""
    size = 0
    waiting: list[Any] = [msgspec.to_builtins([one.response, one.said])]
    while waiting:
        found = waiting.pop()
        size += getsizeof(found)
        if isinstance(found, dict):
            waiting += found.keys()
            waiting += found.values()
        elif isinstance(found, list):
            waiting += found
    return size
