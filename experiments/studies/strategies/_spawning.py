"""The trials of the part `spawning`: a parent in the condition's runtime, and what it saw."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec

from experiments.measuring.looks import SERVED, SERVING
from experiments.measuring.records import RequestRow
from experiments.measuring.role import Role
from experiments.studies.strategies import _runtimes

_PROGRAM = Path(__file__).with_name("_spawning_program.py")


class _Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What a parent saw: when each task was asked for and answered, in seconds, and what a task's work took."""

    rows: list[tuple[float, float]]
    work_s: float
    processes: int
    started_cpu_s: float


def run(role: Role) -> None:
    """Run the parent, and note its tasks as requests."""
    condition, settings, part = role.spec.condition, role.spec.settings, role.part
    plan = {
        "way": settings["way"],
        "warm": settings.get("warm", False),
        "workers": settings["workers"],
        "callers": condition["callers"],
        "seconds": settings["seconds"],
        "hashes": condition.get("hashes", 0),
        "parent_mib": condition["parent_mib"],
    }
    role.outside_look(SERVING)
    told = _runtimes.run(role, str(settings["runtime"]), _PROGRAM, json.dumps(plan))
    role.outside_look(SERVED)
    seen = msgspec.json.decode(told, type=_Seen)
    part.requests = [
        RequestRow(
            intended_s=round(asked_s, 6),
            started_s=round(asked_s, 6),
            first_token_s=None,
            finished_s=round(answered_s, 6),
            outcome="ok",
        )
        for asked_s, answered_s in seen.rows
    ]
    part.values |= {
        "work_s": seen.work_s,
        "processes": seen.processes,
        # What the parent had used when it began: its own start, which no way changes, and its workers' as they end.
        "parent_cpu_s": seen.started_cpu_s,
    }
