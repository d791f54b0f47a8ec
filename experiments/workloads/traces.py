"""Access traces: which key is asked for next."""

from __future__ import annotations

import random
from itertools import accumulate

# The published trace: 200 keys, the first 50 of them hot, 70 % of accesses drawn from the hot ones, the rest from all.
PUBLISHED_KEYS, PUBLISHED_HOT, PUBLISHED_HOT_SHARE, PUBLISHED_ACCESSES = 200, 50, 0.7, 500


def published(seed: int, accesses: int = PUBLISHED_ACCESSES) -> list[int]:
    """Return the trace of the published cache experiment."""
    rng = random.Random(f"published {seed}")
    return [
        rng.randrange(PUBLISHED_HOT if rng.random() < PUBLISHED_HOT_SHARE else PUBLISHED_KEYS) for _ in range(accesses)
    ]


def zipf(seed: int, accesses: int, keys: int, exponent: float) -> list[int]:
    """Return ``accesses`` draws of ``keys`` keys, the k-th of them with a chance proportional to k^-exponent."""
    rng = random.Random(f"zipf {seed}")
    weights = list(accumulate((rank + 1) ** -exponent for rank in range(keys)))
    return rng.choices(range(keys), cum_weights=weights, k=accesses)
