"""Whose memory a request speaks of, and which conversation it goes on with.

A client may name both. Where it does not name the conversation, this is recognised by its beginning: by all messages
before the last turn, which end with a reply that was given here. So two programs of one person share no conversation
by accident, and one that sends its whole history needs no names at all.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections import OrderedDict
from collections.abc import Sequence

from systems.engines.interface import Message

DEFAULT_PERSON = "default"
"""The person of a token whose client names nobody; the server's own page is theirs too."""

# How many replies are remembered as the end of a beginning, each in about 200 bytes.
# Conversations that came to the same words and were not gone on with are told apart up to a number.
_MOST, _ALIKE = 20_000, 16


def person_of(safety_identifier: str | None, user: str | None) -> str:
    """Return whom a request names, in this order; an empty name is none."""
    return safety_identifier or user or DEFAULT_PERSON


def turn_begins(messages: Sequence[Message]) -> int:
    """Return the place in ``messages`` where the last turn begins: after the last thing that the assistant said."""
    said = [place for place, message in enumerate(messages) if message.role == "assistant"]
    return said[-1] + 1 if said else 0


class Conversations:
    """The conversations of which the server has seen a reply lately. For use on one event loop."""

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._known: OrderedDict[bytes, list[str]] = OrderedDict()

    def of(self, session: str, messages: Sequence[Message]) -> str:
        """Return the conversation that ``messages`` go on with, or the name of a new one.

        Of several that have come to the same words each is gone on with once, and then the last of them: nobody could
        tell which is whose, and none of them has said anything that the others have not.
        """
        before = messages[: turn_begins(messages)]
        if before:
            beginning = _digest(session, before)
            if (known := self._known.get(beginning)) is not None:
                self._known.move_to_end(beginning)
                return known.pop(0) if len(known) > 1 else known[0]
        return uuid.uuid4().hex

    def replied(self, session: str, messages: Sequence[Message], reply: str, conversation: str) -> None:
        """Remember that ``conversation`` has now come as far as ``reply``, the answer to ``messages``."""
        beginning = _digest(session, [*messages, Message("assistant", reply)])
        known = self._known.setdefault(beginning, [])
        if conversation not in known:
            known.append(conversation)
            del known[:-_ALIKE]
        self._known.move_to_end(beginning)
        if len(self._known) > self._most:
            self._known.popitem(last=False)


def _digest(session: str, messages: Sequence[Message]) -> bytes:
    said = hashlib.blake2b(digest_size=16)
    for part in (session, *(part for each in messages for part in (each.role, _plain(each.content)))):
        encoded = part.encode("utf-8", "surrogatepass")
        said.update(b"%d:" % len(encoded))
        said.update(encoded)
    return said.digest()


def _plain(text: str) -> str:
    """Return ``text`` as it is recognised: clients trim what they send back, and write JSON anew."""
    text = text.strip()
    if text.startswith("{"):
        try:
            return json.dumps(json.loads(text), sort_keys=True)
        except (ValueError, RecursionError):
            return text
    return text
