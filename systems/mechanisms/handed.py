"""Which turns were handed over to be saved: who stops a reply in that moment is not to have it saved twice."""

from __future__ import annotations

import hashlib
from collections import OrderedDict

from systems.interface import Request

# Turns that were handed over lately, each in about 200 bytes. Who stops a reply asks right away to have it kept.
_MOST = 1_000


class Handed:
    """The turns that were handed over last, at most ``most`` of them. For use on one event loop.

    A client chooses the names of its requests, and may use one again: `begins` forgets what had it before.
    """

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._turns: OrderedDict[bytes, None] = OrderedDict()

    def begins(self, request: Request) -> None:
        """A turn that answers ``request`` begins: it was not handed over yet."""
        self._turns.pop(_named(request), None)

    def over(self, request: Request) -> None:
        """The turn that answers ``request`` is handed over."""
        self._turns[_named(request)] = None
        if len(self._turns) > self._most:
            self._turns.popitem(last=False)

    def has(self, request: Request) -> bool:
        """Return whether the turn that answered ``request`` was handed over."""
        return _named(request) in self._turns


def _named(request: Request) -> bytes:
    digest = hashlib.blake2b(digest_size=16)
    for part in (request.talk, request.id, request.text):
        data = part.encode()
        digest.update(b"%d:" % len(data))
        digest.update(data)
    return digest.digest()
