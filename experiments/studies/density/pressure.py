"""A ramp that would exceed the limit: what a policy against it saves, and what it costs.

Conversations begin faster and faster, then fewer do, and each is forgotten when it ends. In the ramp ``caches`` most
of what grows can be dropped and computed again; in ``states`` it must be kept, so that packing and refusing are all
there is. What the agent holds is described in `experiments.studies.density._ramp`. An agent that the kernel kills is
started again at once, as a service manager would, and has lost what it held.
"""

from __future__ import annotations

import subprocess
import sys
import time

import msgspec

from experiments.measuring.records import RequestRow, Scalar
from experiments.measuring.role import Role
from experiments.measuring.study import Cell, GridRequest, Preset
from experiments.studies.density._ramp import Policy, Ramp, Summary, beginnings
from systems.errors import SystemFailed
from systems.tiered.pressure.kernel import kernel_pressure

PART = "pressure"
QUESTION = "a ramp that would exceed the limit: what does each policy save from the kernel's kills, and at what cost?"
MEASURES = (
    "pressure_answered",
    "pressure_kills",
    "pressure_lost",
    "pressure_refusals",
    "pressure_recomputed",
    "pressure_highest",
    "pressure_time_no_prefetch",
    "pressure_time_smaller_caches",
    "pressure_time_compressing",
    "pressure_time_refusing",
)
PRIMARY = 2

POLICIES: tuple[Policy, ...] = ("unmanaged", "threshold", "kernel", "stages", "forecast")

_DURATION_S: dict[Preset, float] = {"smoke": 4.0, "quick": 9.0, "standard": 9.0, "wide": 18.0, "paper": 60.0}
_TRIED: dict[Preset, tuple[Policy, ...]] = {
    "smoke": ("threshold", "forecast"),
    "quick": ("unmanaged", "forecast"),
    "standard": ("unmanaged", "threshold", "kernel", "forecast"),
}
"""What is tried in the shorter presets; all of it in the others."""

_PROFILE = "512mb"
_MIB = 2**20
# The bytes a turn adds that must be kept, and how much of its keys and values: chosen so that at its height each ramp
# would take about one and a half times the limit.
_RAMPS: dict[str, tuple[int, float]] = {"caches": (_MIB // 8, 1.0), "states": (3 * _MIB // 2, 0.0)}
_TURNS = 10
_PROGRAM = "from experiments.studies.density._ramp import main; main()"
_CONVERSATIONS = 120


def cells(request: GridRequest) -> list[Cell]:
    """Return a cell a ramp and policy."""
    duration_s = _DURATION_S[request.preset]
    return [
        Cell(
            part=PART,
            condition={"part": PART, "ramp": ramp, "profile": _PROFILE},
            subject=policy,
            settings=_settings(ramp, duration_s),
            profile=_PROFILE,
            impossible=_untold() if policy == "kernel" else "",
            labels=("no model runs: memory is held as an agent holds it",),
            estimate_s=duration_s + 0.5,
        )
        for ramp in (tuple(_RAMPS) if request.preset in ("wide", "paper") else ("caches",))
        for policy in _TRIED.get(request.preset, POLICIES)
    ]


def _settings(ramp: str, duration_s: float) -> dict[str, Scalar]:
    state_bytes, computed = _RAMPS[ramp]
    return {
        "duration_s": duration_s,
        "conversations": _CONVERSATIONS,
        "turns": _TURNS,
        "think_s": duration_s / 3 / _TURNS,
        "state_bytes": state_bytes,
        "computed": computed,
    }


def _untold() -> str:
    kernel = kernel_pressure()
    if kernel is None:
        return "the kernel tells this process's group no memory pressure"
    kernel.close()
    return ""


def run(role: Role) -> None:
    """Start the agent, again whenever it was killed, until the ramp is over; note every turn's fate."""
    ramp = msgspec.convert(
        {**role.spec.settings, "policy": role.spec.subject, "seed": role.spec.seed}
        | {"limit_bytes": role.spec.profile.memory_bytes},
        Ramp,
    )
    part, kills, lost, over = role.part, 0, 0, False
    part.went_beyond = True  # a kill is what came of a policy, not the end of the trial
    began = time.monotonic()
    while not over:
        over, rows, summary = _life(msgspec.structs.replace(ramp, begun_s=time.monotonic() - began))
        part.requests += rows
        if summary is not None:
            part.values |= {f"{name}_s": held_s for name, held_s in summary.stages.items()} | {
                "transitions": summary.transitions,
                "refusals": summary.refusals,
                "reclaimed_bytes": summary.reclaimed_bytes,
                "returned_bytes": summary.returned_bytes,
                "recomputed_tokens": summary.recomputed_tokens,
            }
        if not over:
            kills += 1
            lost += _held(ramp, time.monotonic() - began)
        over = over or time.monotonic() - began > ramp.duration_s
    part.values |= {
        "kills": kills,
        "conversations_lost": lost,
        "turns_planned": ramp.conversations * ramp.turns,
        "turns_answered": sum(row.outcome == "ok" for row in part.requests),
        "limit_bytes": ramp.limit_bytes,
    }
    role.outside_look()


def _held(ramp: Ramp, at_s: float) -> int:
    """Return how many conversations had begun and not ended: what a kill at that moment loses."""
    return sum(begins_s <= at_s < begins_s + ramp.turns * ramp.think_s for begins_s in beginnings(ramp))


def _life(ramp: Ramp) -> tuple[bool, list[RequestRow], Summary | None]:
    """Run the agent once: whether it reached the end of the ramp, its turns, and what it says in the end."""
    command = [sys.executable, "-c", _PROGRAM, msgspec.json.encode(ramp).decode()]
    # The kernel is to choose the agent, not whoever counts its deaths; a process may always make itself likelier.
    likelier = ["/bin/sh", "-c", 'echo 1000 > /proc/self/oom_score_adj; exec "$@"', "ramp", *command]
    with subprocess.Popen(likelier, stdout=subprocess.PIPE) as agent:
        assert agent.stdout is not None
        lines = agent.stdout.read().split(b"\n")
    ended = agent.returncode == 0
    if not ended and agent.returncode != -9:
        raise SystemFailed(f"The agent of the ramp ended with status {agent.returncode}.")
    whole = [line for line in lines[:-1] if line]
    summary = msgspec.json.decode(whole.pop(), type=Summary) if ended else None
    return ended, [msgspec.json.decode(line, type=RequestRow) for line in whole], summary
