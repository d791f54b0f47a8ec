"""Spawning: a process for every task, workers that are kept, kept and warmed, one or one a core.

A parent has tasks done in processes for a stated time; some callers ask it at once, each for the next task when it has
its answer. A task is a stated number of SHA-256, in a worker that has loaded what an agent's worker loads. Every way
has as many places as the profile has processors, but for ``one-worker``. ``runtime`` says whether parent and workers
are Python or Node; nothing is compared across it. In the program ``server`` a task is a request to a server of HTTP in
one process, or in a cluster of one a core, as published. In ``echo`` a task is one run of a small program, as in what
the published figures come from, and there runtimes are what is compared; ``parent_mib`` is what the parent holds.
"""

from __future__ import annotations

from collections.abc import Iterator

from experiments.measuring.records import Scalar
from experiments.measuring.role import Role
from experiments.measuring.study import GRADED, Cell, GridRequest, Preset, narrowed, twins

PART = "spawning"
QUESTION = "a process a task, workers kept, warmed, one a core: tasks a second, the first answer, and processor time?"
MEASURES = (
    "spawning_throughput",
    "spawning_first",
    "spawning_latency_p50",
    "spawning_cpu",
    "spawning_latency_p95",
    "spawning_processes",
)
PRIMARY = 4
REFERENCES = ("spawned", "node", "one-process")

_KEPT: dict[str, Scalar] = {"way": "pool", "warm": False}
WAYS: dict[str, dict[str, Scalar]] = {
    "spawned": {"way": "spawned"},
    "forked": {"way": "forked"},
    "reused": _KEPT,
    "warmed": {**_KEPT, "warm": True},
    "one-worker": {**_KEPT, "workers": 1},
    "as-listed": {"way": "listed"},
}
"""The ways, and what each sets beside what is equal."""

_OF: dict[str, tuple[str, ...]] = {
    "python": ("spawned", "forked", "reused", "warmed", "one-worker"),
    "node": ("spawned", "reused", "warmed", "one-worker", "as-listed"),
}
"""A runtime's ways: Node forks no process that has loaded something, and the listing is Node's."""

SERVERS = {"one-process": 1, "cluster": 2}
"""Servers of HTTP in Node, by their processes."""

_SWEPT = ("spawned", "reused", "one-worker")
_ARMED, _ARMED_AT = ("spawned", "reused", "one-process"), 20_000
_RUNTIMES = ("python", "node", "bun")
_WORKERS = 2  # as many as the profile has processors
_CALLERS, _ECHO_CALLERS = 4, 30  # the published figures come from thirty
_HELD_MIB = 512

_HASHES: dict[Preset, tuple[int, ...]] = {
    "smoke": (0,),
    "quick": (0, 20_000),
    "standard": (0, 2_000, 20_000),
    "paper": (0, 200, 2_000, 20_000),
}
_FULL_AT = 0  # hashes at which every way is shown
_SECONDS: dict[Preset, float] = {"smoke": 0.05, "quick": 0.2, "standard": 0.2, "paper": 3.0}
_NO_MODEL = "no model runs: a task is a stated number of hashes"
_STARTING, _LONGER = ("spawned", "forked", *_RUNTIMES), 2.0  # have few tasks in a second: are asked for longer
_START_S, _LAST_S = 0.4, 0.15  # a role and a parent; the tasks that are under way at the end
_SMOKE = ("spawned", "reused")


def cells(request: GridRequest) -> list[Cell]:
    """Return a cell a runtime, way and size of a task, and a cell a runtime for the small program."""
    preset = narrowed(request).preset
    found = [*_tasks(preset), *_servers(preset), *_echoes(preset)]
    if preset in GRADED:
        found += twins(cell for cell in found if cell.subject in _ARMED and cell.condition.get("hashes") == _ARMED_AT)
        found += twins(cell for cell in found if cell.subject == "node" and not cell.condition["parent_mib"])
    return found


def _tasks(preset: Preset) -> Iterator[Cell]:
    for runtime, ways in _OF.items():
        for hashes in _HASHES[preset]:
            for subject in ways:
                if subject in (_SMOKE if preset == "smoke" else ways if hashes == _FULL_AT else _SWEPT):
                    yield _cell(
                        preset,
                        {"program": "task", "runtime": runtime, "hashes": hashes, "callers": _CALLERS, "parent_mib": 0},
                        subject,
                        WAYS[subject],
                        runtime,
                    )


def _servers(preset: Preset) -> Iterator[Cell]:
    for hashes in () if preset == "smoke" else _HASHES[preset][-2:]:  # at the smallest the clients are the bound
        for subject, workers in SERVERS.items():
            condition: dict[str, Scalar] = {"program": "server", "runtime": "node", "hashes": hashes}
            condition |= {"callers": _CALLERS, "parent_mib": 0}
            yield _cell(preset, condition, subject, {"way": "server", "workers": workers}, "node")


def _echoes(preset: Preset) -> Iterator[Cell]:
    for held_mib in (0,) if preset == "smoke" else (0, _HELD_MIB):
        for runtime in _RUNTIMES[:2] if preset == "smoke" else _RUNTIMES:
            condition: dict[str, Scalar] = {"program": "echo", "callers": _ECHO_CALLERS, "parent_mib": held_mib}
            yield _cell(preset, condition, runtime, {"way": "echo"}, runtime)


def _cell(
    preset: Preset, condition: dict[str, Scalar], subject: str, settings: dict[str, Scalar], runtime: str
) -> Cell:
    seconds = _SECONDS[preset] * (_LONGER if subject in _STARTING else 1.0)
    return Cell(
        part=PART,
        condition={"part": PART, **condition},
        subject=subject,
        settings={"runtime": runtime, "seconds": seconds, "workers": _WORKERS, **settings},
        requires=() if runtime == "python" else (runtime,),
        labels=(_NO_MODEL,),
        estimate_s=_START_S + seconds + _LAST_S + (0.4 if condition["parent_mib"] else 0.0),
        timeout_s=60.0,
    )


def run(role: Role) -> None:
    """Have a parent in the condition's runtime do tasks in the subject's way, and note when each was answered."""
    # The other parts' trials import this module, and not what it measures.
    from experiments.studies.strategies import _spawning

    _spawning.run(role)
