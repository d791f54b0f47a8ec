"""Pairs within blocks: each subject's value over the reference's, in the same condition and block.

Blocks share a seed and a moment of the host, so what disturbs both cancels in the ratio. Ratios are
summed up by their geometric mean, which treats twice as long and half as long alike. With six blocks or
more, the logarithms' `Estimate` gives a 95 % interval; with fewer there is none, only the smallest and the
largest ratio seen.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec
import numpy as np
import pandas as pd

from experiments import metrics
from experiments.analysis.intervals import Estimate
from experiments.analysis.order import reference

ENOUGH_BLOCKS = 6
"""Below this many blocks nothing is more than indicative: the project's rule for every comparison."""

_PAIR = ["study", "condition", "metric", "unit", "subject", "reference"]
_RATIOS = [*_PAIR, "block", "value", "reference_value", "ratio"]


class RatioSummary(msgspec.Struct, frozen=True, kw_only=True):
    """Ratios of one subject to its reference, summed up. ``low`` and ``high`` are None where indicative."""

    blocks: int
    geometric_mean: float
    smallest: float
    largest: float
    low: float | None = None
    high: float | None = None

    @property
    def indicative(self) -> bool:
        """Whether there were too few blocks for an interval."""
        return self.low is None


def summarise(ratios: Sequence[float], level: float = 0.95) -> RatioSummary:
    """Sum up the ratios of one pair, one a block. Raises `ValueError` unless all are positive and finite."""
    if not ratios or not all(ratio > 0 and math.isfinite(ratio) for ratio in ratios):
        raise ValueError("a geometric mean needs one ratio or more, all positive and finite")
    logs = np.log(np.asarray(ratios, dtype=float))
    low = high = None
    if len(ratios) >= ENOUGH_BLOCKS:
        low, high = (math.exp(end) for end in Estimate(logs).interval(level))
    return RatioSummary(
        blocks=len(ratios),
        geometric_mean=math.exp(float(logs.mean())),
        smallest=min(ratios),
        largest=max(ratios),
        low=low,
        high=high,
    )


def ratios(measures: pd.DataFrame, trials: pd.DataFrame, references: Sequence[str]) -> pd.DataFrame:
    """Return one row a block and pair: a subject's value over its reference's.

    The reference of a condition is the first of ``references`` that was tried there, whether or not it ended
    well: one that failed is not replaced by another. Measures under a tracer, those whose ratio means nothing,
    and pairs with a value that is not positive in some block give no rows.
    """
    rows: list[dict[str, object]] = []
    comparable = {name for name, metric in metrics.registered().items() if metric.comparable}
    timed = measures[~measures["traced"].astype(bool) & measures["metric"].isin(list(comparable))]
    tried = trials[~trials["traced"].astype(bool)]
    chosen = {
        place: reference(group["subject"], references)
        for place, group in tried.groupby(["study", "condition"], sort=False)
    }
    by_subject: dict[tuple[str, ...], dict[str, dict[int, float]]] = {}
    columns = [timed[name] for name in (*_PAIR[:4], "subject", "block", "value")]
    for *place, subject, block, value in zip(*columns, strict=True):
        by_subject.setdefault(tuple(place), {}).setdefault(subject, {})[block] = value
    for (study, condition, metric, unit), values in by_subject.items():
        base = chosen.get((study, condition))
        if base is None:
            continue
        theirs = values.pop(base, {})
        for subject, ours in values.items():
            shared = sorted(ours.keys() & theirs.keys())
            if any(ours[block] <= 0 or theirs[block] <= 0 for block in shared):
                continue
            for block in shared:
                pair = (study, condition, metric, unit, subject, base)
                measured = (block, ours[block], theirs[block], ours[block] / theirs[block])
                rows.append(dict(zip(_RATIOS, pair + measured, strict=True)))
    return pd.DataFrame(rows, columns=_RATIOS)


def summaries(frame: pd.DataFrame) -> pd.DataFrame:
    """Return one row a pair from the rows of `ratios`; ``low`` and ``high`` are None where indicative."""
    rows = []
    for pair, group in frame.groupby(_PAIR, sort=False):
        summary = summarise(group["ratio"].tolist())
        rows.append(
            dict(zip(_PAIR, pair, strict=True)) | msgspec.structs.asdict(summary) | {"indicative": summary.indicative}
        )
    return pd.DataFrame(rows, columns=[*_PAIR, *RatioSummary.__struct_fields__, "indicative"])
