"""What a comparison says, by rules stated before any run: helps, hurts, no difference, or cannot tell."""

from __future__ import annotations

import math
from collections.abc import Sequence
from enum import StrEnum

import pandas as pd

from experiments import metrics
from experiments.analysis import noise

_PAIR = ["condition", "factors", "subject", "reference", "metric", "blocks"]
_COLUMNS = [*_PAIR, "ratio", "low", "high", "floor", "answer"]


class Answer(StrEnum):
    """What the data say of one subject against its reference, in one measure and condition."""

    HELPS = "helps"
    HURTS = "hurts"
    SAME = "no difference"
    OPEN = "cannot tell"
    UNEVEN = "no verdict"
    INDICATIVE = "indicative"


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


def findings(compared: pd.DataFrame, trials: pd.DataFrame, floors: pd.DataFrame, wanted: Sequence[str]) -> pd.DataFrame:
    """Return a row for every comparison in the ``wanted`` metrics that have a better side.

    ``compared`` has the rows of `experiments.analysis.pairing.summarise` with each condition's ``factors``. Where the
    two subjects lost trials at different rates there is *no verdict*: the slow one must not be the one excused.
    """
    lost = trials.assign(lost=trials["outcome"] != "ok").groupby(["condition", "subject"])["lost"].mean()
    rows = []
    for one in compared.to_dict("records"):
        metric = metrics.get(one["metric"])
        if metric.name not in wanted or metric.better == "neither":
            continue
        bound = noise.floor(floors, metric.name, one["factors"])
        said = answer(one["low"], one["high"], metric.better, bound)
        if lost[one["condition"], one["subject"]] != lost[one["condition"], one["reference"]]:
            said = Answer.UNEVEN
        rows.append(
            {name: one[name] for name in _PAIR}
            | {"ratio": one["geometric_mean"], "low": one["low"], "high": one["high"], "floor": bound, "answer": said}
        )
    return pd.DataFrame(rows, columns=_COLUMNS)
