"""Fetch: pages one after another, on threads, or as tasks of the event loop, from a web of the lab's own.

The site stands outside the limits. Every page comes after a stated delay; robots.txt and connections cost what loopback
costs. Every pattern runs the same code for everything but the waiting: the same requests, limits and extraction.
``sequential`` keeps its connections and runs in the event loop's thread, which stands still meanwhile, as in a program
that has nothing else to do; ``one-thread`` is the same beside the loop. Each page is on a host of its own unless the
condition says otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from experiments.measuring.records import Scalar, ServiceSpec
from experiments.measuring.role import Role
from experiments.measuring.study import GRADED, Cell, GridRequest, Preset, narrowed, twins

PART = "fetch"
QUESTION = "pages one after another, on threads, as tasks: how long do they take, and what stands still meanwhile?"
MEASURES = (
    "fetching_time",
    "fetching_came",
    "loop_delay_max",
    "fetching_memory",
    "loop_delay_p99",
    "fetching_cpu",
)
PRIMARY = 4

_SITE = "site"
DEADLINE_S = 1.0
"""Of each page: no page that answers at all waits as long."""

_AT_ONCE = 50
SUBJECTS: dict[str, dict[str, Scalar]] = {
    "sequential": {"pattern": "sequential", "at_once": 1},
    "threads": {"pattern": "threads", "at_once": _AT_ONCE},
    "tasks": {"pattern": "tasks", "at_once": _AT_ONCE},
    "one-thread": {"pattern": "threads", "at_once": 1},
    "threads-6": {"pattern": "threads", "at_once": 6},  # as many as Python starts by itself on two processors
}
_COMPARED = ("sequential", "threads", "tasks")

_MEAN_MS: dict[Preset, int] = {"smoke": 20, "quick": 40, "standard": 50, "paper": 100}
_ALL_WITHIN_S, _HURRIED_S = 60.0, 1.0

# Seconds, for estimates: a trial without its pages.
_TRIAL_S = 0.9


def cells(request: GridRequest) -> list[Cell]:
    """Return a cell a pattern in every condition of the preset."""
    preset = narrowed(request).preset
    found = [*_cells(preset)]
    arms = (cell for cell in found if cell.subject in _COMPARED and _is_plain(cell, 10) and preset in GRADED)
    return [*found, *twins(arms)]


def _cells(preset: Preset) -> Iterator[Cell]:
    if preset == "smoke":
        yield from _compared(_condition(preset, 3))
        yield from _compared(_condition(preset, 10, failing=1), ("tasks",))
        return
    yield from _compared(_condition(preset, 3))
    yield from _compared(_condition(preset, 10), (*_COMPARED, "one-thread"))
    yield from _compared(_condition(preset, 50), (*_COMPARED, "threads-6"))
    yield from _compared(_condition(preset, 10, failing=1))
    if preset == "quick":
        return
    for addresses in (3, 10, 50):
        yield from _compared(_condition(preset, addresses, delays="heavy-tailed"))
    yield from _compared(_condition(preset, 50, failing=5))
    yield from _compared(_condition(preset, 10, hosts=1))
    yield from _compared(_condition(preset, 50, within_s=_HURRIED_S))


def _condition(
    preset: Preset,
    addresses: int,
    *,
    delays: str = "equal",
    failing: int = 0,
    hosts: int | None = None,
    within_s: float = _ALL_WITHIN_S,
) -> dict[str, Scalar]:
    return {
        "part": PART,
        "addresses": addresses,
        "hosts": hosts or addresses,
        "delays": delays,
        "mean_ms": _MEAN_MS[preset],
        "failing": failing,
        "deadline_s": DEADLINE_S,
        "within_s": within_s,
    }


def _compared(condition: dict[str, Scalar], subjects: Sequence[str] = _COMPARED) -> Iterator[Cell]:
    addresses, mean_s = int(condition["addresses"] or 0), int(condition["mean_ms"] or 0) / 1000
    late_s = DEADLINE_S if condition["failing"] else 0.0
    most_s = float(condition["within_s"] or 0)
    for subject in subjects:
        at_once = int(SUBJECTS[subject]["at_once"] or 1)
        yield Cell(
            part=PART,
            condition=condition,
            subject=subject,
            settings=SUBJECTS[subject],
            services=(ServiceSpec(name=_SITE, inside=False),),
            estimate_s=_TRIAL_S + min(most_s, late_s + mean_s * -(-addresses // at_once)),
            labels=("pages from a server on loopback, each after a stated delay",),
        )


def _is_plain(cell: Cell, addresses: int) -> bool:
    """Return whether nothing fails, waits longer than others, shares a host, or is in a hurry."""
    return cell.condition == _plain(cell.condition) and cell.condition["addresses"] == addresses


def _plain(condition: dict[str, Scalar]) -> dict[str, Scalar]:
    addresses = condition["addresses"]
    return {**condition, "hosts": addresses, "delays": "equal", "failing": 0, "within_s": _ALL_WITHIN_S}


def run(role: Role) -> None:
    """Fetch the pages that the condition plans, and note what came, when, and what it took."""
    # The other parts' trials import this module, and not what it measures.
    from experiments.studies.research import _fetching

    _fetching.run(role)
