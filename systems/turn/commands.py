"""Runtime commands: the first step of a turn, answered without a model, the same for every built-in system.

A conversation may change what is its own (its history); the size of the cache, as published, is the process's.
"""

from __future__ import annotations

from typing import Any, Protocol

import msgspec

from systems.settings import CACHE_LIMIT, HISTORY_LIMIT, CacheCapacity, HistoryLength
from systems.turn.history import Histories

HELP = (
    "Commands: /help lists them, /settings shows what is set, /history N keeps N messages of this conversation, "
    "/cache size N keeps N replies for everyone, /forget empties this conversation's history."
)


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
    """Return whether ``text`` is a command to the agent rather than a message to the model."""
    return text.lstrip().startswith("/")


def concerns_everyone(text: str) -> bool:
    """Return whether the command in ``text`` changes something for more than its own conversation."""
    return is_command(text) and text.lstrip().removeprefix("/").split()[:1] == ["cache"]


def answer(text: str, session: str, histories: Histories, cache: Resizable) -> str:
    """Carry out the command in ``text``, said in ``session``, and return what to say."""
    words = text.lstrip().removeprefix("/").split()
    match words:
        case ["help"]:
            return HELP
        case ["forget"]:
            histories.forget(session)
            return "This conversation's history is empty now."
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
        case _:
            return f"There is no command /{words[0] if words else ''}. {HELP}"


def _number(words: list[str], bounds: Any) -> int | None:
    try:
        return msgspec.convert(" ".join(words), bounds, strict=False)  # type: ignore[no-any-return]
    except msgspec.ValidationError:
        return None
