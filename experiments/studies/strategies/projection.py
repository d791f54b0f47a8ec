"""The newest memories of one agent: all read and chosen here, or by the database, with an index, with fewer fields.

A memory is a text, some notes on it and its vector, as stores of agents keep them: two kilobytes, of which the text is
a tenth. An agent has a hundredth of them, and its ten newest are asked for. The ways that differ in one thing alone
tell what the index brings, and what the fields.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from experiments.measuring.records import Scalar
from experiments.measuring.role import Role
from experiments.measuring.study import GRADED, Cell, GridRequest, Preset, twins
from experiments.studies.strategies._postgres import LABELS, SERVICE, START_S
from experiments.workloads.memories import SIZES

PART = "projection"
QUESTION = "an agent's newest memories: all read, or chosen by the database, by an index, with the fields needed?"
MEASURES = (
    "retrieval_time_10k",
    "retrieval_bytes_10k",
    *(f"retrieval_{what}_{name}" for name in SIZES if name != "10k" for what in ("time", "bytes")),
    "retrieval_peak_memory",
)
PRIMARY = 2
REFERENCES = ("read-all",)

SUBJECTS = ("read-all", "scan", "scan-projected", "indexed", "indexed-projected")

_MOST: dict[Preset, int] = {
    "smoke": 1_000,
    "quick": 10_000,
    "standard": 10_000,
    "wide": 50_000,
    "paper": 50_000,
}
_ARMED = ("read-all", "indexed-projected")

# Seconds a thousand memories, for estimates: to make them; to read all of them, as often as they are read.
_MAKE_S, _READ_S = 0.06, 0.12


def cells(request: GridRequest) -> list[Cell]:
    """Return a cell a way."""
    preset = request.preset
    if preset not in GRADED:
        return [*_compared(preset, _ARMED)]
    found = [*_compared(preset, SUBJECTS)]
    return [*found, *twins(cell for cell in found if cell.subject in _ARMED)]


def _compared(preset: Preset, subjects: Sequence[str]) -> Iterator[Cell]:
    condition: dict[str, Scalar] = {"part": PART, "memories": _MOST[preset]}
    thousands = _MOST[preset] / 1_000
    for subject in subjects:
        yield Cell(
            part=PART,
            condition=condition,
            subject=subject,
            services=(SERVICE,),
            labels=LABELS,
            estimate_s=START_S + thousands * (_MAKE_S + (_READ_S if subject == "read-all" else 0.0)),
        )


def run(role: Role) -> None:
    """Fill the table step by step, and ask for the newest memories of agents at each size."""
    # The other parts' trials import this module, and not what it measures.
    from experiments.studies.strategies import _projection

    _projection.run(role)
