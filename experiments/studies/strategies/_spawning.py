"""The trials of the part `spawning`: a parent in the condition's runtime, and what it saw."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec

from experiments.measuring.probes.histogram import Histogram
from experiments.measuring.role import Role
from experiments.studies.strategies import _runtimes

_PROGRAM = Path(__file__).with_name("_spawning_program.py")


class _Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What a parent saw: when each task was asked for and answered, in seconds, and what a task's work took.

    ``goes_on_s`` is when the callers went on, after each had had its first answer and the parent had been looked at.
    """

    rows: list[tuple[float, float]]
    goes_on_s: float
    work_s: float
    processes: int


def run(role: Role) -> None:
    """Run the parent, and note how soon and how often tasks were answered."""
    condition, settings, part = role.spec.condition, role.spec.settings, role.part
    runtime = str(settings["runtime"])
    plan = {
        "way": settings["way"],
        "warm": settings.get("warm", False),
        "workers": settings["workers"],
        "callers": condition["callers"],
        "seconds": settings["seconds"],
        "hashes": condition.get("hashes", 0),
        "parent_mib": condition["parent_mib"],
    }
    _runtimes.note_version(role, runtime)
    told = _runtimes.run_looked_at(runtime, _PROGRAM, json.dumps(plan), role.outside_look)
    seen = msgspec.json.decode(told, type=_Seen)
    after = [row for row in seen.rows if row[0] >= seen.goes_on_s]
    latencies = Histogram()
    for asked_s, answered_s in after:
        latencies.add(answered_s - asked_s)
    part.histograms["latency_s"] = [latencies.text()]
    part.values |= {
        "first_s": min(answered_s for _, answered_s in seen.rows),
        "tasks": len(seen.rows),
        "tasks_after": len(after),
        "after_s": max(answered_s for _, answered_s in after) - seen.goes_on_s,
        "work_s": seen.work_s,
        "processes": seen.processes,
    }
