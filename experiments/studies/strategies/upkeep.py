"""Two things that a database is advised: to vacuum regularly, and to give queries memory to work in.

In the case ``vacuum`` states of agents are written over again and again, with an index on when each was seen, so that
every new version stands elsewhere; then all are read. Autovacuum is off for the table on both sides: it comes once a
minute, and a trial is shorter. In the case ``sort`` several sessions sort the same table at once, each in a process of
its own, with as much ``work_mem`` as the subject's name says in MiB; four is what servers come with.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from experiments.measuring.records import Scalar
from experiments.measuring.role import Role
from experiments.measuring.study import GRADED, Cell, GridRequest, Preset, twins
from experiments.studies.strategies._postgres import LABELS, SERVICE, START_S
from experiments.studies.strategies._postgres_levels import SORT, VACUUM, WORK_MEM_MIB

PART = "upkeep"
QUESTION = "states written over again and again, vacuumed or not; sorting with little and with much working memory?"
MEASURES = (
    "upkeep_read_time",
    "upkeep_sort_time",
    "upkeep_table_bytes",
    "upkeep_sort_memory",
    "upkeep_write_time",
    "upkeep_vacuum_time",
    "upkeep_spilled_bytes",
)
PRIMARY = 2
REFERENCES = ("never-vacuumed", "work-mem-4")

_VACUUMED = ("never-vacuumed", "vacuumed")
_SIZES: dict[Preset, tuple[int, int, int]] = {
    "smoke": (500, 4, 20_000),
    "quick": (2_000, 10, 100_000),
    "standard": (5_000, 10, 300_000),
    "wide": (5_000, 10, 300_000),
    "paper": (20_000, 50, 500_000),
}
"""States, how often each is written over, and rows to sort."""

_SESSIONS = 4

# Seconds, for estimates: a thousand states written over, and a thousand rows made and then sorted twice by a session.
_WRITE_S, _SORT_S = 0.012, 0.0013


def cells(request: GridRequest) -> list[Cell]:
    """Return a cell a way in both cases."""
    preset = request.preset
    states, times, rows = _SIZES[preset]
    written: dict[str, Scalar] = {"part": PART, "case": VACUUM, "states": states, "times": times}
    found = [*_cells(written, _VACUUMED, states * times / 1_000 * _WRITE_S)]
    for sessions in (_SESSIONS,) if preset in ("smoke", "quick", "standard") else (1, _SESSIONS):
        sort: dict[str, Scalar] = {"part": PART, "case": SORT, "rows": rows, "sessions": sessions}
        subjects = tuple(WORK_MEM_MIB) if preset in GRADED else ("work-mem-4", "work-mem-64")
        found += _cells(sort, subjects, rows / 1_000 * (1 + sessions) * _SORT_S)
    if preset == "smoke":
        return [cell for cell in found if cell.condition["case"] == VACUUM]
    if preset in GRADED:
        found += twins([cell for cell in found if cell.subject in REFERENCES])
    return found


def _cells(condition: dict[str, Scalar], subjects: Sequence[str], work_s: float) -> Iterator[Cell]:
    for subject in subjects:
        yield Cell(
            part=PART,
            condition=condition,
            subject=subject,
            services=(SERVICE,),
            labels=LABELS,
            estimate_s=START_S + work_s,
        )


def run(role: Role) -> None:
    """Write states over and read them, or sort rows, as the condition says."""
    # The other parts' trials import this module, and not what it measures.
    from experiments.studies.strategies import _upkeep

    _upkeep.run(role)
