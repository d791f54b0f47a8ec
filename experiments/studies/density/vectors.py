"""Vectors: what fewer bits a number save of a process, and which of the nearest they lose.

Truth is the comparison of whole numbers with whole numbers; a row that lies as near as the tenth counts as one of the
ten, since texts may differ where their vectors do not. What makes the vectors is a process of its own, gone before they
are read.
"""

from __future__ import annotations

from experiments.measuring.role import Role
from experiments.measuring.study import GRADED, Cell, GridRequest, Preset, twins
from experiments.workloads import vectors as workload
from experiments.workloads.vectors import CLUSTERS

PART = "vectors"
QUESTION = "the ten nearest of many vectors, kept in fewer bits a number: which are found, in how much memory and time?"
MEASURES = (
    "nearest_recall",
    "vectors_peak_memory",
    "vectors_anonymous",
    "vectors_bytes",
    "nearest_p50",
    "nearest_p95",
)
PRIMARY = 2

SUBJECTS = ("float", "int8", "int4", "bits", "int4-rescored", "bits-rescored")
"""Rescored: as many as ten times the wanted rows are looked at again, in eight bits, in a mapped file."""

# Where making the vectors takes longest, the precisions that are claimed, and the best of those that go further.
_FEW = ("float", "int8", "int4", "bits-rescored")
_CLAIMED = _FEW[:3]
_ARMED = 10_000

# Vectors made in a second: an encoder of texts makes some hundred on two processors.
_QUICKLY_MADE = {"wordllama": 8_000, CLUSTERS: 30_000}
_COUNTS: dict[Preset, tuple[tuple[str, int], ...]] = {
    "smoke": ((CLUSTERS, 1_000),),
    "quick": (("wordllama", 10_000),),
    "standard": (("minilm", 1_000), ("wordllama", 10_000), (CLUSTERS, 10_000)),
    "wide": (("minilm", 1_000), ("wordllama", 10_000), (CLUSTERS, 1_000), (CLUSTERS, 10_000), (CLUSTERS, 100_000)),
    "paper": (
        *(("minilm", 1_000), ("minilm", 10_000), ("e5-small", 1_000)),
        *((kind, count) for kind in ("wordllama", CLUSTERS) for count in (1_000, 10_000, 100_000)),
    ),
}


def cells(request: GridRequest) -> list[Cell]:
    """Return a cell a precision, kind of vectors and number of them."""
    found = [
        Cell(
            part=PART,
            condition={"part": PART, "vectors": kind, "count": count},
            subject=subject,
            impossible="" if workload.installed(kind) else f"the encoder {kind} is not on this machine",
            labels=("vectors of no text: points around common centres",) if kind == CLUSTERS else (),
            # Ten thousand texts take an encoder minutes: three blocks of them, which are indicative.
            blocks=3 if kind not in _QUICKLY_MADE and count > 1_000 else None,
            estimate_s=0.5 + count / _QUICKLY_MADE.get(kind, 400),
            timeout_s=180 + count / 100,
        )
        for kind, count in _COUNTS[request.preset]
        for subject in _subjects(request.preset, kind)
    ]
    if request.preset in GRADED:
        found += twins(cell for cell in found if cell.condition["count"] == _ARMED and cell.subject in _FEW[:2])
    return found


def _subjects(preset: Preset, kind: str) -> tuple[str, ...]:
    if kind in _QUICKLY_MADE and preset not in ("smoke", "quick"):
        return SUBJECTS
    return _CLAIMED if preset in ("quick", "standard") else _FEW


def run(role: Role) -> None:
    """Have the vectors made, keep them in the subject's way, and ask for the nearest of each question."""
    # The other parts' trials import this module, and not what it measures.
    from experiments.studies.density import _nearest

    _nearest.run(role)
