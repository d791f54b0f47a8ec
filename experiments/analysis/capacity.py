"""Capacity: the highest level of load that meets the service objective of `experiments.metrics.objective`."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from experiments.measuring.records import Outcome
from experiments.metrics.objective import ENOUGH


def shares(trials: pd.DataFrame, measures: pd.DataFrame) -> pd.DataFrame:
    """Return one row a trial with its ``objective_share`` as ``value``.

    A trial that failed counts as 0: none of its requests met the objective. A void trial is left out.
    """
    share = measures[measures["metric"] == "objective_share"].set_index("key")["value"]
    valid = trials[trials["outcome"] != Outcome.INVALID]
    return valid.assign(value=valid["key"].map(share).fillna(0.0).astype(float))


def highest(levels: Sequence[float], values: Sequence[float]) -> float | None:
    """Return the highest level that meets the objective, as all lower levels do; None if the lowest level misses it.

    ``values`` are the shares of trials, ``levels`` their loads. Trials of one level ask equally much, so their mean is
    the share of all its requests.
    """
    best = None
    for level, share in pd.Series(list(values), index=list(levels)).groupby(level=0).mean().items():
        if share < ENOUGH:
            break
        best = float(str(level))
    return best
