"""The trials of the part `spawning`: a parent in the condition's runtime, and what it saw."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec

from experiments.measuring.looks import SERVED, SERVING
from experiments.measuring.probes.histogram import Histogram
from experiments.measuring.role import Role
from experiments.studies.strategies import _runtimes

_PROGRAM = Path(__file__).with_name("_spawning_program.py")


class _Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What a parent saw: when each task was asked for and answered, in seconds, and what a task's work took.

    ``first_round_s`` is when the last caller had its first answer.
    """

    rows: list[tuple[float, float]]
    first_round_s: float
    work_s: float
    processes: int
    started_cpu_s: float


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
    role.outside_look(SERVING)
    told = _runtimes.run(runtime, _PROGRAM, json.dumps(plan))
    role.outside_look(SERVED)
    seen = msgspec.json.decode(told, type=_Seen)
    after = [row for row in seen.rows if row[1] > seen.first_round_s]
    latencies = Histogram()
    for asked_s, answered_s in after:
        latencies.add(answered_s - asked_s)
    part.histograms["latency_s"] = [latencies.text()]
    part.values |= {
        "first_s": min(answered_s for _, answered_s in seen.rows),
        "tasks": len(seen.rows),
        "tasks_after": len(after),
        "after_s": max((answered_s for _, answered_s in after), default=seen.first_round_s) - seen.first_round_s,
        "work_s": seen.work_s,
        "processes": seen.processes,
        # What the parent had used when it began: its own start, which is the same in every way.
        "parent_cpu_s": seen.started_cpu_s,
    }
