"""What the tiered agent tells of itself to who watches it: where conversations lie, what moved, what was refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from systems.interface import SystemMetric
from systems.mechanisms.tier_moves import of_moves

if TYPE_CHECKING:
    from systems.tiered.pressure.returning import Returning
    from systems.tiered.pressure.stages import Pressure
    from systems.tiered.similar import SimilarReplies
    from systems.tiered.tiers.tiers import Tiers


def of_tiers(tiers: Tiers) -> Iterator[SystemMetric]:
    """Yield what lies in each tier, and what went from one to another."""
    for tier, (states, taken) in tiers.sizes().items():
        labels: dict[str, str] = {"tier": tier}
        yield SystemMetric(
            name="tier_states",
            says="Conversations in a tier; sessions in the frozen one.",
            value=states,
            labels=labels,
        )
        if tier != "hot":  # these are objects, whose size nobody knows
            yield SystemMetric(name="tier_bytes", says="Bytes in a tier.", value=taken, labels=labels)
    yield from of_moves(tiers.moves, tiers.lost, tiers.failures)


def of_similar(similar: SimilarReplies) -> Iterator[SystemMetric]:
    """Yield how questions met the semantic cache, and what it holds."""
    for outcome, count in sorted(similar.counts().items()):
        yield SystemMetric(
            name="semantic_questions",
            says="Questions, by what the semantic cache made of them.",
            value=count,
            labels={"outcome": outcome},
            counted=True,
        )
    yield SystemMetric(name="semantic_bytes", says="Bytes that the semantic cache holds.", value=similar.bytes)


def of_pressure(pressure: Pressure) -> Iterator[SystemMetric]:
    """Yield how short memory is, and was."""
    yield SystemMetric(name="pressure_stage", says="How far the agent is degraded: 0 not at all.", value=pressure.stage)
    for stage, seconds in pressure.seconds.items():
        yield SystemMetric(
            name="pressure_stage_seconds",
            says="How long each stage was held, in seconds.",
            value=seconds,
            labels={"stage": stage.name.lower()},
            counted=True,
        )
    yield SystemMetric(
        name="pressure_refused", says="Turns refused as memory was short.", value=pressure.refused, counted=True
    )


def of_returning(returning: Returning) -> Iterator[SystemMetric]:
    """Yield what was given back to the system."""
    yield SystemMetric(
        name="memory_returned_bytes", says="Bytes given back to the system.", value=returning.bytes, counted=True
    )
