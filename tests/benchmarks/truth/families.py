"""What the correction for many comparisons does to each way of asking whether two differ."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from scipy import special

from experiments.analysis import multiplicity
from experiments.analysis.intervals import Estimate
from tests.benchmarks.truth.distributions import DISTRIBUTIONS, Array, Distribution
from tests.benchmarks.truth.simulating import RUNS, SEED

COMPARISONS, BLOCKS, EFFECT = 100, 6, 2.0
FAMILIES = 200
"""How many families in a table of `RUNS`."""


def many_comparisons(count: int) -> Iterator[str]:
    """Say how many effects are told, and how many of those told are none."""
    families = max(2, FAMILIES * count // RUNS)
    yield f"Many comparisons: {families} families of {COMPARISONS}, {BLOCKS} blocks each, no noise floor, effects of"
    effects = f"{EFFECT:g} standard deviations"
    yield f"{effects}. Of 100 effects, how many are told; of 100 told, how many are none (the mean of"
    yield "families; 0 in one that tells nothing). Three ways, each by Benjamini and Hochberg's procedure:"
    yield "the mean's interval excludes 1, and its p-value passes /"
    yield "the cautious interval excludes 1, and the mean's p-value passes (taken) /"
    yield "the cautious interval excludes 1, and the larger of the p-values of the mean and of the sign test passes"
    for differing in (0, 10, 50, 85):
        yield f"{differing} of {COMPARISONS} have an effect"
        for distribution in DISTRIBUTIONS:
            cells = (
                f"{right:5.1f} told, {false:4.1f} false" for right, false in shares(distribution, differing, families)
            )
            yield f"{distribution.name:16s}" + "    ".join(cells)


def shares(distribution: Distribution, differing: int, families: int) -> list[tuple[float, float]]:
    """Return for each way how many of 100 effects are told, and how many of 100 told are none, on average."""
    right, false = np.zeros((2, families, 3))
    for family in range(families):
        told = _told(_family(distribution, differing, family))
        right[family] = told[:, :differing].sum(axis=1)
        false[family] = told[:, differing:].sum(axis=1)
    power = 100 * right.mean(axis=0) / max(differing, 1)
    of_told = 100 * (false / np.maximum(right + false, 1)).mean(axis=0)
    return list(zip(power.tolist(), of_told.tolist(), strict=True))


def _family(distribution: Distribution, differing: int, family: int) -> Array:
    generator = np.random.default_rng([SEED, 11, DISTRIBUTIONS.index(distribution), differing, family])
    first, second = (distribution.draw(generator, (COMPARISONS, BLOCKS)) for _ in range(2))
    logs: Array = (first - second) / (first - second).std()
    logs[:differing] += EFFECT
    return logs


def _told(logs: Array) -> Array:
    """Return which comparisons of a family are told to differ, a row each of three ways."""
    estimate = Estimate(logs)
    of_mean = np.minimum(estimate.inside(0, math.inf), estimate.inside(-math.inf, 0))
    fewer = np.minimum((logs < 0).sum(axis=-1), (logs > 0).sum(axis=-1))
    of_both = np.maximum(of_mean, 2 * special.bdtr(fewer, logs.shape[-1], 0.5))
    (low, high), (lowest, highest) = estimate.interval(), estimate.cautious()
    excludes, cautiously = (low > 0) | (high < 0), (lowest > 0) | (highest < 0)
    return np.array([excludes & _passing(of_mean), cautiously & _passing(of_mean), cautiously & _passing(of_both)])


def _passing(p_values: Array) -> Array:
    return np.array([share <= multiplicity.FALSE_SHARE for share in multiplicity.adjusted(p_values.tolist())])
