"""Why a comparison is open, how many blocks would settle it, and how many a whole run needs to be stable."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
import pandas as pd
from scipy import special

from experiments.analysis.conclusions import MARGIN, Conclusion
from experiments.analysis.drift import trend
from experiments.analysis.intervals import Estimate
from experiments.analysis.pairing import ENOUGH_BLOCKS
from experiments.analysis.power import MOST_BLOCKS, blocks_for_reach, blocks_to_settle
from experiments.analysis.scales import ratio

_RARE = 0.05
_UNSETTLED = (Conclusion.OPEN, Conclusion.INDICATIVE)


class Unsettled(msgspec.Struct, frozen=True, kw_only=True):
    """Why a comparison is open, in words. So many ``blocks`` in all would settle it; None where no number would."""

    why: str
    blocks: int | None


def unsettled(ratios: Sequence[float], floor: float | None) -> Unsettled:
    """Say why ratios, one a block in their order, do not stand clear of the noise ``floor``, a bound of |log ratio|."""
    count, edge = len(ratios), floor or 0.0
    if count < ENOUGH_BLOCKS:
        return Unsettled(why=f"{count} of at least {ENOUGH_BLOCKS} blocks", blocks=ENOUGH_BLOCKS)
    logs = np.log(np.asarray(ratios, dtype=float))
    blocks = blocks_to_settle(Estimate(logs), edge)
    reasons = ["the ratio drifts from block to block" if trend(ratios) < _RARE else ""]
    if blocks is None and edge > MARGIN and abs(float(logs.mean())) <= edge:
        reasons.append(
            f"equals differ by up to ± {ratio(edge) - 1:.0%}, more than the {ratio(MARGIN) - 1:.0%} that count"
        )
    elif blocks is None:
        reasons.append(f"the effect is too near the noise floor: {MOST_BLOCKS} blocks would not tell them apart")
    elif not any(reasons):
        reasons.append(f"blocks differ by ± {ratio(float(logs.std(ddof=1))) - 1:.1%}")
    return Unsettled(why="; ".join(filter(None, reasons)), blocks=blocks)


class Stability(msgspec.Struct, frozen=True, kw_only=True):
    """How many ``comparisons`` there are, and how many of them are ``unstable``: open, and with a wide interval.

    So many ``blocks`` in all would settle those that blocks can settle; None where there are none.
    """

    comparisons: int
    unstable: int
    blocks: int | None


def stability(conclusions: pd.DataFrame, trials: pd.DataFrame, blocks: int, precision: float) -> Stability:
    """Return how stable the ``conclusions`` of a study are in a run of so many ``blocks``.

    A comparison is stable when it has a conclusion, or when its interval reaches no more than ``precision``, a share,
    to either side. Cells that have fewer blocks by their study's plan get no more of them, and are left out.
    """
    tried = trials.groupby(["condition", "subject"])["block"].nunique()
    growing = [tried.get((row.condition, row.subject), 0) >= blocks for row in conclusions.itertuples()]
    repeated = conclusions[pd.Series(growing, index=conclusions.index, dtype=bool)]
    undecided = repeated[repeated["conclusion"].isin(_UNSETTLED)].to_dict("records")
    needs = [_needed(row, math.log1p(precision)) for row in undecided]
    unstable = [blocks_needed for blocks_needed in needs if blocks_needed != 0]
    return Stability(
        comparisons=len(repeated),
        unstable=len(unstable),
        blocks=max((blocks_needed for blocks_needed in unstable if blocks_needed is not None), default=None),
    )


def _needed(row: Mapping[Hashable, Any], reach: float) -> int | None:
    """Return how many blocks make one comparison stable; 0 if it is, None if no number does."""
    if pd.isna(row["low"]):
        return ENOUGH_BLOCKS
    half = math.log(row["high"] / row["low"]) / 2
    if half <= reach:
        return 0
    count = int(row["blocks"])
    spread = half * math.sqrt(count) / float(special.stdtrit(count - 1, 0.975))
    for_precision = blocks_for_reach(spread, reach, count)
    for_conclusion = None if pd.isna(row["needs"]) else int(row["needs"])
    return min((blocks for blocks in (for_precision, for_conclusion) if blocks is not None), default=None)
