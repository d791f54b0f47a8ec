"""Words and numbers that tasks are made of, each in one of the two splits and never in both."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TypeVar

from experiments.workloads.tasks.interface import Split

T = TypeVar("T")


def half(values: Sequence[T], split: Split) -> Sequence[T]:
    """Return the half of ``values`` that belongs to ``split``: every other one."""
    return values[0 if split == "settling" else 1 :: 2]


def number(rng: random.Random, split: Split, low: int, high: int) -> int:
    """Return a number from ``low`` to below ``high``, even for settling and odd for reporting."""
    drawn = rng.randrange(low, high - 1)
    return drawn + (drawn + (split == "reporting")) % 2


def text(rng: random.Random, sentences: Sequence[str], slots: dict[str, str], count: int) -> list[str]:
    """Return ``count`` different sentences in random order, with the slots filled."""
    return [sentence.format(**slots) for sentence in rng.sample(sentences, count)]
