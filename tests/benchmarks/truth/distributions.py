"""What the noise between blocks may look like: distributions with a known mean and median, to simulate from."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
from scipy import optimize, special, stats

Array = np.ndarray
Draw = Callable[[np.random.Generator, tuple[int, int]], Array]

SPIKE = 10
"""The mean height of a spike, exponential, in standard deviations of what is without spikes."""
CORRELATION = 0.5


class Distribution(NamedTuple):
    """Numbers of scale 1: ``draw`` gives rows of so many, each row a run, with this true ``mean`` and ``median``."""

    name: str
    draw: Draw
    mean: float = 0.0
    median: float = 0.0


def _bimodal(generator: np.random.Generator, shape: tuple[int, int]) -> Array:
    return generator.choice([-1.0, 1.0], shape) + generator.normal(0, 0.3, shape)


def _autocorrelated(generator: np.random.Generator, shape: tuple[int, int]) -> Array:
    numbers = generator.normal(size=shape)
    for block in range(1, shape[1]):
        fresh = math.sqrt(1 - CORRELATION**2) * numbers[:, block]
        numbers[:, block] = CORRELATION * numbers[:, block - 1] + fresh
    return numbers


def _spiky(rate: float, generator: np.random.Generator, shape: tuple[int, int]) -> Array:
    spikes = generator.exponential(SPIKE, shape) * (generator.random(shape) < rate)
    return generator.normal(size=shape) + spikes


def _spikes(rate: float) -> Distribution:
    def below(number: float) -> float:
        return (1 - rate) * special.ndtr(number) + rate * stats.exponnorm.cdf(number, SPIKE)

    median = optimize.brentq(lambda number: below(number) - 0.5, -1, SPIKE)
    return Distribution(f"spikes {rate:.0%}", partial(_spiky, rate), rate * SPIKE, median)


NORMAL = Distribution("normal", lambda generator, shape: generator.normal(size=shape))

DISTRIBUTIONS = (
    NORMAL,
    Distribution("t, 3 degrees", lambda generator, shape: generator.standard_t(3, shape)),
    Distribution("bimodal", _bimodal),
    Distribution("uniform", lambda generator, shape: generator.uniform(-math.sqrt(3), math.sqrt(3), shape)),
    Distribution("exponential", lambda generator, shape: generator.exponential(size=shape), 1.0, math.log(2)),
    Distribution("lognormal", lambda generator, shape: generator.lognormal(size=shape), math.exp(0.5), 1.0),
    *(_spikes(rate) for rate in (0.05, 0.1, 0.25)),
    Distribution("autocorrelated", _autocorrelated),
)
