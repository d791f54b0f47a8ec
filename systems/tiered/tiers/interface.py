"""What the tiers have in common: their names, what lies in them, and what each of them can do with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, Protocol

from systems.turn.history import Exchange

TierName = Literal["hot", "warm", "cold", "frozen"]
"""Objects in memory, packed bytes in memory, packed bytes in a file, and bundles of whole sessions elsewhere."""

Stage = Literal[0, 1, 2, 3]
"""How short memory is: not at all, then without prefetch, then with a smaller warm tier, then with none."""


class KeptState(NamedTuple):
    """A conversation as it lies in a tier: its name among all sessions', and what it holds, packed.

    ``used`` is when it was last in use, in seconds since the epoch, ``uses`` how often it was.
    """

    talk: str
    packed: bytes
    used: float
    uses: int


class Fetched(NamedTuple):
    """A conversation that became hot again, the tier it lay in, and the seconds that took."""

    exchanges: tuple[Exchange, ...]
    tier: TierName
    seconds: float


class Size(NamedTuple):
    """How many conversations (sessions, in the frozen tier) lie in a tier, and the bytes they take there."""

    number: int
    bytes: int


class Tier(Protocol):
    """A place for packed states, within a bound in bytes. Every method raises `StoreError`."""

    async def put(self, states: Sequence[KeptState]) -> list[str]:
        """Keep ``states``, each in place of an older one of its conversation; return the names of what had to leave."""
        ...

    async def take(self, talk: str) -> KeptState | None:
        """Return the state of ``talk``, which lies here no longer; None if there is none."""
        ...

    async def remove(self, talk: str) -> bool:
        """Let nothing of ``talk`` lie here; return whether something did."""
        ...

    def size(self) -> Size:
        """Return what lies here."""
        ...
