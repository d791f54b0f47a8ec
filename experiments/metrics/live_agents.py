"""Live agents: the largest number that a limit held, what each took, and how long a round through them took.

A number holds where every agent, asked in turn, answers rightly and in time, and no process was killed; each number
that was tried is in the record, with what came of it. Where even the ceiling held, the largest number is not known:
"at least" so many are held, and no ratio is drawn.

The memory of an agent is the slope of the group's anonymous memory over the numbers that held, by least squares: what
the first agents share, the interpreter and the engine of one process above all, is in the intercept. Mapped weights
are no anonymous memory. It needs two numbers that held.
"""

from __future__ import annotations

import numpy as np

from experiments.measuring.records import Part, Record
from experiments.metrics._reading import number, subject
from experiments.metrics.interface import Metric, Missing

_HELD = 0.0  # the number of what came of a probe whose agents were all held


def live_agents(record: Record) -> float | Missing:
    """Compute the largest number that held and is known to be the largest."""
    settled = number(record, "agents_settled")
    if isinstance(settled, Missing):
        return settled
    held = agents_at_least(record)
    if isinstance(held, Missing) or settled:
        return held
    return Missing(f"every number up to the ceiling was held: at least {held:g}")


def agents_at_least(record: Record) -> float | Missing:
    """Compute the largest number that held."""
    return number(record, "agents_held")


def agent_anonymous_memory(record: Record) -> float | Missing:
    """Compute the slope of anonymous memory over agents."""
    held = _held(record, "anonymous_bytes")
    if isinstance(held, Missing):
        return held
    if len(held) < 2:
        return Missing("a slope needs two numbers of agents that were held")
    agents, sizes = zip(*held, strict=True)
    return float(np.polyfit(agents, sizes, 1)[0])


def agent_round_time(record: Record) -> float | Missing:
    """Compute the time of a round at the largest number that held, for each agent in it."""
    held = _held(record, "round_s")
    if isinstance(held, Missing):
        return held
    agents, seconds = max(held, default=(0.0, 0.0))
    return seconds / agents if agents else Missing("no number of agents was held")


def _held(record: Record, series: str) -> list[tuple[float, float]] | Missing:
    """Return each number of agents that held, and what ``series`` says of it."""
    part = subject(record)
    if isinstance(part, Missing):
        return part
    if not {"agents", "came", series} <= set(part.series):
        return Missing("no numbers of agents were tried")
    return [(agents, value) for agents, value in _tried(part, series) if value > 0]


def _tried(part: Part, series: str) -> list[tuple[float, float]]:
    tried = zip(part.series["agents"], part.series["came"], part.series[series], strict=True)
    return [(agents, value) for agents, came, value in tried if came == _HELD]


METRICS = (
    Metric(
        name="live_agents",
        title="Live agents",
        unit="count",
        better="higher",
        formula="largest number of agents, each asked once a period, that all answer rightly and in time, none killed",
        compute=live_agents,
    ),
    Metric(
        name="agents_at_least",
        title="Live agents, at least",
        unit="count",
        better="higher",
        formula="largest number of agents that was held, also where it is the most that was tried",
        compute=agents_at_least,
        comparable=False,
    ),
    Metric(
        name="agent_anonymous_memory",
        title="Anonymous memory of an agent",
        unit="bytes",
        better="lower",
        formula="least-squares slope of the group's anonymous bytes over the numbers of agents that were held",
        compute=agent_anonymous_memory,
    ),
    Metric(
        name="agent_round_time",
        title="Time of an agent's turn in a round",
        unit="s",
        better="lower",
        formula="duration of the timed round ÷ agents in it, at the largest number that was held",
        compute=agent_round_time,
    ),
)
