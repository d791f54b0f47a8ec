"""Comparisons: a subject against its reference in one metric and condition, with what the data say of it.

A comparison is made of ratios, one a block, of the noise floor of its metric, and of how the trials of both subjects
ended. Comparisons that are read together are judged together: among many, some seem to show an effect by chance.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import pandas as pd

from experiments import metrics
from experiments.analysis import multiplicity, noise, pairing, power
from experiments.analysis.conclusions import Conclusion, conclude
from experiments.analysis.intervals import Estimate
from experiments.analysis.pairing import RatioSummary
from experiments.analysis.stability import unsettled

_PLACE = ["condition", "subject", "reference", "metric"]
_PAIR = ["condition", "factors", "subject", "reference", "metric"]
_CONCLUDED = ["conclusion", "false_share", "smallest_effect", "why", "needs"]
_COLUMNS = [*_PAIR, "blocks", "ratio", "low", "high", "floor", *_CONCLUDED]


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """A subject and its reference before they are compared: their ratios, one a block in the order of the blocks.

    ``better`` is the better side of the metric, ``floor`` its noise floor, a bound of |log ratio|. ``uneven`` says that
    the two subjects lost trials at different rates.
    """

    ratios: tuple[float, ...]
    better: str
    floor: float | None
    uneven: bool = False


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """A pair, its ratios summed up, and the conclusion.

    ``false_share`` is the smallest share of false conclusions, among all that are drawn together, at which this one is
    still drawn. ``smallest_effect`` is the smallest change, as a share, that this comparison could have shown. Where
    the conclusion is open, ``why`` gives the reason, and ``needs`` how many blocks in all would settle it, if any
    number would.
    """

    pair: Pair
    summary: RatioSummary
    conclusion: Conclusion
    false_share: float | None = None
    smallest_effect: float | None = None
    why: str = ""
    needs: int | None = None


class StudyComparisons(msgspec.Struct, frozen=True):
    """All comparisons of one study: ``ratios`` by block, ``floors`` from its A/A arms, and ``conclusions``.

    The latter have a row for every comparison in a primary metric.
    """

    ratios: pd.DataFrame
    floors: pd.DataFrame
    conclusions: pd.DataFrame

    def summary(self) -> pd.DataFrame:
        """Return a row a comparison: its ratios summed up, and the conclusion where the metric is a primary one."""
        summaries = pairing.summaries(self.ratios)
        summaries["factors"] = summaries["condition"].map(_factors(self.ratios)).astype(object)
        return summaries.merge(self.conclusions[[*_PLACE, "floor", *_CONCLUDED]], how="left", on=_PLACE)


def compare(pairs: Sequence[Pair]) -> list[Comparison]:
    """Compare pairs as one family: a conclusion that so many comparisons would give by chance is not drawn.

    Each pair is compared by itself first. Of the comparisons that then have a conclusion, Benjamini and Hochberg's
    procedure keeps so many that no more than `multiplicity.FALSE_SHARE` of them are expected to be false.
    """
    comparisons = [_by_itself(pair) for pair in pairs]
    tested = [place for place, comparison in enumerate(comparisons) if comparison.false_share is not None]
    shares = multiplicity.adjusted([comparisons[place].false_share or 0.0 for place in tested])
    for place, share in zip(tested, shares, strict=True):
        comparison = msgspec.structs.replace(comparisons[place], false_share=share)
        concludes = comparison.conclusion not in (Conclusion.OPEN, Conclusion.UNEVEN)
        if concludes and share > multiplicity.FALSE_SHARE:
            why = f"one of {len(tested)} comparisons: by itself it would be told, among so many it may be chance"
            comparison = msgspec.structs.replace(comparison, conclusion=Conclusion.OPEN, why=why)
        comparisons[place] = comparison
    return comparisons


def _by_itself(pair: Pair) -> Comparison:
    summary = pairing.summarise(pair.ratios)
    if summary.indicative:
        open_ = unsettled(pair.ratios, pair.floor)
        conclusion = Conclusion.UNEVEN if pair.uneven else Conclusion.INDICATIVE
        return Comparison(pair=pair, summary=summary, conclusion=conclusion, why=open_.why, needs=open_.blocks)
    logs, floor = Estimate(np.log(pair.ratios)), pair.floor or 0.0
    regions = ((-math.inf, -floor), (-floor, floor), (floor, math.inf))
    comparison = Comparison(
        pair=pair,
        summary=summary,
        conclusion=conclude(summary.low, summary.high, pair.better, pair.floor),
        false_share=min(float(logs.inside(low, high)) for low, high in regions),
        smallest_effect=math.expm1(power.smallest_effect(logs, floor)),
    )
    if pair.uneven:
        why = "the two lost trials at different rates"
        return msgspec.structs.replace(comparison, conclusion=Conclusion.UNEVEN, why=why)
    if comparison.conclusion is Conclusion.OPEN:
        open_ = unsettled(pair.ratios, pair.floor)
        return msgspec.structs.replace(comparison, why=open_.why, needs=open_.blocks)
    return comparison


def compare_study(
    trials: pd.DataFrame, measures: pd.DataFrame, references: Sequence[str], primary: Sequence[str]
) -> StudyComparisons:
    """Compare the subjects of one study; both frames hold the second halves of its A/A arms, too."""
    floors = noise.floors(measures)
    trials, measures = (frame[~frame["twin"].astype(bool)] for frame in (trials, measures))
    ratios = pairing.ratios(measures, trials, references)
    factors = _factors(trials)
    ratios["factors"] = [factors[condition] for condition in ratios["condition"]]
    return StudyComparisons(ratios, floors, _conclusions(ratios, trials, floors, primary))


def _conclusions(
    ratios: pd.DataFrame, trials: pd.DataFrame, floors: pd.DataFrame, primary: Sequence[str]
) -> pd.DataFrame:
    """Return a row for every comparison in the ``primary`` metrics that have a better side, compared as one family.

    Where the two subjects lost trials at different rates there is *no verdict*: a subject must not look fast because
    its slow trials were lost.
    """
    lost = trials.assign(lost=trials["outcome"] != "ok").groupby(["condition", "subject"])["lost"].mean()
    judged = ratios[ratios["metric"].isin([name for name in primary if metrics.get(name).better != "neither"])]
    places, pairs = [], []
    for _, group in judged.groupby(["condition", "metric", "subject"], sort=False):
        first = group.iloc[0]
        places.append({name: first[name] for name in _PAIR})
        pairs.append(
            Pair(
                ratios=tuple(group.sort_values("block")["ratio"]),
                better=metrics.get(first["metric"]).better,
                floor=noise.floor(floors, first["metric"], first["factors"]),
                uneven=lost[first["condition"], first["subject"]] != lost[first["condition"], first["reference"]],
            )
        )
    rows = [
        place
        | {
            "blocks": comparison.summary.blocks,
            "ratio": comparison.summary.geometric_mean,
            "low": comparison.summary.low,
            "high": comparison.summary.high,
            "floor": comparison.pair.floor,
        }
        | {name: getattr(comparison, name) for name in _CONCLUDED}
        for place, comparison in zip(places, compare(pairs), strict=True)
    ]
    return pd.DataFrame(rows, columns=_COLUMNS)


def _factors(frame: pd.DataFrame) -> dict[str, Any]:
    return dict(zip(frame["condition"], frame["factors"], strict=True))
