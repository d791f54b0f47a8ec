"""Prompt reuse: the share of all prompts' tokens that the engine had computed before and did not compute again."""

from __future__ import annotations

from experiments.measuring.records import Record
from experiments.metrics._reading import subject
from experiments.metrics.interface import Metric, Missing


def prompt_reuse(record: Record) -> float | Missing:
    """Compute the metric."""
    part = subject(record)
    if isinstance(part, Missing):
        return part
    counted = part.counters
    prompts = counted.get("prompt_tokens", 0)
    if not prompts:
        return Missing("no prompt was counted")
    return counted.get("reused_tokens", 0) / prompts


METRICS = (
    Metric(
        name="prompt_reuse",
        title="Prompt reuse",
        unit="ratio",
        better="higher",
        formula="prompt tokens computed before ÷ prompt tokens, over all generations",
        compute=prompt_reuse,
        comparable=False,
    ),
)
