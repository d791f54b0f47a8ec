"""The noise floor: how much two equal trials differ, from the A/A arms of a run.

In one condition of a study some subjects run twice in every block. Whatever their ratio is, it is not an effect.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import msgspec
import pandas as pd

from experiments import metrics
from experiments.analysis.cells import Cells, Condition
from experiments.analysis.intervals import Estimate
from experiments.analysis.pairing import ENOUGH_BLOCKS, Pair, summarise
from experiments.analysis.scales import RATIO, Scale
from experiments.measuring.records import Scalar

_FLOORS = ["run", "study", "condition", "metric", "subject", "factors", "blocks", "geometric_mean", "floor", "differ"]


class Arm(msgspec.Struct, frozen=True, kw_only=True):
    """One A/A arm in one metric. ``floor`` is on the scale of its pair; None where blocks are too few for one."""

    place: Condition
    factors: Mapping[str, Scalar]
    pair: Pair
    floor: float | None


class Floors:
    """The noise floors of the trials in ``cells``: each found in its arms when it is first asked for."""

    def __init__(self, cells: Cells) -> None:
        self._cells = cells
        self._arms: dict[tuple[str, str, str, int], list[Arm]] = {}

    def of(self, place: Condition, metric: str, scale: Scale = RATIO) -> float | None:
        """Return the floor of ``metric`` in a condition: the largest among the arms whose conditions are nearest.

        The arms are those of the same study in the same run. The nearest condition is the one that shares most factor
        levels: a sleep's floor is taken from sleeps. None where one of the nearest lacks complete blocks, or none is.
        """
        factors = self._cells.factors(place)
        by_likeness: dict[int, list[float | None]] = {}
        for arm in self.arms(place.run, place.study, metric, scale):
            shared = sum(arm.factors.get(name) == level for name, level in factors.items())
            by_likeness.setdefault(shared, []).append(arm.floor)
        nearest = by_likeness[max(by_likeness)] if by_likeness else []
        # A farther arm may be quieter: one that lost a trial is not replaced by it.
        return None if None in nearest else max((floor for floor in nearest if floor is not None), default=None)

    def arms(self, run: str, study: str, metric: str, scale: Scale = RATIO) -> list[Arm]:
        """Return the A/A arms of a study in one metric.

        The floor is the 95 % bound of the distance between the second trial and the first, by the same interval as
        every comparison: the farther of its ends from 0.
        """
        asked = (run, study, metric, id(scale))
        if asked not in self._arms:
            self._arms[asked] = [
                Arm(place=place, factors=self._cells.factors(place), pair=pair, floor=_bound(pair))
                for place in self._cells.places(study)
                if place.run == run
                for subject in self._cells.subjects(place, twins=True)
                if (pair := self._pair(place, subject, metric, scale)) is not None
            ]
        return self._arms[asked]

    def table(self, wanted: Mapping[str, Sequence[str]] | None = None) -> pd.DataFrame:
        """Return a row an arm and metric; ``differ`` says that the interval misses 1.

        Then equals seemed to differ, as one arm in twenty does by chance. ``floor`` is a bound of |log ratio|, NaN
        where blocks are too few for one. Of each study it has the metrics ``wanted`` of it; None: all.
        """
        rows = []
        for run, study in self._cells.studies():
            for metric in metrics.registered() if wanted is None else wanted.get(study, ()):
                for arm in self.arms(run, study, metric):
                    ratios, place = arm.pair.ratios, arm.place
                    if not ratios:
                        continue
                    summary = summarise(ratios)
                    where = (run, study, place.condition, metric, arm.pair.subject.subject, arm.factors)
                    floor = math.nan if arm.floor is None else arm.floor
                    differ = not (summary.low or 0) <= 1 <= (summary.high or math.inf)
                    rows.append((*where, summary.blocks, summary.geometric_mean, floor, differ))
        return pd.DataFrame(rows, columns=_FLOORS)

    def _pair(self, place: Condition, subject: str, metric: str, scale: Scale) -> Pair | None:
        first, second = (self._cells.side(place, subject, metric, twin=twin) for twin in (False, True))
        if first is None or second is None:
            return None
        # Twins of which nothing was there to measure, such as hits where nothing repeats, say nothing of the noise.
        if not any(value > 0 for value in first.values.values()):
            return None
        return Pair(subject=second, reference=first, better=metrics.get(metric).better, scale=scale)


def _bound(pair: Pair) -> float | None:
    numbers = list(pair.numbers.values())
    if len(numbers) < ENOUGH_BLOCKS:
        return None
    low, high = Estimate(numbers).cautious()
    return float(max(abs(low), abs(high)))
