"""Ranges of time in a table of events: without an index, by a B-tree, a block-range index, or partitions of a day.

Every way holds the same rows, is asked for the same ranges, and is vacuumed and analysed before it is asked. What is
asked for is in memory. How much of the table a range is decides; so ranges of an hour up to all are asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from experiments.measuring.records import Scalar
from experiments.measuring.role import Role
from experiments.measuring.study import GRADED, Cell, GridRequest, Preset, twins
from experiments.studies.strategies._postgres import LABELS, SERVICE, START_S
from experiments.studies.strategies._postgres_levels import IN_ORDER, SHUFFLED
from experiments.workloads.events import RANGES

PART = "time-ranges"
QUESTION = "events of a range of time: without an index, by a B-tree, a block-range index or partitions?"
MEASURES = (
    "range_time_1h",
    "range_time_2d",
    *(f"range_time_{name}" for name in RANGES if name not in ("1h", "2d")),
    *(f"range_blocks_{name}" for name in RANGES),
    "range_index_bytes",
    "range_preparing_time",
    "range_append_time",
)
PRIMARY = 2
REFERENCES = ("no-index",)

SUBJECTS = ("no-index", "btree", "brin", "partitions")

_ROWS: dict[Preset, tuple[int, ...]] = {
    "smoke": (20_000,),
    "quick": (200_000,),
    "standard": (500_000,),
    "wide": (500_000, 3_000_000),
    "paper": (500_000, 3_000_000),
}
_ARMED = ("no-index", "brin")
# A day's partitions hold what they hold, wherever a row came from.
_SHUFFLED = ("no-index", "btree", "brin")

# Seconds a million rows, for estimates: to load, vacuum and index them; to shuffle them; to ask for all ranges.
_LOAD_S, _SHUFFLE_S, _ASK_S = 3.0, 1.5, 3.0


def cells(request: GridRequest) -> list[Cell]:
    """Return a cell a way, for rows in order and shuffled."""
    preset = request.preset
    found = [*_cells(preset)]
    usual = min(_ROWS[preset])
    armed = (cell for cell in found if cell.condition == _condition(usual, IN_ORDER) and cell.subject in _ARMED)
    return [*found, *twins(armed)] if preset in GRADED else found


def _cells(preset: Preset) -> Iterator[Cell]:
    if preset not in GRADED:
        yield from _compared(min(_ROWS[preset]), IN_ORDER, _ARMED)
        return
    for rows in _ROWS[preset]:
        yield from _compared(rows, IN_ORDER, SUBJECTS)
        yield from _compared(rows, SHUFFLED, _SHUFFLED)


def _condition(rows: int, order: str) -> dict[str, Scalar]:
    return {"part": PART, "rows": rows, "order": order}


def _compared(rows: int, order: str, subjects: Sequence[str]) -> Iterator[Cell]:
    million_s = _LOAD_S + (_SHUFFLE_S if order == SHUFFLED else 0.0)
    for subject in subjects:
        scans = subject == "no-index" or order == SHUFFLED
        yield Cell(
            part=PART,
            condition=_condition(rows, order),
            subject=subject,
            services=(SERVICE,),
            labels=LABELS,
            estimate_s=START_S + rows / 1e6 * (million_s + _ASK_S * (1.0 if scans else 0.5)),
        )


def run(role: Role) -> None:
    """Fill the table, make what finds ranges in it, and ask for them."""
    # The other parts' trials import this module, and not what it measures.
    from experiments.studies.strategies import _time_ranges

    _time_ranges.run(role)
