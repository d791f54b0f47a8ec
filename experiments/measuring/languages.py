"""In which languages a model is asked: in those that it has.

To a model without Chinese a Chinese sentence is far more tokens than to one that has it, and what it makes of them no
reading. Such trials have a workload of their own name, so that their records are compared with no others. Where no
model runs, users speak both languages, and so they do with random weights.
"""

from __future__ import annotations

from experiments.measuring.records import ENGLISH_WORKLOAD, WORKLOAD, EngineSpec
from systems.models.published import LANGUAGES, languages_of


def heeding(workload: str, engine: EngineSpec | None) -> str:
    """Return the workload of a trial on ``engine``, of a run with this ``workload``; what somebody chose stays."""
    if workload != WORKLOAD or engine is None or languages_of(engine.model_shape) == LANGUAGES:
        return workload
    return ENGLISH_WORKLOAD


def label(workload: str) -> str:
    """Return the sentence that tables have of trials with this workload; empty where there is nothing to say."""
    return "users ask in English only: the model has no Chinese" if workload == ENGLISH_WORKLOAD else ""
