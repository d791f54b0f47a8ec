"""Simulated runs, their intervals, and tables of a line a distribution."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from experiments.analysis.intervals import ENOUGH_FOR_BOOTSTRAP, Estimate
from tests.benchmarks.truth.distributions import DISTRIBUTIONS, Array, Distribution

RUNS, SEED = 20_000, 1
BLOCKS = (6, 12, 30)

KINDS = ("mean", "median", "cautious")
Ends = tuple[Array, Array]

_AT_ONCE = 500
"""How many runs are resampled at once: 9,999 resamples of each are held in memory."""


def runs(count: int, blocks: int) -> int:
    """Return how many runs with so many blocks are simulated."""
    return count if blocks < ENOUGH_FOR_BOOTSTRAP else count // 10


def drawn(distribution: Distribution, count: int, blocks: int, use: int) -> Array:
    """Return runs of noise, a row each; every ``use`` draws others."""
    generator = np.random.default_rng([SEED, use, DISTRIBUTIONS.index(distribution), blocks])
    return distribution.draw(generator, (runs(count, blocks), blocks))


def equals(distribution: Distribution, count: int, blocks: int, use: int) -> Array:
    """Return runs of log ratios of equals: both trials of a pair are drawn alike, so that any skew cancels."""
    first, second = (drawn(distribution, count, blocks, use + half) for half in (0, 1))
    return np.asarray((first - second) / math.sqrt(2))


def ends(numbers: Array) -> dict[str, Ends]:
    """Return the intervals of the mean, of the median, and the one that spans both, of each run."""
    found: dict[str, list[Ends]] = {kind: [] for kind in KINDS}
    for part in np.array_split(numbers, math.ceil(len(numbers) / _AT_ONCE)):
        estimate = Estimate(part)
        for kind, interval in zip(KINDS, (estimate.interval, estimate.robust, estimate.cautious), strict=True):
            found[kind].append(interval())
    return {
        kind: (np.concatenate([low for low, _ in parts]), np.concatenate([high for _, high in parts]))
        for kind, parts in found.items()
    }


def covered(interval: Ends, truth: float) -> float:
    """Return how many in a hundred intervals hold the truth."""
    low, high = interval
    return 100 * float(((low <= truth) & (truth <= high)).mean())


def by_blocks(shares: Callable[[Distribution, int], Sequence[float]]) -> Iterator[str]:
    """Yield a line a distribution, with what ``shares`` returns for it and each number of blocks."""
    yield f"{'':16s}" + "".join(f"{f'{blocks} blocks':>28s}" for blocks in BLOCKS)
    for distribution in DISTRIBUTIONS:
        cells = (" / ".join(f"{share:.1f}" for share in shares(distribution, blocks)) for blocks in BLOCKS)
        yield f"{distribution.name:16s}" + "".join(f"{cell:>28s}" for cell in cells)
