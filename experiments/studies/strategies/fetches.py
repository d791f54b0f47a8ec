"""Fetches: at once or one after another, over how long a page takes; the rest is the part ``fetch`` of ``research``.

That part tells patterns apart at one delay. This one lets the delay vary, down to none, with the same site and the same
fetcher: where nothing is waited for, there is nothing to overlap.
"""

from __future__ import annotations

from collections.abc import Iterator

from experiments.measuring.records import Scalar, ServiceSpec
from experiments.measuring.role import Role
from experiments.measuring.study import GRADED, Cell, GridRequest, Preset, narrowed, twins

PART = "fetches"
QUESTION = "pages at once or one after another on kept connections: from what delay on does it pay, and how much?"
MEASURES = ("fetching_time", "fetching_came", "fetching_cpu")
PRIMARY = 1
REFERENCES = ("one-after-another",)

SUBJECTS: dict[str, dict[str, Scalar]] = {
    "one-after-another": {"pattern": "sequential", "at_once": 1},
    "tasks": {"pattern": "tasks", "at_once": 50},
}

_SITE = "site"
_DEADLINE_S, _WITHIN_S = 10.0, 60.0

_DELAYS_MS: dict[Preset, dict[int, tuple[int, ...]]] = {
    "smoke": {3: (5,)},
    "quick": {10: (0, 20)},
    "standard": {10: (0, 5, 20, 100), 50: (0, 5, 20)},
    "paper": {3: (0, 5, 20, 100, 300), 10: (0, 5, 20, 100, 300), 50: (0, 5, 20, 100, 300)},
}
"""Of each number of pages, how long a page takes."""

_ARMED = (10, 20)

# Seconds, for estimates: a trial without its pages, and a page without its delay.
_TRIAL_S, _PAGE_S = 0.9, 0.004


def cells(request: GridRequest) -> list[Cell]:
    """Return a cell a way for each number of pages and delay."""
    preset = narrowed(request).preset
    found = [
        cell for pages, delays in _DELAYS_MS[preset].items() for mean_ms in delays for cell in _compared(pages, mean_ms)
    ]
    arms = (cell for cell in found if (cell.condition["addresses"], cell.condition["mean_ms"]) == _ARMED)
    return [*found, *(twins(arms) if preset in GRADED else ())]


def _compared(pages: int, mean_ms: int) -> Iterator[Cell]:
    condition: dict[str, Scalar] = {
        "part": PART,
        "addresses": pages,
        "hosts": pages,
        "delays": "equal",
        "mean_ms": mean_ms,
        "failing": 0,
        "deadline_s": _DEADLINE_S,
        "within_s": _WITHIN_S,
    }
    for subject, settings in SUBJECTS.items():
        waits = -(-pages // int(settings["at_once"] or 1))
        yield Cell(
            part=PART,
            condition=condition,
            subject=subject,
            settings=settings,
            services=(ServiceSpec(name=_SITE, inside=False),),
            labels=("no model runs: pages from a server on loopback, each after a stated delay",),
            estimate_s=_TRIAL_S + pages * _PAGE_S + waits * mean_ms / 1000,
        )


def run(role: Role) -> None:
    """Fetch the pages that the condition plans, as the part of the other study does."""
    # The other parts' trials import this module, and not what it measures.
    from experiments.studies.research import _fetching

    _fetching.run(role)
