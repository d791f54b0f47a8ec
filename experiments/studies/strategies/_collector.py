"""The trials of the part `collector`: the service in a process of its own, and what it saw."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec

from experiments.measuring.probes.histogram import Histogram
from experiments.measuring.role import Role
from experiments.studies.strategies import _runtimes

_PROGRAM = Path(__file__).with_name("_collector_program.py")


class _Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What the service saw: seconds of each request and of each collection, of all requests, and its peak in bytes."""

    latencies_s: list[float]
    pauses_s: list[float]
    wall_s: float
    cpu_s: float
    peak_bytes: int


def run(role: Role) -> None:
    """Run the service, and note its requests, its pauses and its memory."""
    condition, settings, part = role.spec.condition, role.spec.settings, role.part
    runtime = str(condition["runtime"])
    thresholds = [settings[name] for name in ("young", "middle", "old") if name in settings]
    plan = {
        "sessions": condition["sessions"],
        "requests": condition["requests"],
        "thresholds": thresholds,
        "freeze": settings.get("freeze", False),
        "off": settings.get("off", False),
    }
    flags = [str(settings["flag"])] if "flag" in settings else []
    _runtimes.note_version(role, runtime)
    seen = msgspec.json.decode(_runtimes.run(runtime, _PROGRAM, json.dumps(plan), *flags), type=_Seen)
    latencies = Histogram()
    for seconds in seen.latencies_s:
        latencies.add(seconds)
    part.histograms["latency_s"] = [latencies.text()]
    part.values |= {
        "requests": len(seen.latencies_s),
        "wall_s": seen.wall_s,
        "cpu_s": seen.cpu_s,
        "peak_bytes": seen.peak_bytes,
        "collections": len(seen.pauses_s),
        "collecting_s": sum(seen.pauses_s),
        "longest_pause_s": max(seen.pauses_s, default=0.0),
    }
    role.outside_look()
