"""What an agent may have beside the turn: where conversations lie, replies by meaning, more than a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from systems.engines.interface import Engine
from systems.interface import Reply, Request
from systems.turn.history import Exchange


class Lain(Protocol):
    """A conversation that was not held: what was said in it, the ``tier`` it lay in, and what it took to have it."""

    @property
    def exchanges(self) -> Sequence[Exchange]:
        """What was said, oldest first, as it was sent."""
        ...

    @property
    def tier(self) -> str:
        """Where it lay."""
        ...

    @property
    def seconds(self) -> float:
        """How long it took to have it."""
        ...


class LowerTiers(Protocol):
    """Where the conversations lie that left the histories, which are the hot tier."""

    async def fetch(self, talk: str) -> Lain | None:
        """Return the conversation called ``talk``, which is there no longer; None if there is none.

        What was saved of its session is in long-term memory when this returns. Raises `StoreError`.
        """
        ...

    def leave_hot(self, talk: str, exchanges: Sequence[Exchange]) -> None:
        """Take over ``exchanges`` of ``talk``, which is not held any more."""
        ...

    async def wake(self, session: str) -> None:
        """Have what was saved of ``session`` in long-term memory. Raises `StoreError`."""
        ...

    async def forget(self, session: str) -> Sequence[str]:
        """Have nothing left of any conversation of ``session``, also in no file; return which lay there.

        Raises `StoreError`.
        """
        ...

    def where(self, talk: str) -> str | None:
        """Return the tier that the conversation called ``talk`` lies in."""
        ...


class Looked(NamedTuple):
    """A question as it was asked: under which ``scope``, after how many times all was ``cleared``; a ``reply`` to it.

    The scope is empty where no reply to another question will do.
    """

    scope: str = ""
    cleared: int = 0
    reply: Reply | None = None


class Similar(Protocol):
    """Replies to questions that meant the same."""

    async def asked(self, request: Request) -> Looked:
        """Return what is known of the question of ``request``. Raises `EngineError`."""
        ...

    async def answered(self, request: Request, asked: Looked, reply: Reply) -> None:
        """Let ``reply`` be that to the question, if it may be served again. Raises `EngineError`."""
        ...

    def told(self, request: Request) -> None:
        """Note what ``request`` says, which nobody looked up: replies that did not know it will not do any more."""
        ...

    def forget(self, session: str) -> None:
        """Let go of every reply, and of those to ``session`` that are being made."""
        ...


class ModelChoice(Protocol):
    """Which of several models answers."""

    def engine_for(self, request: Request) -> Engine:
        """Return the engine that answers ``request``: the same one whenever it is asked."""
        ...
