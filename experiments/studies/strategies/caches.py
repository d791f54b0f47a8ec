"""Caches: what an agent looks up is asked for at its origin, kept in the process, or kept in Redis.

Accesses follow Zipf's law, and now and then what was looked up changes: half of the changes are the agent's own, the
other half another agent's. The origin is a table in a file; where the condition states a delay, its answers come that
much later, as over a network. All ways have the same accesses, the same delays, and room for as many things. Redis is
inside the limits: on a small machine it shares them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from experiments.measuring.records import Scalar, ServiceSpec
from experiments.measuring.role import Role
from experiments.measuring.study import GRADED, Cell, GridRequest, Preset, narrowed, twins
from experiments.studies.strategies._cache_names import ASIDE, IN_PROCESS, THROUGH, UNCACHED, WARMED

PART = "caches"
QUESTION = "looked up at the origin, in the process, in Redis, in a warmed one: how often, how fast, and how stale?"
MEASURES = (
    "hit_rate",
    "access_time",
    "stale_reads",
    "hits_of_optimum",
    "access_time_p50",
    "access_time_p95",
    "change_time",
    "cache_memory",
    "origin_reads",
    "warming_time",
)
PRIMARY = 2

SUBJECTS = (UNCACHED, IN_PROCESS, ASIDE, THROUGH, WARMED)
REFERENCES = (UNCACHED, IN_PROCESS)
_IN_REDIS = (ASIDE, THROUGH, WARMED)
_OF_ROOM = (IN_PROCESS, ASIDE, WARMED)  # what a look at the hit rate alone compares: the others hit as one of them

_REDIS = "redis"
_KEYS = 400
_ACCESSES: dict[Preset, int] = {"smoke": 200, "quick": 500, "standard": 1_000, "paper": 10_000}
_ROOMS: dict[Preset, tuple[int, ...]] = {"standard": (20, 200, 400), "paper": (10, 20, 40, 160, 200, 400)}
_ROOM = 80
"""Things a cache has room for where that is not what is varied: a fifth of all."""

_DELAYS_MS: dict[Preset, tuple[int, ...]] = {"smoke": (), "quick": (2,), "standard": (2, 5), "paper": (1, 2, 5, 20, 50)}
_CALLERS = 4
"""How many ask at once where the origin answers late; where it does not, one does, and nobody waits for another."""

_CHANGES = 0.02
_LABELS = (
    "no model runs: what is looked up are rows of a file, and the delays of its answers are stated",
    "nothing in Redis is on the disk: no snapshots, no append-only file",
)

# Seconds, for estimates: a trial without its accesses; a server and its client; an access to it.
_TRIAL_S, _SERVER_S, _ACCESS_S = 0.5, 0.3, 0.0003


def cells(request: GridRequest) -> list[Cell]:
    """Return a cell a way for every room, and for every delay of the origin."""
    preset = narrowed(request).preset
    found = [*_cells(preset)]
    arms = (cell for cell in found if cell.subject in (UNCACHED, ASIDE) and cell.condition["delay_ms"] == 2)
    return [*found, *(twins(arms) if preset in GRADED else ())]


def _cells(preset: Preset) -> Iterator[Cell]:
    if preset == "smoke":
        yield from _compared(preset, _ROOM, 0, (IN_PROCESS, ASIDE))
        return
    if preset != "quick":
        yield from _compared(preset, _ROOM, 0, SUBJECTS)
    for room in _ROOMS.get(preset, ()):
        yield from _compared(preset, room, 0, _OF_ROOM)
    for delay_ms in _DELAYS_MS[preset]:
        yield from _compared(preset, _ROOM, delay_ms, SUBJECTS)


def _compared(preset: Preset, room: int, delay_ms: int, subjects: Sequence[str]) -> Iterator[Cell]:
    callers, accesses = _CALLERS if delay_ms else 1, _ACCESSES[preset]
    condition: dict[str, Scalar] = {
        "part": PART,
        "keys": _KEYS,
        "accesses": accesses,
        "room": room,
        "delay_ms": delay_ms,
        "callers": callers,
        "changes": _CHANGES,
    }
    for subject in subjects:
        asked = 1.0 if subject == UNCACHED else 0.5
        waited_s = accesses * asked * (delay_ms + 1) / callers / 1000 if delay_ms else 0.0
        yield Cell(
            part=PART,
            condition=condition,
            subject=subject,
            services=(ServiceSpec(name=_REDIS, inside=True),) if subject in _IN_REDIS else (),
            labels=_LABELS if subject in _IN_REDIS else _LABELS[:1],
            estimate_s=_TRIAL_S + waited_s + (_SERVER_S + accesses * _ACCESS_S) * (subject in _IN_REDIS),
        )


def run(role: Role) -> None:
    """Make the accesses of the condition by the subject's way, and note hits, times, and what was stale."""
    # The other parts' trials import this module, and not what it measures.
    from experiments.studies.strategies import _caching

    _caching.run(role)
