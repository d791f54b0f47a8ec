"""What a comparison says of a design, in four words with a sign and a colour each, and whether a real model ran."""

from __future__ import annotations

import math
from enum import StrEnum

from experiments.analysis.comparisons import Comparison
from experiments.analysis.conclusions import Conclusion
from experiments.analysis.pairing import RatioSummary
from experiments.metrics.interface import Metric
from experiments.report import text


class Effect(StrEnum):
    """What is known of a design under a condition."""

    HELPS = "helps"
    HURTS = "hurts"
    SAME = "does not matter"
    UNKNOWN = "not known"


SIGNS = {Effect.HELPS: "▲", Effect.HURTS: "▼", Effect.SAME: "=", Effect.UNKNOWN: "?"}
"""Signs that are told apart without their colours."""

COLORS = {Effect.HELPS: "#00734f", Effect.HURTS: "#b34a00", Effect.SAME: "#005a91", Effect.UNKNOWN: "#6b6b6b"}
"""Darker than the palette of the figures, of the same hues, so that thin signs stay legible on white."""

_EFFECTS = {
    Conclusion.HELPS: Effect.HELPS,
    Conclusion.HURTS: Effect.HURTS,
    Conclusion.SAME: Effect.SAME,
}


def effect(comparison: Comparison | None) -> Effect:
    """Return what a comparison says; None, which was not measured, is not known.

    Nor is what lies within the noise of equals: that something smaller than it is there, or nothing, are both possible.
    """
    return Effect.UNKNOWN if comparison is None else _EFFECTS.get(comparison.conclusion, Effect.UNKNOWN)


def ran_model(comparison: Comparison) -> bool:
    """Return whether a real language model ran in every trial that was compared; one of random weights is none."""
    specs = [record.spec for side in comparison.pair.sides for record in side.records.values()]
    return bool(specs) and all(
        spec.engine is not None and spec.engine.model is not None and not spec.engine.words_are_meaningless
        for spec in specs
    )


def means_nothing(comparison: Comparison) -> bool:
    """Return whether the model of some trial has random weights: speed and memory are a model's, its words are not."""
    records = (record for side in comparison.pair.sides for record in side.records.values())
    return any(record.spec.engine is not None and record.spec.engine.words_are_meaningless for record in records)


def ends(summary: RatioSummary) -> tuple[float, float]:
    """Return between which ratios the conclusion was drawn: the wider end of the two intervals on either side.

    Where blocks are too few for an interval: the smallest and the largest ratio.
    """
    lows = [end for end in (summary.low, summary.robust_low) if end is not None]
    highs = [end for end in (summary.high, summary.robust_high) if end is not None]
    return min(lows, default=summary.smallest), max(highs, default=summary.largest)


def times(metric: Metric, comparison: Comparison) -> str:
    """Return how many times better or worse it came out, with the wider interval; empty where there is no ratio.

    Where nothing was concluded the ratio as it is: "better" would say more than the data do.
    """
    summary = comparison.summary
    if summary is None:
        return ""
    low, high = ends(summary)
    if effect(comparison) not in (Effect.HELPS, Effect.HURTS):
        return f"× {text.significant(summary.geometric_mean)} ({text.ends(low, high)})"
    # A ratio below 1 is a gain where less is better.
    gain = 1 / summary.geometric_mean if metric.better == "lower" else summary.geometric_mean
    if (metric.better == "lower") == (gain >= 1):
        low, high = 1 / high, 1 / low
    word = "better" if gain >= 1 else "worse"
    return f"{text.significant(max(gain, 1 / gain))} times {word} ({text.ends(low, high)})"


def title(metric: Metric) -> str:
    """Return a metric's title as it stands within a sentence."""
    return f"{metric.title[:1].lower()}{metric.title[1:]}"


def size(comparison: Comparison) -> float:
    """Return how large an effect is, as the distance of its ratio from 1; without one it is larger than any."""
    summary = comparison.summary
    return math.inf if summary is None else abs(math.log(summary.geometric_mean))
