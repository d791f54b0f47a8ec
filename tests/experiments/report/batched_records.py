"""Invented records of users in a closed loop with both agents on both engines, and of the engine's ladder."""

from __future__ import annotations

import random
from collections.abc import Iterator

from experiments.measuring.records import Part, Record
from tests.experiments.analysis import synthetic

# How many times the baseline's throughput on the serial engine, by users.
GAINS = {
    "baseline": {1: 1.0, 50: 1.0},
    "asynchronous": {1: 1.0, 50: 1.0},
    "baseline-batched": {1: 1.0, 50: 1.25},
    "asynchronous-batched": {1: 1.0, 50: 5.0},
}
STEPS = {
    "baseline on serial": ("serial", 1.0),
    "asynchronous on serial": ("serial", 1.0),
    "asynchronous on batched-one-slot": ("one-slot", 0.5),
    "asynchronous on batched": ("batching", 0.8),
    "asynchronous on batched+prefixes": ("prefixes", 1.5),
    "asynchronous on batched+prefixes+states": ("states", 4.0),
    "asynchronous on batched+prefixes+states+cache": ("cache", 8.0),
    "baseline on batched+prefixes+states": ("states", 1.25),
}


def closed(blocks: int) -> Iterator[Record]:
    """Yield both agents on both engines, at one user and at fifty."""
    for subject, gains in GAINS.items():
        for users, gain in gains.items():
            condition = {"work": "inference", "users": users, "turns": 1, "arrivals": "closed"}
            yield from _trials(subject, "batched" if "batched" in subject else "", condition, gain, blocks)


def ladder(blocks: int) -> Iterator[Record]:
    """Yield the engine's ladder."""
    condition = {"work": "inference", "users": 10, "turns": 3, "arrivals": "closed", "questions": "repeated", "pool": 4}
    for subject, (variant, gain) in STEPS.items():
        yield from _trials(subject, variant, condition | {"engines": "ladder"}, gain, blocks)


def _trials(subject: str, variant: str, condition: dict[str, str | int], gain: float, blocks: int) -> Iterator[Record]:
    """Yield trials in which one answer follows the other, so that throughput is as many times the first as ``gain``."""
    noise = random.Random(subject)
    for block in range(blocks):
        each = noise.uniform(0.99, 1.01) / gain
        rows = [synthetic.row((1 + number) * each) for number in range(20)]
        spec = synthetic.spec(
            "load",
            subject,
            block,
            condition=dict(condition),
            system=subject.replace("-", " ").partition(" ")[0],
            variant=variant,
        )
        counted = Part(role="subject", counters={"prompt_tokens": 100, "reused_tokens": round(10 * gain)})
        yield synthetic.record(spec, counted, Part(role="client", requests=rows, loop_delay_s=[0.001]))
