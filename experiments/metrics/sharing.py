"""Sharing keys and values: prompt tokens computed, the most anonymous memory, and what the replies then say.

A reply is unchanged when its text is the one that an engine which shares and keeps nothing generates for the same
prompt alone. In batches of another composition sums are made in another order, so that even a subject that shares
nothing may differ, and one token that differs changes all that follow: what a subject that keeps nothing gives is the
floor for the others. The shift is finer: by how much the probability of a reply's first token differs from the one that
the same engine gives it, on average over the replies.
"""

from __future__ import annotations

from experiments.measuring.records import Record
from experiments.metrics._reading import number, subject
from experiments.metrics.interface import Metric, Missing


def computed(record: Record) -> float | Missing:
    """Compute prompt tokens − those that had been computed before."""
    part = subject(record)
    if isinstance(part, Missing):
        return part
    if "compared" not in part.values or not part.counters.get("prompt_tokens"):
        return Missing("no prompt was counted")
    return float(part.counters["prompt_tokens"] - part.counters.get("reused_tokens", 0))


def unchanged(record: Record) -> float | Missing:
    """Compute the share."""
    same, compared = number(record, "unchanged"), number(record, "compared")
    if isinstance(same, Missing) or isinstance(compared, Missing) or not compared:
        return Missing("no replies were compared")
    return same / compared


def shift(record: Record) -> float | Missing:
    """Compute the mean of the differences."""
    part = subject(record)
    if isinstance(part, Missing):
        return part
    shifts = part.series.get("first_token_shift")
    return sum(shifts) / len(shifts) if shifts else Missing("no replies were compared")


def spilled(record: Record) -> float | Missing:
    """Compute the states that were written to the disk."""
    part = subject(record)
    if isinstance(part, Missing):
        return part
    states = part.counters.get("spilled_states")
    return Missing("this engine does not count them") if states is None else float(states)


METRICS = (
    Metric(
        name="sharing_computed_tokens",
        title="Prompt tokens computed",
        unit="count",
        better="lower",
        formula="prompt tokens − those whose keys and values had been computed before",
        compute=computed,
    ),
    Metric(
        name="sharing_peak_memory",
        title="Most anonymous memory",
        unit="bytes",
        better="lower",
        formula="largest of samples of the processes' anonymous bytes, one every 50 ms",
        compute=lambda record: number(record, "peak_anonymous_bytes"),
    ),
    Metric(
        name="sharing_unchanged",
        title="Replies unchanged",
        unit="ratio",
        better="higher",
        formula="last replies with the text of an engine that keeps nothing ÷ last replies",
        compute=unchanged,
    ),
    Metric(
        name="sharing_shift",
        title="Shift of the first token's probability",
        unit="ratio",
        better="lower",
        formula="mean of |probability of a reply's first token − that in an engine that keeps nothing|",
        compute=shift,
    ),
    Metric(
        name="sharing_spilled",
        title="States written to the disk",
        unit="count",
        better="neither",
        formula="states of idle conversations that left memory for the disk",
        compute=spilled,
    ),
)
