"""Warm-up and drift, looked for and not assumed: over the blocks of a run, and inside a trial.

Blocks are minutes or hours apart. What all trials of a block share, the machine's pace, cancels in ratios within blocks
and does not in values side by side; so it is shown.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special

from experiments.analysis.multiplicity import adjusted

ENOUGH_REQUESTS = 30
"""So many requests of one user, one after another, are needed to see a warm-up."""

ENOUGH_CELLS = 3

_TESTS = ["alike_p", "drift_p", "first_p"]
_PACE = ["run", "study", "metric", "cells", "pace", *_TESTS]
_WARM_UP = ["run", "study", "condition", "subject", "trials", "requests", "warm_up"]


def trend(values: Sequence[float]) -> float:
    """Return the two-sided p-value of "these do not rise or fall in their order": Mann and Kendall's test, exact."""
    numbers = np.asarray(values, dtype=float)
    later, earlier = np.triu_indices(len(numbers), 1)[::-1]
    falls = int((numbers[later] < numbers[earlier]).sum())
    ties = int((numbers[later] == numbers[earlier]).sum())
    shares = _inversions(len(numbers))
    return min(1.0, 2 * float(min(shares[: falls + ties + 1].sum(), shares[falls:].sum())))


@cache
def _inversions(count: int) -> npt.NDArray[np.float64]:
    """Return the share of the orders of ``count`` numbers that have 0, 1, 2, … pairs the wrong way round."""
    shares = np.ones(1)
    for size in range(2, count + 1):
        shares = np.convolve(shares, np.ones(size) / size)
    return shares


def warm_up(values: Sequence[float]) -> int | None:
    """Return how many values come before the rest settles: White's marginal standard error rule (MSER, 1997).

    None where not even the second half has settled.
    """
    newest_first = np.asarray(values, dtype=float)[::-1]
    counts = np.arange(1, len(newest_first) + 1)
    means = np.cumsum(newest_first) / counts
    errors = ((np.cumsum(newest_first**2) / counts - means**2) / counts)[::-1]
    middle = len(newest_first) // 2
    best = int(errors[: middle + 1].argmin())
    return None if best == middle else best


def paces(measures: pd.DataFrame, wanted: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """Return a row a study, run and metric of ``wanted``: each block's pace, over all cells together, on average 1.

    Three p-values, each adjusted for the number of rows: that blocks are alike (Friedman's test), that nothing rises
    or falls over them (Page's), that the first is like the rest (its rank). Cells that some block lacks, and values
    that are not positive, are left out; the rest must be three or more.
    """
    rows = []
    untraced = measures[~measures["traced"].astype(bool)]
    asked = untraced[untraced["metric"].isin({metric for names in wanted.values() for metric in names})]
    groups = dict(iter(asked.groupby(["study", "run", "metric"], sort=False)))
    runs = dict.fromkeys(untraced["run"])
    places = [(study, run) for study in wanted for run in runs]
    for study, run in places:
        for metric in wanted[study]:
            if (study, run, metric) not in groups:
                continue
            group = groups[study, run, metric]
            cells = group.pivot_table(index=["condition", "subject", "twin"], columns="block", values="value")
            cells = cells[(cells > 0).all(axis="columns")]
            if len(cells) < ENOUGH_CELLS or len(cells.columns) < ENOUGH_CELLS:
                continue
            logs = np.log(cells.to_numpy(dtype=float))
            pace = np.exp((logs - logs.mean(axis=1, keepdims=True)).mean(axis=0)).tolist()
            tests = dict(zip(_TESTS, alike(cells.rank(axis="columns").to_numpy(dtype=float)), strict=True))
            rows.append({"run": run, "study": study, "metric": metric, "cells": len(cells), "pace": pace} | tests)
    table = pd.DataFrame(rows, columns=_PACE)
    for name in _TESTS:
        table[name] = adjusted(table[name].tolist())
    return table


def alike(ranks: npt.NDArray[np.float64]) -> tuple[float, float, float]:
    """Return the p-values of Friedman's and Page's tests, and of the first column's rank sum; a row a cell."""
    cells, blocks = ranks.shape
    sums, middle, variance = ranks.sum(axis=0), cells * (blocks + 1) / 2, cells * (blocks**2 - 1) / 12
    places = np.arange(blocks) - (blocks - 1) / 2
    friedman = float(((sums - middle) ** 2).sum() * (blocks - 1) / blocks / variance)
    trend = float((places * sums).sum()) / math.sqrt(variance * blocks / (blocks - 1) * float((places**2).sum()))
    first = float(sums[0] - middle) / math.sqrt(variance)
    drift_p, first_p = (2 * float(special.ndtr(-abs(z))) for z in (trend, first))
    return float(special.chdtrc(blocks - 1, friedman)), drift_p, first_p


def warm_ups(requests: pd.DataFrame) -> pd.DataFrame:
    """Return a row a run, condition and subject whose users asked often enough: how many first requests were slower.

    ``warm_up`` is the median over trials and users; missing where most had not settled.
    """
    answered = requests[requests["outcome"] == "ok"]
    answered = answered.assign(asked=answered.groupby(["run", "key", "user"])["latency_s"].transform("size"))
    rows = []
    for (run, study, condition, subject), group in answered.groupby(_WARM_UP[:4], sort=False):
        series = [
            asked.sort_values("intended_s")["latency_s"].tolist()
            for _, asked in group[group["asked"] >= ENOUGH_REQUESTS].groupby(["key", "user"])
            if asked["intended_s"].nunique() == len(asked)
        ]
        if series:
            lengths = [warm_up(latencies) for latencies in series]
            middle = float(np.median([math.inf if length is None else length for length in lengths]))
            rows.append(
                {
                    "run": run,
                    "study": study,
                    "condition": condition,
                    "subject": subject,
                    "trials": int(group["key"].nunique()),
                    "requests": len(series[0]),
                    "warm_up": None if math.isinf(middle) else middle,
                }
            )
    return pd.DataFrame(rows, columns=_WARM_UP)
