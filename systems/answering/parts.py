"""What a turn asks of the parts it passes through, and what it notes on its way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from systems.engines.interface import Message
from systems.interface import Reply
from systems.memory.schema import SavedTurn
from systems.turn import commands


class Shown(NamedTuple):
    """How a question stays in a history: as it was ``sent``, or, empty, as it is.

    ``cleared`` is how often all that may know what was forgotten had been let go by then (`ReplyCache`). ``of_history``
    is the share of the prompt that stays: all but the system's message, which may be a client's long instructions.
    Where the prompt had no room for what the questions before were sent with, these are ``bare`` from now on.
    """

    sent: str = ""
    cleared: int = 0
    of_history: float = 1.0
    bare: bool = False


class Bare:
    """Makes the messages of a prompt without notes of earlier turns; ``needed`` says whether an engine asked for it."""

    def __init__(self, messages: Callable[[], Sequence[Message]]) -> None:
        self._messages = messages
        self.needed = False

    def __call__(self) -> Sequence[Message]:
        """Return them."""
        self.needed = True
        return self._messages()


class Lay(NamedTuple):
    """Where a conversation lay when its turn came, and what it took to have it, in seconds."""

    tier: str | None = None
    fetched_s: float | None = None


class ReplyCache(commands.Resizable, Protocol):
    """Replies by key; ``cleared`` counts how often all of them were forgotten."""

    cleared: int

    def get(self, key: str) -> Reply | None:
        """Return the reply under ``key``, or None."""
        ...

    def put(self, key: str, reply: Reply) -> None:
        """Store ``reply`` under ``key``."""
        ...

    def clear(self) -> None:
        """Forget every reply."""
        ...


class Saver(Protocol):
    """Takes over turns to be saved; ``saved`` counts turns, ``failures`` attempts."""

    saved: int
    failures: int

    async def close(self) -> None:
        """Save what was accepted."""
        ...

    async def settled(self) -> None:
        """Return when what was accepted before is saved. Raises `NotSaved`."""
        ...

    async def decided(self) -> None:
        """Return when it is known of each turn that was added whether it is accepted."""
        ...

    def waits(self, session: str, conversation: str) -> bool:
        """Return whether a turn of this conversation was accepted that is not saved yet."""
        ...

    async def add(self, turn: SavedTurn, taken: Callable[[], None]) -> None:
        """Accept ``turn``, and call ``taken`` then. Raises `NotSaved` if it cannot wait until saving works again."""
        ...
