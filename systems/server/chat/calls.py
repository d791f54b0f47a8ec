"""Hears the calls of functions in a reply while the model says it: names first, then arguments in pieces."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator
from typing import NamedTuple

from systems.server.chat.tools import CALLS, Tools, heard

# The beginning of an object up to the end of its first key.
_FIRST_KEY = re.compile(r'\s*\{\s*("(?:[^"\\]|\\.)*")\s*:', re.DOTALL)
_PERHAPS = re.compile(r'\s*(?:\{\s*(?:"(?:[^"\\]|\\.?)*"?\s*)?)?', re.DOTALL)


class Said(NamedTuple):
    """A piece of the reply's text."""

    text: str


class CallBegun(NamedTuple):
    """The beginning of a call: its place among the reply's, an id, and the function's name."""

    place: int
    id: str
    name: str


class Argued(NamedTuple):
    """A piece of the arguments of the call at ``place``."""

    place: int
    text: str


Heard = Said | CallBegun | Argued


class Hearing:
    """Takes one reply apart. Without ``tools`` it is all text.

    With ``formed``, text has a form of its own and may be an object too: then it is known by its first key, and a call
    is told only once it is whole.
    """

    def __init__(self, tools: Tools | None, *, formed: bool = False) -> None:
        self._tools = tools
        self._formed = formed and tools is not None and tools.choice == "auto"
        self._calling: bool | None = False if tools is None else None
        self._kept = ""
        self._scanner = _Scanner()
        self.calls = 0

    @property
    def broken(self) -> bool:
        """Whether the reply ended within a call."""
        return self.calls > 0 and not self._scanner.ended

    def feed(self, piece: str) -> Iterator[Heard]:
        """Yield what is known now that the model has said ``piece`` as well."""
        if self._calling is None:
            self._kept += piece
            self._calling = self._decided()
            if self._calling is None:
                return
            piece, self._kept = self._kept, ""
        if not self._calling:
            if piece:
                yield Said(piece)
            return
        if self._formed or not self.calls:
            self._kept += piece
        if not self._formed:
            yield from self._scanned(piece)

    def end(self, *, cut: bool) -> Iterator[Heard]:
        """Yield what is known now that the reply is at its end, perhaps because it was ``cut``.

        A call that was cut before its name is nothing that anybody could read.
        """
        if self._formed and self._calling and self._tools is not None and heard(self._kept, self._tools) is not None:
            yield from self._scanned(self._kept)
        elif self._kept and not self.calls and not (cut and self._calling and not self._formed):
            yield Said(self._kept)
        self._kept = ""

    def _decided(self) -> bool | None:
        """Return whether the reply is calls; None while that cannot be told."""
        begun = self._kept.lstrip()
        if not begun:
            return None
        if not begun.startswith("{"):
            return False
        if not self._formed:
            return True
        if (first := _FIRST_KEY.match(self._kept)) is not None:
            return first[1] == f'"{CALLS}"'
        return None if _PERHAPS.fullmatch(self._kept) else False

    def _scanned(self, text: str) -> Iterator[Heard]:
        for found in self._scanner.feed(text):
            self.calls += isinstance(found, CallBegun)
            yield found


class _Scanner:
    """Reads ``{"tool_calls": [{"name": …, "arguments": {…}}, …]}`` in whatever pieces it comes."""

    # How deep brackets are nested where the keys of a call stand, and where its arguments do.
    _CALL, _ARGUMENTS = 3, 4

    def __init__(self) -> None:
        self._depth = 0
        self._string: str | None = None
        self._escaped = False
        self._key = ""
        self._index = -1
        self.ended = False

    def feed(self, piece: str) -> Iterator[CallBegun | Argued]:
        begun = 0 if self._arguing else None
        for place, character in enumerate(piece):
            if self._string is not None:
                if (called := self._within(character)) is not None:
                    yield called
            elif character == '"':
                self._string = character
            elif character in "{[":
                self._depth += 1
                if self._depth == self._ARGUMENTS and self._key == "arguments":
                    begun = place
            elif character in "}]":
                self._depth -= 1
                if begun is not None and self._depth == self._CALL:
                    yield Argued(self._index, piece[begun : place + 1])
                    begun = None
                self.ended = self._depth == 0
        if begun is not None:
            yield Argued(self._index, piece[begun:])

    @property
    def _arguing(self) -> bool:
        return self._depth >= self._ARGUMENTS and self._key == "arguments"

    def _within(self, character: str) -> CallBegun | None:
        """Take one more character of a string; return the call that begins where this was a function's name."""
        assert self._string is not None
        if self._arguing:
            # Nothing here is looked at but where the string ends.
            ends = character == '"' and not self._escaped
            self._escaped = character == "\\" and not self._escaped
            self._string = None if ends else self._string
            return None
        self._string += character
        if self._escaped or character != '"':
            self._escaped = character == "\\" and not self._escaped
            return None
        said, self._string = json.loads(self._string), None
        if self._depth != self._CALL:
            return None
        if self._key == "name":
            self._key = ""
            self._index += 1
            return CallBegun(self._index, f"call_{uuid.uuid4().hex[:24]}", said)
        self._key = said
        return None
