"""What the tiers have in common: their names, and what lies in them."""

from __future__ import annotations

from typing import Literal, NamedTuple

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
