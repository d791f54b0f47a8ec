"""The order in which subjects and conditions are listed: the same everywhere, numbers by size."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from experiments.measuring.records import Scalar


def natural(text: str) -> tuple[tuple[int, int, str], ...]:
    """Return a sort key under which "offloaded-2" comes before "offloaded-16"."""
    return tuple(
        (0, int(piece), "") if piece.isdecimal() else (1, 0, piece) for piece in re.split(r"(\d+)", text) if piece
    )


def describe(condition: Mapping[str, Scalar]) -> str:
    """Return a condition as a line a person reads; "–" when it has no factors."""
    return ", ".join(f"{factor}={level}" for factor, level in condition.items()) or "–"


def subjects(names: Iterable[str], references: Sequence[str]) -> list[str]:
    """Return the subjects, the references first in their own order, then the rest in natural order."""
    rest = set(names)
    first = [name for name in references if name in rest]
    return first + sorted(rest.difference(first), key=natural)


def reference(names: Iterable[str], references: Sequence[str]) -> str | None:
    """Return the first of ``references`` that is among ``names``."""
    present = set(names)
    return next((name for name in references if name in present), None)
