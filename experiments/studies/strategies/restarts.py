"""Restarts: workers are killed while the service is asked all the time; who starts new ones, and is it up meanwhile?

Two workers share a socket, and are asked at a stated rate, a connection a request. A request counts as answered if the
answer came within a deadline. In ``one-killed`` one of the workers is killed by SIGKILL again and again, in
``all-killed`` both at once; far more often than workers die. In ``dies-at-start`` both are killed once, and for a while
every new worker dies at its start, as after a bad deployment: there the starts, their processor time, and how soon the
service is back after the repair count. Every way has the same workers.
"""

from __future__ import annotations

from collections.abc import Iterator

from experiments.measuring.role import Role
from experiments.measuring.study import GRADED, Cell, GridRequest, Preset, narrowed, twins

PART = "restarts"
QUESTION = "workers that die are started again at once, after pauses or from a spare: how much of the time is it up?"
MEASURES = (
    "restarts_available",
    "restarts_longest_outage",
    "restarts_back",
    "restarts_cpu",
    "restarts_starts",
)
PRIMARY = 4
REFERENCES = ("unattended", "at-once")

SUBJECTS: dict[str, tuple[str, ...]] = {
    "one-killed": ("unattended", "at-once", "spare"),
    "all-killed": ("unattended", "at-once", "spare"),
    "dies-at-start": ("at-once", "backoff"),
}
"""The faults, and who is tried with each: a service that nobody attends to does not come back from the last."""

DEADLINE_S = 0.25
"""Of a request: an answer that is later is none."""

_PER_S = 250
_SECONDS: dict[Preset, float] = {"smoke": 0.8, "quick": 1.8, "standard": 1.8, "paper": 20.0}
_EVERY_S = 0.6
"""Between kills, each of which comes at a moment drawn from the seed."""

_START_S = 1.0
_FAULTS: dict[Preset, tuple[str, ...]] = {"smoke": ("dies-at-start",), "quick": ("one-killed",)}
"""What goes wrong in the shorter presets; everything in the others."""


def cells(request: GridRequest) -> list[Cell]:
    """Return a cell a fault and way."""
    preset = narrowed(request).preset
    found = [*_cells(preset)]
    if preset in GRADED:
        found += twins(
            cell
            for cell in found
            if cell.subject == "at-once" and cell.condition["fault"] in ("one-killed", "dies-at-start")
        )
    return found


def _cells(preset: Preset) -> Iterator[Cell]:
    seconds = _SECONDS[preset]
    for fault in _FAULTS.get(preset, tuple(SUBJECTS)):
        for subject in SUBJECTS[fault]:
            yield Cell(
                part=PART,
                condition={
                    "part": PART,
                    "fault": fault,
                    "workers": 2,
                    "seconds": seconds,
                    "every_s": _EVERY_S,
                    "per_s": _PER_S,
                    "deadline_s": DEADLINE_S,
                },
                subject=subject,
                labels=("no model runs: a request is half a millisecond of hashes",),
                estimate_s=_START_S + seconds,
                timeout_s=60.0,
            )


def run(role: Role) -> None:
    """Ask the service while its workers are killed, and note what was answered."""
    # The other parts' trials import this module, and not what it measures.
    from experiments.studies.strategies import _restarts

    _restarts.run(role)
