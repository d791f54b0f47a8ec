"""What an agent with tiers tells of the moves between them, to who watches it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeVar

from systems.interface import SystemMetric

_Tier = TypeVar("_Tier", bound=str)
_Reason = TypeVar("_Reason", bound=str)


def of_moves(
    moves: Mapping[tuple[_Tier, _Tier], int], lost: Mapping[_Reason, int], failures: int
) -> Iterator[SystemMetric]:
    """Yield what went from one tier to another, what of it is not kept any more and why, and what did not go."""
    for (origin, end), count in sorted(moves.items()):
        yield SystemMetric(
            name="tier_moves",
            says="Conversations that went from one tier to another.",
            value=count,
            labels={"origin": origin, "end": end},
            counted=True,
        )
    for reason, count in sorted(lost.items()):
        yield SystemMetric(
            name="tier_lost",
            says="States that are not kept any more, and are made again from their turns.",
            value=count,
            labels={"reason": reason},
            counted=True,
        )
    yield SystemMetric(name="tier_failures", says="Moves that did not come about.", value=failures, counted=True)
