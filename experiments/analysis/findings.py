"""What a comparison says, by rules stated before any run: helps, hurts, no difference, or cannot tell."""

from __future__ import annotations

import math
from collections.abc import Sequence
from enum import StrEnum

import msgspec
import numpy as np
import pandas as pd

from experiments import metrics
from experiments.analysis import multiplicity, noise, power
from experiments.analysis.intervals import Estimate
from experiments.analysis.pairing import Comparison, compare
from experiments.analysis.stability import unsettled

_PAIR = ["condition", "factors", "subject", "reference", "metric"]
_JUDGED = ["answer", "false_share", "smallest_effect", "why", "needs"]
_COLUMNS = [*_PAIR, "blocks", "ratio", "low", "high", "floor", *_JUDGED]


class Answer(StrEnum):
    """What the data say of one subject against its reference, in one measure and condition."""

    HELPS = "helps"
    HURTS = "hurts"
    SAME = "no difference"
    OPEN = "cannot tell"
    UNEVEN = "no verdict"
    INDICATIVE = "indicative"


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """Ratios to be judged, one a block in their order.

    ``floor`` is the noise floor, a bound of |log ratio|. ``uneven`` says that the two subjects lost trials at
    different rates.
    """

    ratios: tuple[float, ...]
    better: str
    floor: float | None
    uneven: bool = False


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """A pair's answer.

    ``false_share`` is the smallest share of false answers, among all that are given with it, at which it is still
    given. ``smallest_effect`` is the smallest change, as a share, that this comparison could have seen. Where nothing
    can be told ``why`` says why, and ``needs`` how many blocks in all would settle it, if any number would.
    """

    pair: Pair
    ratio: Comparison
    answer: Answer
    false_share: float | None = None
    smallest_effect: float | None = None
    why: str = ""
    needs: int | None = None


def answer(low: float | None, high: float | None, better: str, floor: float | None) -> Answer:
    """Judge a ratio's interval ``low`` to ``high`` against the noise ``floor``, a bound of |log ratio|.

    The interval wholly beyond the floor: *helps* or *hurts*. Wholly within it: *no difference*. Anything else:
    *cannot tell*. Without an interval: *indicative*. Without a floor equals are taken to be equal, which holds for
    what no clock and no machine can change, such as hits on a given trace.
    """
    if low is None or high is None or math.isnan(low) or math.isnan(high):
        return Answer.INDICATIVE
    reach = floor or 0.0
    if math.log(low) > reach:
        return Answer.HELPS if better == "higher" else Answer.HURTS
    if math.log(high) < -reach:
        return Answer.HELPS if better == "lower" else Answer.HURTS
    within = -reach <= math.log(low) and math.log(high) <= reach
    return Answer.SAME if within else Answer.OPEN


def judge(pairs: Sequence[Pair]) -> list[Judged]:
    """Judge pairs as one family: an answer that so many comparisons would give by chance is not given.

    Each is judged by itself first. Of all that then say something, Benjamini and Hochberg's procedure keeps so many
    that no more than `multiplicity.FALSE_SHARE` of them are expected to be false.
    """
    alone = [_alone(pair) for pair in pairs]
    tested = [number for number, one in enumerate(alone) if one.false_share is not None]
    shares = multiplicity.adjusted([alone[number].false_share or 0.0 for number in tested])
    for number, share in zip(tested, shares, strict=True):
        one = msgspec.structs.replace(alone[number], false_share=share)
        if one.answer not in (Answer.OPEN, Answer.UNEVEN) and share > multiplicity.FALSE_SHARE:
            why = f"one of {len(tested)} comparisons: by itself it would be told, among so many it may be chance"
            one = msgspec.structs.replace(one, answer=Answer.OPEN, why=why)
        alone[number] = one
    return alone


def _alone(pair: Pair) -> Judged:
    found = compare(pair.ratios)
    if found.indicative:
        open_ = unsettled(pair.ratios, pair.floor)
        said = Answer.UNEVEN if pair.uneven else Answer.INDICATIVE
        return Judged(pair=pair, ratio=found, answer=said, why=open_.why, needs=open_.blocks)
    logs, floor = Estimate(np.log(pair.ratios)), pair.floor or 0.0
    regions = ((-math.inf, -floor), (-floor, floor), (floor, math.inf))
    said = answer(found.low, found.high, pair.better, pair.floor)
    judged = Judged(
        pair=pair,
        ratio=found,
        answer=said,
        false_share=min(float(logs.inside(low, high)) for low, high in regions),
        smallest_effect=math.expm1(power.smallest_effect(logs, floor)),
    )
    if pair.uneven:
        return msgspec.structs.replace(judged, answer=Answer.UNEVEN, why="the two lost trials at different rates")
    if said is Answer.OPEN:
        open_ = unsettled(pair.ratios, pair.floor)
        return msgspec.structs.replace(judged, why=open_.why, needs=open_.blocks)
    return judged


def findings(ratios: pd.DataFrame, trials: pd.DataFrame, floors: pd.DataFrame, wanted: Sequence[str]) -> pd.DataFrame:
    """Return a row for every comparison in the ``wanted`` metrics that have a better side, judged as one family.

    ``ratios`` has the rows of `experiments.analysis.pairing.ratios` with each condition's ``factors``. Where the two
    subjects lost trials at different rates there is *no verdict*: the slow one must not be the one excused.
    """
    lost = trials.assign(lost=trials["outcome"] != "ok").groupby(["condition", "subject"])["lost"].mean()
    shown = ratios[ratios["metric"].isin([name for name in wanted if metrics.get(name).better != "neither"])]
    places, pairs = [], []
    for _, group in shown.groupby(["condition", "metric", "subject"], sort=False):
        one = group.iloc[0]
        places.append({name: one[name] for name in _PAIR})
        pairs.append(
            Pair(
                ratios=tuple(group.sort_values("block")["ratio"]),
                better=metrics.get(one["metric"]).better,
                floor=noise.floor(floors, one["metric"], one["factors"]),
                uneven=lost[one["condition"], one["subject"]] != lost[one["condition"], one["reference"]],
            )
        )
    rows = [
        place
        | {
            "blocks": one.ratio.blocks,
            "ratio": one.ratio.geometric_mean,
            "low": one.ratio.low,
            "high": one.ratio.high,
            "floor": one.pair.floor,
        }
        | {name: getattr(one, name) for name in _JUDGED}
        for place, one in zip(places, judge(pairs), strict=True)
    ]
    return pd.DataFrame(rows, columns=_COLUMNS)
