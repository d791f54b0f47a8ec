"""Under memory pressure: turns answered ÷ turns planned, refusals, tokens computed again, and seconds in each stage.

A turn counts as answered however often it was refused before, if it was answered while its caller still waited. An
agent that the kernel kills is started again and goes on empty: kills, and the conversations that they lost, are
measures of their own.
"""

from __future__ import annotations

from experiments.measuring.records import Record
from experiments.metrics._reading import number
from experiments.metrics.interface import Metric, Missing

_STAGES = ("no_prefetch", "smaller_caches", "compressing", "refusing")


def answered(record: Record) -> float | Missing:
    """Compute the share."""
    planned, done = number(record, "turns_planned"), number(record, "turns_answered")
    if isinstance(planned, Missing) or isinstance(done, Missing) or not planned:
        return Missing("no turns were planned")
    return done / planned


def highest(record: Record) -> float | Missing:
    """Compute the most anonymous memory of any sample over the limit."""
    if isinstance(number(record, "turns_planned"), Missing):
        return Missing("no ramp was run")
    held = [each.anonymous_bytes for each in record.outside.timeline if each.anonymous_bytes is not None]
    if not held:
        return Missing("the group's memory was not sampled")
    return max(held) / record.spec.profile.memory_bytes


def _stage(name: str) -> Metric:
    words = name.replace("_", " ")
    return Metric(
        name=f"pressure_time_{name}",
        title=f"Time in the stage: {words}",
        unit="s",
        better="neither",
        formula=f"seconds in which the agent was in the stage: {words}",
        compute=lambda record: number(record, f"{name}_s"),
    )


METRICS = (
    Metric(
        name="pressure_answered",
        title="Turns answered under pressure",
        unit="ratio",
        better="higher",
        formula="turns answered ÷ turns planned, refusals that were tried again in vain included",
        compute=answered,
        counts_failures=True,
    ),
    Metric(
        name="pressure_kills",
        title="Kills under pressure",
        unit="count",
        better="lower",
        formula="times the kernel killed the agent at the limit",
        compute=lambda record: number(record, "kills"),
        part="pressure",
    ),
    Metric(
        name="pressure_lost",
        title="Conversations lost under pressure",
        unit="count",
        better="lower",
        formula="conversations that had begun and not ended when the agent was killed",
        compute=lambda record: number(record, "conversations_lost"),
    ),
    Metric(
        name="pressure_refusals",
        title="Refusals under pressure",
        unit="count",
        better="lower",
        formula="times a turn was refused for want of memory, each repetition counted",
        compute=lambda record: number(record, "refusals"),
    ),
    Metric(
        name="pressure_recomputed",
        title="Tokens computed again under pressure",
        unit="count",
        better="lower",
        formula="tokens whose keys and values were dropped and wanted again",
        compute=lambda record: number(record, "recomputed_tokens"),
    ),
    Metric(
        name="pressure_highest",
        title="Most anonymous memory of the limit",
        unit="ratio",
        better="lower",
        formula="largest sample of the group's anonymous memory ÷ the limit",
        compute=highest,
    ),
    *(_stage(name) for name in _STAGES),
)
