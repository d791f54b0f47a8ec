"""Why a comparison cannot be told, and how many blocks would settle it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec
import numpy as np

from experiments.analysis.drift import trend
from experiments.analysis.intervals import Estimate
from experiments.analysis.pairing import ENOUGH_BLOCKS
from experiments.analysis.power import MOST_BLOCKS, blocks_to_settle

_RARE = 0.05


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


def _one_block(logs: np.ndarray) -> str:
    """Name the block without which the others would agree twice as well."""
    far = int(np.abs(logs - np.median(logs)).argmax())
    rest = np.delete(logs, far)
    if float(rest.std(ddof=1)) >= float(logs.std(ddof=1)) / 2:
        return ""
    return f"one block stands apart: × {math.exp(logs[far]):.3g} beside × {math.exp(float(rest.mean())):.3g}"
