"""Access traces: which key is asked for next."""

from __future__ import annotations

import random
from itertools import accumulate

# The published trace: 5 runs of 100 accesses over 200 keys, the first 50 of them hot, 70 % of accesses drawn from the
# hot ones, the rest from all.
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


def scan(seed: int, accesses: int, hot: int, once: int) -> list[int]:
    """Return accesses to ``hot`` keys at random, broken off now and then by a run of ``once`` keys never seen again.

    A run is as long as the stretch before it: somebody reads through an archive once, and the cache forgets what
    everybody else asks for.
    """
    rng = random.Random(f"scan {seed}")
    found: list[int] = []
    fresh = hot
    while len(found) < accesses:
        found += [rng.randrange(hot) for _ in range(once)]
        found += range(fresh, fresh + once)
        fresh += once
    return found[:accesses]
