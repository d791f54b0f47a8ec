"""Reciprocal rank fusion: one ranking out of several, by places alone (Cormack, Clarke and Büttcher, 2009).

Scores of different kinds cannot be added; places can. What several rankings have high up comes first.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TypeVar

T = TypeVar("T", bound=Hashable)


def fused(rankings: Sequence[Sequence[T]], limit: int, k: int) -> list[T]:
    """Return the best ``limit`` of what is in any of ``rankings``, best first.

    An item's worth is Σ 1 ÷ (k + place), its place counted from 1; of equals the one that came first is better.
    """
    worth: dict[T, float] = {}
    for ranking in rankings:
        for place, item in enumerate(ranking, 1):
            worth[item] = worth.get(item, 0.0) + 1 / (k + place)
    return sorted(worth, key=worth.__getitem__, reverse=True)[:limit]
