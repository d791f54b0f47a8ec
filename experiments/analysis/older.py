"""What trials say of themselves today, of those that were recorded before they did."""

from __future__ import annotations

import re

from experiments.measuring.records import Scalar, TrialSpec

_ENDS = ("none", "all")
_ENGINE = {"serial": "serial", "batched": "batching"}


def condition(spec: TrialSpec) -> dict[str, Scalar]:
    """Return the condition. An ablation ladder names its system; before there were several it was the asynchronous."""
    return spec.condition | {"of": "asynchronous"} if _is_unnamed_ladder(spec) else spec.condition


def variant(spec: TrialSpec) -> str:
    """Return in what the subject differs from its system as it comes, by name; empty if in nothing.

    It stood in the name of the subject alone, behind the name of the system or of an end of the ladder.
    """
    if spec.variant or spec.system is None or spec.subject in (spec.system, *_ENDS):
        return spec.variant or (spec.subject if spec.subject in _ENDS else "")
    _, on, engine = spec.subject.partition(" on ")
    if on:
        last = engine.rpartition("+")[2]
        return _ENGINE.get(last, last)
    start = next((name for name in (spec.system, *_ENDS) if re.match(rf"{re.escape(name)}[-+]", spec.subject)), "")
    return spec.subject[len(start) + 1 :] if start else ""


def _is_unnamed_ladder(spec: TrialSpec) -> bool:
    return "ladder" in spec.condition and "of" not in spec.condition
