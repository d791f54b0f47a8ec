"""When requests are due: open arrivals, which come whether or not anything was answered, and pauses for thought."""

from __future__ import annotations

import random


def poisson(seed: int, rate: float, requests: int) -> list[float]:
    """Return the instants, in seconds, of ``requests`` arrivals at ``rate`` a second, independent of each other."""
    rng = random.Random(f"poisson {seed}")
    at, instants = 0.0, []
    for _ in range(requests):
        at += rng.expovariate(rate)
        instants.append(at)
    return instants


def bursts(seed: int, rate: float, size: int, requests: int) -> list[float]:
    """Return the instants of arrivals that come ``size`` at once: the bursts are Poisson, the mean rate is ``rate``."""
    moments = poisson(seed, rate / size, -(-requests // size))
    return [moments[number // size] for number in range(requests)]


def pauses(seed: int, mean_s: float, users: int, turns: int) -> list[list[float]]:
    """Return how long each of ``users`` thinks before each of ``turns`` questions: exponential, in seconds."""
    rng = random.Random(f"pauses {seed}")
    return [[rng.expovariate(1 / mean_s) for _ in range(turns)] for _ in range(users)]
