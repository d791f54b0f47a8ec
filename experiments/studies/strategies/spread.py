"""Spread: requests of unequal length over several workers, by who decides which worker gets one, and by what.

Four workers, each a process that answers one request after another. A request takes its worker a stated time, as one
that waits for an engine does, so that the machine's processors are no bound. Requests come at random moments, whether
or not earlier ones are done; every way gets the same ones at the same moments. ``round-robin`` is what was published.
``pull`` has no queue at a worker: it takes the oldest request when it is free. ``sticky`` sends each session always to
the same worker, as agents that hold their sessions need it.
"""

from __future__ import annotations

from collections.abc import Iterator

from experiments.measuring.role import Role
from experiments.measuring.study import GRADED, Cell, GridRequest, Preset, narrowed, twins
from experiments.studies.strategies._spread_names import SUBJECTS

PART = "spread"
QUESTION = "requests dealt out in turn, at random, to the least busy, by session, or fetched: how long do they take?"
MEASURES = (
    "spread_latency_p95",
    "spread_latency_p50",
    "spread_unevenness",
)
PRIMARY = 2
REFERENCES = ("round-robin",)


_WORKERS = 4
_SECONDS: dict[Preset, float] = {"smoke": 0.2, "quick": 0.6, "standard": 0.9, "paper": 10.0}
_LOADS: dict[Preset, tuple[tuple[str, float], ...]] = {
    "smoke": (("mixed", 0.8),),
    "quick": (("mixed", 0.8),),
    "standard": (("equal", 0.8), ("mixed", 0.8)),
    "paper": (("equal", 0.5), ("equal", 0.8), ("mixed", 0.5), ("mixed", 0.8), ("mixed", 0.9)),
}
_ARMED = ("round-robin", "pull")
_START_S, _LAST_S = 0.5, 0.1


def cells(request: GridRequest) -> list[Cell]:
    """Return a cell a kind of requests, load and way."""
    preset = narrowed(request).preset
    found = [*_cells(preset)]
    if preset in GRADED:
        found += twins(cell for cell in found if cell.subject in _ARMED and cell.condition["lengths"] == "mixed")
    return found


def _cells(preset: Preset) -> Iterator[Cell]:
    seconds = _SECONDS[preset]
    for lengths, load in _LOADS[preset]:
        for subject in _ARMED if preset == "smoke" else SUBJECTS:
            yield Cell(
                part=PART,
                condition={"part": PART, "lengths": lengths, "load": load, "workers": _WORKERS, "seconds": seconds},
                subject=subject,
                labels=("no model runs: a request takes its worker a stated time",),
                estimate_s=_START_S + seconds + _LAST_S,
                timeout_s=60.0,
            )


def run(role: Role) -> None:
    """Spread the condition's requests over workers in the subject's way, and note how long each took."""
    # The other parts' trials import this module, and not what it measures.
    from experiments.studies.strategies import _spread

    _spread.run(role)
