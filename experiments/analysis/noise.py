"""The noise floor: how much two equal trials differ, from the A/A arms of a run.

In one condition of a study some subjects run twice in every block. Whatever their ratio is, it is not an effect.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import pandas as pd

from experiments.analysis.pairing import summarise
from experiments.measuring.records import Scalar

_ARM = ["study", "condition", "metric", "subject"]
_FLOORS = [*_ARM, "factors", "blocks", "geometric_mean", "floor", "differ"]


def floors(measures: pd.DataFrame) -> pd.DataFrame:
    """Return a row an A/A arm and metric: how far from 1 the ratio of equals may be.

    ``floor`` is the 95 % bound of |log ratio| of the second trial over the first, by the same interval as every
    comparison: the farther end of its interval. NaN where blocks are too few for one. ``differ`` says that the interval
    misses 1: equals seemed to differ, as one arm in twenty does by chance.
    """
    # Rows by hand: a data frame an arm takes the longer part of a report's time.
    values: dict[tuple[object, ...], tuple[dict[int, float], dict[int, float]]] = {}
    factors: dict[tuple[object, ...], Mapping[str, Scalar]] = {}
    for *place, block, twin, value, given in measures[[*_ARM, "block", "twin", "value", "factors"]].itertuples(
        index=False
    ):
        values.setdefault(tuple(place), ({}, {}))[bool(twin)][block] = value
        factors.setdefault(tuple(place), given)
    rows = []
    for arm, (first, second) in values.items():
        pairs = [(first[block], second[block]) for block in sorted(first.keys() & second.keys())]
        ratios = [twin / one for one, twin in pairs if one > 0 and twin > 0]
        if not ratios:
            continue
        summary = summarise(ratios)
        low, high = summary.low, summary.high
        bound = math.nan if low is None or high is None else max(-math.log(low), math.log(high))
        rows.append(
            dict(zip(_ARM, arm, strict=True))
            | {
                "factors": factors[arm],
                "blocks": summary.blocks,
                "geometric_mean": summary.geometric_mean,
                "floor": bound,
                "differ": low is not None and high is not None and not low <= 1 <= high,
            }
        )
    return pd.DataFrame(rows, columns=_FLOORS)


def floor(arms: pd.DataFrame, metric: str, factors: Mapping[str, Scalar]) -> float | None:
    """Return the floor of ``metric`` in a condition: the largest among the ``arms`` whose conditions are nearest to it.

    ``arms`` are rows of `floors`. The nearest condition is the one that shares most factor levels: a sleep's floor is
    taken from sleeps. None where no arm measured the metric in enough blocks.
    """
    arms = arms[(arms["metric"] == metric) & arms["floor"].notna()]
    if arms.empty:
        return None
    shared = arms["factors"].map(lambda other: sum(other.get(name) == level for name, level in factors.items()))
    return float(arms.loc[shared == shared.max(), "floor"].max())
