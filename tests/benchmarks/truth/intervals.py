"""How often intervals hold the truth, which other intervals were tried, and how often a block stands apart."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
from scipy import special

from experiments.analysis import robust
from experiments.analysis.robust import apart
from tests.benchmarks.truth.distributions import DISTRIBUTIONS, NORMAL, Array, Distribution
from tests.benchmarks.truth.simulating import BLOCKS, KINDS, Ends, by_blocks, covered, drawn, ends

LEVEL = 0.95


def coverage(count: int) -> Iterator[str]:
    """Say how often each interval holds the true mean, and how often the true median."""
    yield "Coverage: of 100 intervals at 95 %, how many hold the true mean, and how many the true median"
    yield "(wider: the width of the cautious interval over that of the mean's, median of runs)"
    kinds = "".join(f"{kind:>10s}" for kind in KINDS)
    yield f"{'':22s}{'of the true mean':>30s}    {'of the true median':>30s}"
    yield f"{'':16s}blocks{kinds}    {kinds}   wider"
    for distribution in DISTRIBUTIONS:
        for blocks in BLOCKS:
            of_mean, of_median, wider = covering(distribution, blocks, count)
            cells = ("".join(f"{share:10.1f}" for share in shares) for shares in (of_mean, of_median))
            yield f"{distribution.name:16s}{blocks:6d}{'    '.join(cells)}  × {wider:.2f}"


def covering(distribution: Distribution, blocks: int, count: int) -> tuple[list[float], list[float], float]:
    """Return how many in 100 intervals of each kind hold the true mean, and the median; and how much wider one is."""
    found = ends(drawn(distribution, count, blocks, 1))
    of_mean, of_median = (
        [covered(found[kind], truth) for kind in KINDS] for truth in (distribution.mean, distribution.median)
    )
    (low, high), (lowest, highest) = found["mean"], found["cautious"]
    return of_mean, of_median, float(np.median((highest - lowest) / (high - low)))


def centres(count: int) -> Iterator[str]:
    """Say how the intervals do that could stand beside the mean's."""
    blocks = (6, 7, 8, 9, 12, 30)
    yield "Intervals of the centre that were tried: of 100, how many hold the true median; and the effect, in standard"
    yield "deviations of normal noise, that the interval and Student's together tell from none four times of five"
    yield f"{'':46s}" + "".join(f"{number:7d}" for number in blocks)
    for kind, interval in CENTRES.items():
        for distribution in DISTRIBUTIONS:
            shares = (
                covered(interval(drawn(distribution, count, number, 2)), distribution.median) for number in blocks
            )
            yield f"{kind:30s}{distribution.name:16s}" + "".join(f"{share:7.1f}" for share in shares)
        told = (_told(interval, drawn(NORMAL, count, number, 2)) for number in blocks)
        yield f"{kind:30s}{'effect told':16s}" + "".join(f"{effect:7.2f}" for effect in told)


def standing_apart(count: int) -> Iterator[str]:
    """Say how often a block stands apart by chance."""
    yield "A block that stands apart: in how many of 100 runs one does"

    def share(distribution: Distribution, blocks: int) -> list[float]:
        return [100 * float(np.mean([apart(run) is not None for run in drawn(distribution, count, blocks, 3)]))]

    yield from by_blocks(share)


def _student(numbers: Array) -> Ends:
    count = numbers.shape[-1]
    reach = special.stdtrit(count - 1, (1 + LEVEL) / 2) * numbers.std(axis=-1, ddof=1) / math.sqrt(count)
    return numbers.mean(axis=-1) - reach, numbers.mean(axis=-1) + reach


def _sign_test(numbers: Array) -> Ends:
    """From one number to another, without interpolation."""
    count, ordered = numbers.shape[-1], np.sort(numbers, axis=-1)
    rank = int((special.bdtr(np.arange(count), count, 0.5) <= (1 - LEVEL) / 2).sum())
    return ordered[..., rank - 1], ordered[..., count - rank]


def _signed_rank(numbers: Array) -> Ends:
    """Of Wilcoxon's test, exact: from one mean of two numbers to another, around Hodges and Lehmann's centre."""
    count = numbers.shape[-1]
    ways = np.ones(1)
    for rank in range(1, count + 1):
        ways = np.concatenate([ways, np.zeros(rank)]) + np.concatenate([np.zeros(rank), ways])
    last = int((np.cumsum(ways) / 2.0**count <= (1 - LEVEL) / 2).sum())
    first, second = np.triu_indices(count)
    means = np.sort((numbers[..., first] + numbers[..., second]) / 2, axis=-1)
    return means[..., last - 1], means[..., -last]


def _trimmed(numbers: Array) -> Ends:
    """Of the mean without a fifth of the numbers at either side (Tukey and McLaughlin, Yuen)."""
    count, ordered = numbers.shape[-1], np.sort(numbers, axis=-1)
    cut = max(1, count // 5)
    kept = ordered[..., cut : count - cut]
    pulled_in = np.clip(ordered, kept[..., :1], kept[..., -1:])
    left = count - 2 * cut
    error = pulled_in.std(axis=-1, ddof=1) * math.sqrt((count - 1) / (left * (left - 1)))
    reach = special.stdtrit(left - 1, (1 + LEVEL) / 2) * error
    return kept.mean(axis=-1) - reach, kept.mean(axis=-1) + reach


def _told(interval: Callable[[Array], Ends], numbers: Array) -> float:
    return -float(np.quantile(np.minimum(interval(numbers)[0], _student(numbers)[0]), 0.2))


CENTRES: dict[str, Callable[[Array], Ends]] = {
    "median, interpolated (taken)": robust.interval,
    "median, sign test": _sign_test,
    "pseudo-median, signed rank": _signed_rank,
    "trimmed mean": _trimmed,
}
