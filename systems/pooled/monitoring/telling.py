"""What the pooled agent tells of itself to who watches it: its pool, its tiers, its targets, and what is short."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from systems.interface import SystemMetric
from systems.mechanisms.tier_moves import of_moves
from systems.pooled.monitoring.bottlenecks import Bottleneck
from systems.pooled.monitoring.step_times import StepTimes
from systems.pooled.monitoring.targets import JudgedTarget

if TYPE_CHECKING:
    from systems.pooled.pool import AgentPool
    from systems.pooled.tiers.tiers import PooledTiers


def of_pool(pool: AgentPool, live: int) -> Iterator[SystemMetric]:
    """Yield how many agents are at work, live and waited for."""
    states = {"at work": pool.at_work, "live": live, "most at once": pool.most_at_work, "most": pool.agents}
    for state, count in states.items():
        yield SystemMetric(name="pool_agents", says="Agents of the pool.", value=count, labels={"state": state})
    yield SystemMetric(name="pool_waiting", says="Turns that wait for an agent.", value=pool.waiting)
    yield SystemMetric(
        name="pool_waited_seconds", says="Seconds that turns waited for agents.", value=pool.waited_s, counted=True
    )
    yield SystemMetric(
        name="pool_refused", says="Turns for which no agent was free in time.", value=pool.refused, counted=True
    )


def of_tiers(tiers: PooledTiers) -> Iterator[SystemMetric]:
    """Yield what lies in each tier, and what went from one to another."""
    for tier, (states, taken) in tiers.sizes().items():
        labels: dict[str, str] = {"tier": tier}
        yield SystemMetric(
            name="tier_states", says="Conversations in a tier that are not live.", value=states, labels=labels
        )
        yield SystemMetric(name="tier_bytes", says="Bytes in a tier.", value=taken, labels=labels)
    yield from of_moves(tiers.moves, tiers.lost, tiers.failures)


def of_targets(all_judged: Iterable[JudgedTarget]) -> Iterator[SystemMetric]:
    """Yield what is read for each target, and which status that is: one of the statuses is 1."""
    for target, value, status in all_judged:
        labels = {"target": target.claim, "reading": target.reading}
        yield SystemMetric(
            name="target_reading",
            says="What the last turns were like: seconds, turns a second, or shares.",
            value=value,
            labels=labels,
        )
        yield SystemMetric(
            name="target_status",
            says="Which status the reading of a target has: excellent, good or missed.",
            value=1,
            labels={**labels, "status": status},
        )


def of_bottlenecks(found: Iterable[Bottleneck]) -> Iterator[SystemMetric]:
    """Yield what is short, by its number, and what to try."""
    for symptom, value, remedy in found:
        yield SystemMetric(
            name="bottleneck",
            says="What is short (seconds, turns a second, or a share), and what to try first.",
            value=value,
            labels={"symptom": symptom, "remedy": remedy},
        )


def of_steps(times: StepTimes) -> Iterator[SystemMetric]:
    """Yield how often each step of a turn ran, and how long it took."""
    for step, (count, total_s, _) in times.steps.items():
        labels: dict[str, str] = {"step": step}
        yield SystemMetric(
            name="turn_steps", says="Steps of turns that ended.", value=count, labels=labels, counted=True
        )
        yield SystemMetric(
            name="turn_step_seconds",
            says="Seconds that steps of turns took.",
            value=total_s,
            labels=labels,
            counted=True,
        )
