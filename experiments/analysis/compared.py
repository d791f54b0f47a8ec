"""The comparisons of one study: ratios to the reference, what equals differ by, and what both together say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import pandas as pd

from experiments.analysis import findings, noise, pairing

_PLACE = ["condition", "subject", "reference", "metric"]
_SAID = ["floor", "answer", "false_share", "smallest_effect", "why", "needs"]


class Compared(msgspec.Struct, frozen=True):
    """One study's comparisons: ``ratios`` a block, ``floors`` of its A/A arms, ``findings`` in its primary metrics."""

    ratios: pd.DataFrame
    floors: pd.DataFrame
    findings: pd.DataFrame

    def summary(self) -> pd.DataFrame:
        """Return a row a pair: its ratios summed up, and what they say where the metric is a primary one."""
        found = pairing.summarise(self.ratios)
        found["factors"] = found["condition"].map(_factors(self.ratios)).astype(object)
        return found.merge(self.findings[[*_PLACE, *_SAID]], how="left", on=_PLACE)


def of_study(
    trials: pd.DataFrame, measures: pd.DataFrame, references: Sequence[str], primary: Sequence[str]
) -> Compared:
    """Compare the subjects of one study; both frames hold the second halves of its A/A arms, too."""
    floors = noise.floors(measures)
    trials, measures = (frame[~frame["twin"].astype(bool)] for frame in (trials, measures))
    ratios = pairing.ratios(measures, trials, references)
    factors = _factors(trials)
    ratios["factors"] = [factors[place] for place in ratios["condition"]]
    return Compared(ratios, floors, findings.findings(ratios, trials, floors, primary))


def _factors(frame: pd.DataFrame) -> dict[str, Any]:
    return dict(zip(frame["condition"], frame["factors"], strict=True))
