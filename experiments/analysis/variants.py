"""In what a trial's subject differs from its system as it comes.

Trials say it themselves. Those recorded before they did had it in the name of their subject alone, behind the name of
the system or of an end of the ladder.
"""

from __future__ import annotations

import re

from experiments.measuring.records import TrialSpec

_ENDS = ("none", "all")
_ENGINE = {"serial": "serial", "batched": "batching"}


def variant(spec: TrialSpec) -> str:
    """Return the name of the variant; empty for a system as it comes, and for a component."""
    if spec.variant or spec.system is None or spec.subject in (spec.system, *_ENDS):
        return spec.variant or (spec.subject if spec.subject in _ENDS else "")
    _, on, engine = spec.subject.partition(" on ")
    if on:
        last = engine.rpartition("+")[2]
        return _ENGINE.get(last, last)
    start = next((name for name in (spec.system, *_ENDS) if re.match(rf"{re.escape(name)}[-+]", spec.subject)), "")
    return spec.subject[len(start) + 1 :] if start else ""
