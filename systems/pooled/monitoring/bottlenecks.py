"""Where the time goes, and what to try: the guide's way from a symptom to a remedy, computed from what was counted.

Five symptoms are asked after, each by a number that the agent has: latency, throughput, processor, memory, disk. Of the
guide's remedies the one comes first that the counters speak for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal, NamedTuple

from systems.interface import Counters
from systems.pooled.monitoring.targets import TARGETS
from systems.pooled.monitoring.window import Readings

Symptom = Literal["latency", "throughput", "processor", "memory", "disk"]

# A cache that serves so much of what is asked has done what it can; a prompt of which so much is computed anew is long.
_MANY_HITS, _MUCH_ANEW = 0.3, 512

# The share of a turn that a step must have to be named, and of the time that something waited for the disk.
_MOST_OF_A_TURN, _DISK_WAITED = 0.5, 0.10

_BOUND = {target.reading: target.good for target in TARGETS}


class Bottleneck(NamedTuple):
    """What is short, by which number, and what to try."""

    symptom: Symptom
    value: float
    remedy: str


class Situation(NamedTuple):
    """What is looked at: ``waiting`` turns wait for an agent, ``steps`` are the shares of a turn's time by its step.

    ``disk`` is the share of the last minute in which some task stood still for the disk (`disk_waited`).
    """

    readings: Readings
    counters: Counters
    waiting: int = 0
    steps: Mapping[str, float] = {}
    disk: float | None = None


def bottlenecks(now: Situation) -> Iterator[Bottleneck]:
    """Yield what is short, with what to try first."""
    readings = now.readings
    processor_is_short = readings.processor is not None and readings.processor >= _BOUND["processor"]
    if readings.p95_s is not None and readings.p95_s >= _BOUND["p95_s"]:
        yield Bottleneck("latency", readings.p95_s, _faster(now))
    if now.waiting and readings.throughput is not None:
        remedy = "more processors" if processor_is_short else "more agents, or an engine that batches"
        yield Bottleneck("throughput", readings.throughput, remedy)
    if processor_is_short:
        assert readings.processor is not None
        yield Bottleneck("processor", readings.processor, "profile the turns (--profile-turns), or a smaller model")
    if readings.memory is not None and readings.memory >= _BOUND["memory"]:
        yield Bottleneck("memory", readings.memory, "smaller tiers, sooner cleaning, fewer live agents")
    if now.disk is not None and now.disk >= _DISK_WAITED:
        yield Bottleneck("disk", now.disk, "save turns together (group_commit), or keep the file on a faster disk")


def _faster(now: Situation) -> str:
    counters = now.counters
    slowest = max(now.steps, key=lambda step: now.steps[step], default="model")
    if slowest != "model" and now.steps[slowest] >= _MOST_OF_A_TURN:
        return f"look at the step {slowest!r}, which takes most of a turn"
    if counters.generations and (counters.prompt_tokens - counters.reused_tokens) / counters.generations > _MUCH_ANEW:
        return "shorter prompts: fewer notes, a smaller budget of history"
    asked = counters.cache_hits + counters.cache_misses
    if counters.cache_hits and counters.cache_hits < _MANY_HITS * asked:
        return "a larger cache of replies"
    return "a smaller model, or one for what is easy (easy_model)"


def disk_waited(root: Path = Path("/")) -> float | None:
    """Return in which share of the last minute some task waited for the disk; None where the kernel does not tell.

    It is the whole machine's (``/proc/pressure/io``): a neighbour's waiting counts.
    """
    try:
        first = (root / "proc/pressure/io").read_text().partition("\n")[0]
    except OSError:
        return None
    fields = dict(field.split("=", 1) for field in first.split() if "=" in field)
    try:
        return float(fields["avg60"]) / 100
    except (KeyError, ValueError):
        return None
