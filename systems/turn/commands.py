"""Runtime commands: the first step of a turn, answered without a model, the same for every built-in system.

A slash begins a command only where one of the names follows, or what was plainly meant to be one: paths, comments and
the like are messages. A conversation may change what is its own (its history); the size of the cache, as published, is
the process's.
"""

from __future__ import annotations

import difflib
import re
from typing import Any, Protocol

import msgspec

from systems.settings import CACHE_LIMIT, HISTORY_LIMIT, CacheCapacity, HistoryLength
from systems.turn.history import Histories

HELP = (
    "Commands: /help lists them, /settings shows what is set, /history N keeps N messages of this conversation, "
    "/cache size N keeps N replies for everyone, /forget empties this conversation's history."
)

_NAMES = ("help", "settings", "history", "cache", "forget")

# A word alone, or with what a command takes: only then a name that is nearly right was meant for a command.
_SHAPE = re.compile(r"([a-z]+) *(?:(?:size +)?-?\d+)?")
# How alike a name must be: "hlep", "histroy", "hist" and "cahce" are; "home", "etc", "cash" and "s" are not.
_ALIKE = 0.7
_BEGUN = 3  # letters: "set" and "hist" begin a name, "s" ends a joke


class Resizable(Protocol):
    """A cache as commands see it."""

    @property
    def capacity(self) -> int:
        """How many replies it holds at most."""
        ...

    def resize(self, capacity: int) -> None:
        """Hold at most ``capacity`` replies from now on."""
        ...


def is_command(text: str) -> bool:
    """Return whether ``text`` is a command to the agent, or nearly one, rather than a message to the model."""
    words = _words(text)
    return words is not None and (not words or words[0] in _NAMES or _nearest(words) is not None)


def concerns_everyone(text: str) -> bool:
    """Return whether the command in ``text`` changes something for more than its own conversation."""
    words = _words(text)
    return words is not None and words[:1] == ["cache"]


def empties_history(text: str) -> bool:
    """Return whether the command in ``text`` empties its conversation's history."""
    return _words(text) == ["forget"] and "?" not in text  # who asks what it does does not want it done


def answer(text: str, session: str, histories: Histories, cache: Resizable) -> str:
    """Carry out the command in ``text``, said in ``session``, and return what to say."""
    if empties_history(text):
        histories.forget(session)
        return "This conversation's history is empty now; what was said stays in long-term memory."
    words = _words(text) or []
    match words:
        case ["help"]:
            return HELP
        case ["settings"]:
            return (
                f"History: {histories.length(session)} messages of this conversation. "
                f"Cache: {cache.capacity} replies for everyone."
            )
        case ["history", *rest]:
            length = _number(rest, HistoryLength)
            if length is None:
                return f"Write /history N, with N from 0 to {HISTORY_LIMIT} messages."
            histories.resize(session, length)
            return f"This conversation's history holds {length} messages now."
        case ["cache", *rest]:
            capacity = _number(rest[1:], CacheCapacity) if rest[:1] == ["size"] else None
            if capacity is None:
                return f"Write /cache size N, with N from 0 to {CACHE_LIMIT} replies."
            cache.resize(capacity)
            return f"The cache holds {capacity} replies now."
        case ["help" | "forget" | "settings" as name, *_]:
            return f"Write /{name} alone. To say this to the model, begin with another word."
        case [name, *_] if (nearest := _nearest(words)) is not None:
            return f"There is no command /{name}; did you mean /{nearest}? {HELP}"
        case _:
            return HELP


def _words(text: str) -> list[str] | None:
    """Return the words after the slash of one line, in lower case, and None where no word follows a slash at once."""
    text = text.strip()
    if not text.startswith("/"):
        return None
    line = text[1:]
    if line[:1].isspace() or len(line.splitlines()) > 1:
        return None
    return line.lower().rstrip("?!.").split()


def _nearest(words: list[str]) -> str | None:
    """Return the name that was meant, if ``words`` are like a command or the beginning of its name."""
    said = _SHAPE.fullmatch(" ".join(words[:4]))  # no command has more than three
    if said is None:
        return None
    begun = [name for name in _NAMES if len(said[1]) >= _BEGUN and name.startswith(said[1])]
    return next(iter(begun or difflib.get_close_matches(said[1], _NAMES, n=1, cutoff=_ALIKE)), None)


def _number(words: list[str], bounds: Any) -> int | None:
    try:
        return msgspec.convert(" ".join(words), bounds, strict=False)  # type: ignore[no-any-return]
    except msgspec.ValidationError:
        return None
