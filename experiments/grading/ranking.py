"""How good a ranking is, given which of its items are evidence. ``ranked`` is best first, without repetitions."""

from __future__ import annotations

import math
from collections.abc import Collection, Hashable, Sequence


def recall_any(ranked: Sequence[Hashable], evidence: Collection[Hashable], k: int) -> bool:
    """Return whether any evidence is among the first ``k``."""
    return any(item in evidence for item in ranked[:k])


def recall_all(ranked: Sequence[Hashable], evidence: Collection[Hashable], k: int) -> bool:
    """Return whether all evidence is among the first ``k``."""
    return set(evidence) <= set(ranked[:k])


def recall(ranked: Sequence[Hashable], evidence: Collection[Hashable], k: int) -> float:
    """Return the share of the evidence that is among the first ``k``. Raises `ZeroDivisionError` without evidence."""
    return len(set(evidence) & set(ranked[:k])) / len(set(evidence))


def reciprocal_rank(ranked: Sequence[Hashable], evidence: Collection[Hashable]) -> float:
    """Return 1 ÷ the place of the first evidence, 0 if there is none."""
    return next((1 / place for place, item in enumerate(ranked, 1) if item in evidence), 0.0)


def ndcg(ranked: Sequence[Hashable], evidence: Collection[Hashable], k: int) -> float:
    """Return the normalised discounted cumulative gain of the first ``k``: Σ 1/log₂(place + 1), best possible = 1.

    Järvelin & Kekäläinen, 2002, with gains of 0 and 1. Raises `ZeroDivisionError` without evidence.
    """
    best = sum(_discount(place) for place in range(1, min(k, len(set(evidence))) + 1))
    return sum(_discount(place) for place, item in enumerate(ranked[:k], 1) if item in evidence) / best


def _discount(place: int) -> float:
    return 1 / math.log2(place + 1)
