"""How many live agents a limit holds: all of them asked in turn, answering rightly and in time, and nobody killed.

An agent that nobody asks can lie on a disk for ever, so the number of idle agents has no bound. Here every agent is
asked once in a stated period, and must answer within a stated deadline with a number that it was told in its own
conversation. The agents are asked one right after another, and the time in which nobody would ask is left out: a round
through all of them must fit in the period. What bounds the number is then memory, or the time that the answers take,
and the record of every number that was tried says which.

The numbers are found by strides that double and by bisection, each in fresh processes inside one trial's limits. Those
may be killed: that is what is looked for. The process that notes what became of them is the last that the kernel would
choose.
"""

from __future__ import annotations

import ctypes.util
import os
import random
import selectors
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress

import msgspec

from experiments.measuring import profiles
from experiments.measuring.probes import processes
from experiments.measuring.records import EngineSpec, Scalar
from experiments.measuring.role import Role
from experiments.measuring.study import GRADED, Cell, GridRequest, Preset, twins
from experiments.studies.live_agents.probe import FIRST_ROUND_S, Came, Probed, ProbeOrder
from experiments.studies.live_agents.search import largest
from experiments.studies.subjects import batched
from systems import registry

PART = "agents"
QUESTION = "How many live agents, asked in turn and graded, does a limit hold?"
MEASURES = ("live_agents", "agents_at_least", "agent_anonymous_memory", "agent_round_time")
PRIMARY = 1

CAME: tuple[Came, ...] = ("held", "wrong", "late", "lost", "failed")
"""What can come of a probe, in the order of the numbers by which a record's series call them."""

# No history is cut by a number of messages. One that is bounded by tokens as well may be: its agent must then find what
# it needs in its long-term memory, and computes less.
_SETTINGS: dict[str, Scalar] = {"history_length": 64}

# Seconds: a probe begins, and tells an agent its conversation, at most; and until a process that has said all ends.
_BEGINS_S, _TELLS_S, _ENDS_S = 20.0, 1.0, 20.0

# Guesses, by which a search begins near what it will find: an agent's answer where its state was kept, and where all is
# computed, in seconds (on one machine the first took half as long); what a process of its own takes. How far they are
# off costs time and changes no result.
_STATE_S, _ANEW_S, _AGENT_BYTES = 1.0, 3.5, 135 << 20

# Guesses for estimates: seconds of a probe for each of its agents, which are told their conversations and then asked.
_ALONE_S, _KEPT_S, _TOLD_ANEW_S = 4.0, 1.6, 4.5

# Seconds a trial takes at most. What is slow is slow in its first round, which has time; what hangs ends its probe.
_AT_MOST_S = 7_200.0

# Of the limit, for a batched engine's states; the rest is everybody else's. The tiered agent's may go to disk as well.
_STATES_SHARE = 4
_STATES_ON_DISK = 16 << 30


class _Limit(msgspec.Struct, frozen=True, kw_only=True):
    """A profile and what is asked under it: seconds of a period and a deadline, the most agents, and how often.

    A number is the largest where one that is larger by 1, or by the share ``within``, did not hold. Where that is None,
    conditions do not name it.
    """

    profile: str
    period_s: float
    deadline_s: float
    ceiling: int
    subjects: tuple[str, ...]
    blocks: int | None = None
    words: str = "scripted"
    within: float | None = None


_CLAIMED = ("per-process", "objects", "tiered")
_OTHERS = ("baseline", "asynchronous", "asynchronous-batched", "objects-arenas", "objects-jemalloc")
_EVERY = (*_CLAIMED, *_OTHERS)

_TOKENS = 1_000
_SHORT = _Limit(profile="512mb", period_s=5, deadline_s=10, ceiling=64, subjects=_CLAIMED)
_EDGE = _Limit(profile="4gb", period_s=10, deadline_s=10, ceiling=256, subjects=_CLAIMED, within=0.0)
_TWINS = msgspec.structs.replace(_SHORT, ceiling=2, subjects=_CLAIMED[:2], blocks=1)
_LIMITS: dict[Preset, tuple[_Limit, ...]] = {
    "smoke": (_TWINS,),
    "quick": (_TWINS,),
    "standard": (_SHORT,),
    "wide": (
        _SHORT,
        msgspec.structs.replace(_SHORT, subjects=_OTHERS, blocks=2),
        msgspec.structs.replace(_SHORT, profile="1gb", subjects=_EVERY),
        _EDGE,
    ),
    "paper": (
        *(
            _Limit(profile=profile, period_s=period_s, deadline_s=30, ceiling=1024, subjects=_EVERY)
            for profile in ("512mb", "1gb")
            for period_s in (5, 60)
        ),
        _Limit(profile="4gb", period_s=120, deadline_s=30, ceiling=1024, subjects=_EVERY, blocks=6, within=1 / 8),
        _Limit(profile="1gb", period_s=60, deadline_s=30, ceiling=1024, subjects=_EVERY, blocks=6, words="own"),
    ),
}


def cells(request: GridRequest) -> list[Cell]:
    """Return a cell a limit and subject; none of a system that is not registered here."""
    found: dict[str, Cell] = {}
    for limit in _LIMITS[request.preset]:
        for subject in limit.subjects:
            cell = _cell(limit, subject, request.engine)
            if cell is not None:
                found.setdefault(f"{subject} {sorted(cell.condition.items())}", cell)
    judged = (_condition(_SHORT), _condition(_EDGE))
    arms = [cell for cell in found.values() if cell.subject == "objects" and cell.condition in judged]
    return [*found.values(), *(twins(arms) if request.preset in GRADED else ())]


def _condition(limit: _Limit) -> dict[str, Scalar]:
    return {
        "part": PART,
        "profile": limit.profile,
        "tokens": _TOKENS,
        "period_s": limit.period_s,
        "deadline_s": limit.deadline_s,
        "ceiling": limit.ceiling,
        "words": limit.words,
        **({} if limit.within is None else {"within": limit.within}),
    }


def _cell(limit: _Limit, subject: str, engine: EngineSpec) -> Cell | None:
    known = [name for name in registry.systems.names() if f"{subject}-".startswith(f"{name}-")]
    if not known:
        return None
    system = max(known, key=len)
    variant = subject[len(system) + 1 :]
    mapped = engine
    if registry.engines.get(engine.name).runs_a_model:
        # Weights that are only mapped are shared by all processes, and count once.
        mapped = msgspec.structs.replace(engine, settings={**engine.settings, "repack": False})
    if variant == "batched" or system == "tiered":
        states = profiles.load(limit.profile).memory_bytes // _STATES_SHARE
        on_disk = _STATES_ON_DISK if system == "tiered" else 0
        one = batched(mapped, slots=2, memory_bytes=states, disk_bytes=on_disk, repack=False)
        if one is None and variant == "batched":
            return None
        mapped = one or mapped
    return Cell(
        part=PART,
        condition=_condition(limit),
        subject=subject,
        system=system,
        variant=variant,
        settings=_SETTINGS,
        engine=mapped,
        profile=limit.profile,
        blocks=limit.blocks,
        impossible="jemalloc is not installed" if variant == "jemalloc" and not _jemalloc() else "",
        estimate_s=_estimate_s(limit, subject),
        timeout_s=_AT_MOST_S,
    )


def _estimate_s(limit: _Limit, subject: str) -> float:
    """Guess a trial's seconds: it tries some three numbers, about one more than the largest that holds."""
    guess = _guess(profiles.load(limit.profile).memory_bytes, limit.period_s, limit.ceiling, subject)
    each_s = _ALONE_S if subject == "per-process" else _KEPT_S if subject == "tiered" else _TOLD_ANEW_S
    return 2.0 + 3.0 * (guess + 1) * each_s


def _guess(memory_bytes: int, period_s: float, ceiling: int, subject: str) -> int:
    """Guess how many agents are held: as many as memory or time allows."""
    alone = subject == "per-process"
    fits = memory_bytes // _AGENT_BYTES if alone else ceiling
    answers = int(period_s / (_STATE_S if alone or subject == "tiered" else _ANEW_S))
    return max(1, min(ceiling, fits, answers))


def _jemalloc() -> str | None:
    return ctypes.util.find_library("jemalloc")


def run(role: Role) -> None:
    """Try numbers of agents until the largest that holds is known; note each, and what came of it."""
    part, spec = role.part, role.spec
    ceiling, within = int(spec.condition["ceiling"] or 0), float(spec.condition.get("within") or 0)
    period_s = float(spec.condition["period_s"] or 0)
    guess = _guess(spec.profile.memory_bytes, period_s, ceiling, spec.subject)
    part.went_beyond = True
    names = ("agents", "came", "round_s", "slowest_s", "anonymous_bytes", "seconds", "prompt_tokens", "reused_tokens")
    part.series = {name: [] for name in names}

    def holds(agents: int) -> bool:
        began = time.monotonic()
        probed, anonymous = _probe(role, agents)
        noted = {
            "agents": agents,
            "came": CAME.index(probed.came),
            "round_s": probed.round_s,
            "slowest_s": probed.slowest_s,
            "anonymous_bytes": anonymous,
            "seconds": time.monotonic() - began,
            "prompt_tokens": probed.prompt_tokens,
            "reused_tokens": probed.reused_tokens,
        }
        for name, value in noted.items():
            part.series[name].append(round(float(value), 6))
        print(f"{agents} agents: {probed.came} {probed.why}", file=sys.stderr)  # kept with a trial that ends badly
        return probed.came == "held"

    def expected() -> int:
        """Return how many answers like the last round's fill a period; 0 where memory decides, or unlike ones."""
        round_s = part.series["round_s"][-1]
        return int(part.series["agents"][-1] * period_s / round_s) if spec.subject == "tiered" and round_s else 0

    role.mark("began")
    found = largest(holds, _first(guess, within, spec.seed), max(1, guess // 8), ceiling, within, expected)
    role.mark("ended")
    part.values.update(agents_held=float(found.number), agents_settled=float(found.settled))
    role.outside_look()


def _first(guess: int, within: float, seed: int) -> int:
    """Return where a search begins.

    One that ends within a share begins a little elsewhere in each block: else all blocks would try the same numbers,
    and how coarse these are would not show in their spread. One that ends exactly begins below the guess, so that two
    numbers hold, whose difference is what an agent takes.
    """
    if within:
        return max(1, round(guess * (1 + within * random.Random(seed).uniform(-0.5, 0.5))))
    return max(1, guess - max(1, guess // 5))


def _probe(role: Role, agents: int) -> tuple[Probed, int]:
    """Run one probe, and return what it saw and the anonymous bytes of all at its end; 0 where nobody could look."""
    folder = role.work_dir / f"probe-{len(role.part.series['agents'])}"
    (folder / "data").mkdir(parents=True)
    order = ProbeOrder(spec=role.spec, model_path=role.model_path, agents=agents, data_dir=str(folder / "data"))
    path = folder / "order.json"
    path.write_bytes(msgspec.json.encode(order))
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "experiments.studies.live_agents.probe", str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, **_environment(role.spec.variant)},
        start_new_session=True,
    ) as process:
        period_s = float(role.spec.condition["period_s"] or 0)
        line = _line(process, _BEGINS_S + agents * (_TELLS_S + FIRST_ROUND_S) + 2 * period_s)
        if line is None:
            probed, anonymous = Probed(came="late", why="it did not come to its end"), 0
        elif not line.endswith(b"\n"):
            probed, anonymous = Probed(came="lost", why=f"the probe ended, status {process.wait()}"), 0
        else:
            probed = msgspec.json.decode(line, type=Probed)
            anonymous = (role.processes.anonymous_bytes() or 0) if probed.came == "held" else 0
        _end(process, go_on=line is not None)
    shutil.rmtree(folder, ignore_errors=True)
    return probed, anonymous


def _line(process: subprocess.Popen[bytes], seconds: float) -> bytes | None:
    """Return the line that a probe says, what there is of it if the probe ends, or None where it says none in time."""
    assert process.stdout is not None
    said, end = b"", time.monotonic() + seconds
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while not said.endswith(b"\n"):
            if not selector.select(max(0.0, end - time.monotonic())):
                return None
            piece = os.read(process.stdout.fileno(), 65536)
            if not piece:
                break
            said += piece
    return said


def _end(process: subprocess.Popen[bytes], *, go_on: bool) -> None:
    """Let a probe close what it holds, and kill what is left of it."""
    assert process.stdin is not None
    with suppress(BrokenPipeError):
        if go_on:
            process.stdin.write(b"go\n")
        process.stdin.close()
    with suppress(subprocess.TimeoutExpired):
        process.wait(_ENDS_S if go_on else 0)
    if process.poll() is None:
        process.kill()
        process.wait()
    processes.end_descendants()  # agents of a probe that was killed end by themselves, but not at once


def _environment(variant: str) -> Mapping[str, str]:
    """Return what a variant runs under: what the C library's allocator is told, or another one in its place."""
    if variant == "arenas":
        return {"MALLOC_ARENA_MAX": "2"}
    return {"LD_PRELOAD": _jemalloc() or ""} if variant == "jemalloc" else {}
