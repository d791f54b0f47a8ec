"""The ablation ladder of a system: its mechanisms added to none of them one by one, or taken away from all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from experiments.measuring.records import Scalar


class Rung(NamedTuple):
    """A subject of the ablation ladder: ``variant`` is the mechanism that was added or left out, or "none" or "all"."""

    name: str
    variant: str
    settings: dict[str, Scalar]


def ladder(mechanisms: Sequence[str], direction: str) -> list[Rung]:
    """Return the ablation ladder of a system with these mechanisms.

    ``direction`` "add-one": none of the mechanisms, each one alone, and all; "leave-one-out": all, and all but each.
    """
    none = Rung("none", "none", dict.fromkeys(mechanisms, False))
    every = Rung("all", "all", dict.fromkeys(mechanisms, True))
    if direction == "add-one":
        alone = [Rung(f"none+{name}", name, none.settings | {name: True}) for name in mechanisms]
        return [none, *alone, every]
    return [every, *(Rung(f"all-{name}", name, every.settings | {name: False}) for name in mechanisms)]
