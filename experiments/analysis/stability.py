"""Why a comparison cannot be told, how many blocks would settle it, and how many a whole run needs to be stable."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
import pandas as pd
from scipy import special

from experiments.analysis.drift import trend
from experiments.analysis.intervals import Estimate
from experiments.analysis.pairing import ENOUGH_BLOCKS
from experiments.analysis.power import MOST_BLOCKS, blocks_for_reach, blocks_to_settle

_RARE = 0.05
_OPEN = ("cannot tell", "indicative")


class Unsettled(msgspec.Struct, frozen=True, kw_only=True):
    """Why a comparison is open, in words. So many ``blocks`` in all would settle it; None where none would."""

    why: str
    blocks: int | None


def unsettled(ratios: Sequence[float], floor: float | None) -> Unsettled:
    """Say why ratios, one a block in their order, cannot be told from the noise ``floor``, a bound of |log ratio|."""
    count, edge = len(ratios), floor or 0.0
    if count < ENOUGH_BLOCKS:
        return Unsettled(why=f"{count} of at least {ENOUGH_BLOCKS} blocks", blocks=ENOUGH_BLOCKS)
    logs = np.log(np.asarray(ratios, dtype=float))
    found = Estimate(logs)
    blocks = blocks_to_settle(found, edge)
    reasons = [_one_block(logs), "the ratio drifts from block to block" if trend(ratios) < _RARE else ""]
    if blocks is None:
        reasons.append(f"the effect is too near the noise floor: {MOST_BLOCKS} blocks would not tell them apart")
    elif not any(reasons):
        reasons.append(f"blocks differ by ± {math.expm1(float(logs.std(ddof=1))):.1%}")
    return Unsettled(why="; ".join(filter(None, reasons)), blocks=blocks)


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How far a run has come: ``unstable`` of its ``comparisons`` can neither be told nor are precise enough.

    So many ``blocks`` in all would settle those that blocks can settle; None where there are none.
    """

    comparisons: int
    unstable: int
    blocks: int | None


def standing(findings: pd.DataFrame, trials: pd.DataFrame, blocks: int, precision: float) -> Standing:
    """Judge the ``findings`` of a run of so many ``blocks``.

    A comparison is stable when it has an answer, or when its interval reaches no more than ``precision``, a share, to
    either side. Cells that have fewer blocks by their study's plan get no more of them, and are left out.
    """
    tried = trials.groupby(["condition", "subject"])["block"].nunique()
    growing = [tried.get((one.condition, one.subject), 0) >= blocks for one in findings.itertuples()]
    mine = findings[pd.Series(growing, index=findings.index, dtype=bool)]
    needs = [_needed(one, math.log1p(precision)) for one in mine[mine["answer"].isin(_OPEN)].to_dict("records")]
    unstable = [each for each in needs if each != 0]
    return Standing(
        comparisons=len(mine),
        unstable=len(unstable),
        blocks=max((each for each in unstable if each is not None), default=None),
    )


def _needed(one: Mapping[Hashable, Any], reach: float) -> int | None:
    """Return how many blocks make one comparison stable; 0 if it is."""
    if pd.isna(one["low"]):
        return ENOUGH_BLOCKS
    half = math.log(one["high"] / one["low"]) / 2
    if half <= reach:
        return 0
    count = int(one["blocks"])
    spread = half * math.sqrt(count) / float(special.stdtrit(count - 1, 0.975))
    found = [blocks_for_reach(spread, reach, count), None if pd.isna(one["needs"]) else int(one["needs"])]
    return min((each for each in found if each is not None), default=None)


def _one_block(logs: np.ndarray) -> str:
    """Name the block without which the others would agree twice as well."""
    far = int(np.abs(logs - np.median(logs)).argmax())
    rest = np.delete(logs, far)
    if float(rest.std(ddof=1)) >= float(logs.std(ddof=1)) / 2:
        return ""
    return f"one block stands apart: × {math.exp(logs[far]):.3g} beside × {math.exp(float(rest.mean())):.3g}"
