"""Vectors: what fewer bits a number save of a process, and which of the nearest they lose.

Truth is the comparison of whole numbers with whole numbers; a row that lies as near as the tenth counts as one of the
ten, since texts may differ where their vectors do not. What makes the vectors is a process of its own, gone before they
are read.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from experiments.measuring.probes import memory
from experiments.measuring.role import Role
from experiments.measuring.study import GRADED, Cell, GridRequest, Preset, twins
from experiments.workloads import vectors as workload
from experiments.workloads.vectors import CLUSTERS, NEAREST_COUNT
from systems.memory.quantised import Precision, QuantisedRows, rescored, whole_numbers

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

_PRECISIONS: dict[str, Precision] = {
    "float": "float32",
    "int8": "int8",
    "int4": "int4",
    "bits": "bits",
    "int4-rescored": "int4",
    "bits-rescored": "bits",
}
SUBJECTS = tuple(_PRECISIONS)
"""Rescored: as many as ten times the wanted rows are looked at again, in eight bits, in a mapped file."""

# Where making the vectors takes longest, the precisions that are claimed, and the best of those that go further.
_FEW = ("float", "int8", "int4", "bits-rescored")
_ARMED = 10_000

# An encoder of texts reads some hundred a second on two processors, and static vectors ten thousands.
_COUNTS: dict[Preset, tuple[tuple[str, int], ...]] = {
    "smoke": ((CLUSTERS, 1_000),),
    "quick": (("minilm", 1_000), ("wordllama", 10_000), (CLUSTERS, 10_000)),
    "standard": (("minilm", 1_000), ("wordllama", 10_000), (CLUSTERS, 1_000), (CLUSTERS, 10_000), (CLUSTERS, 100_000)),
    "wide": (("minilm", 1_000), ("wordllama", 10_000), (CLUSTERS, 1_000), (CLUSTERS, 10_000), (CLUSTERS, 100_000)),
    "paper": (
        *((encoder, count) for encoder in ("minilm", "e5-small") for count in (1_000, 10_000)),
        *((kind, count) for kind in ("wordllama", CLUSTERS) for count in (1_000, 10_000, 100_000)),
    ),
}
_QUERIES = 100
_WARMING = 3  # queries before those that are timed: the first also loads what a product needs
_LOOKED_AT_AGAIN = 10 * NEAREST_COUNT
_BLOCK = 2_048


def cells(request: GridRequest) -> list[Cell]:
    """Return a cell a precision, kind of vectors and number of them."""
    found = [
        Cell(
            part=PART,
            condition={"part": PART, "vectors": kind, "count": count},
            subject=subject,
            impossible="" if workload.installed(kind) else f"the encoder {kind} is not on this machine",
            labels=("vectors of no text: points around common centres",) if kind == CLUSTERS else (),
            estimate_s=1 + count / {"wordllama": 5_000, CLUSTERS: 20_000}.get(kind, 200),
            timeout_s=180 + count / 100,
        )
        for kind, count in _COUNTS[request.preset]
        for subject in _subjects(request.preset, kind)
    ]
    if request.preset in GRADED:
        found += twins(cell for cell in found if cell.condition["count"] == _ARMED and cell.subject in _FEW[:2])
    return found


def _subjects(preset: Preset, kind: str) -> tuple[str, ...]:
    few = preset == "smoke" or (kind == "minilm" and preset != "paper")
    return _FEW if few else SUBJECTS


def run(role: Role) -> None:
    """Have the vectors made, keep them in the subject's way, and ask for the nearest of each question."""
    kind, count = str(role.spec.condition["vectors"]), int(role.spec.condition["count"] or 0)
    workload.make(kind, count, _QUERIES, role.spec.seed, role.work_dir)
    asked = np.load(role.work_dir / workload.ASKED)
    index = _Index(role.work_dir, role.spec.subject, count, asked.shape[1])
    for vector in asked[:_WARMING]:
        index.nearest(vector)
    found, seconds = [], []
    for vector in asked:
        began = time.perf_counter()
        found.append(index.nearest(vector))
        seconds.append(time.perf_counter() - began)
    role.part.values.update(
        vectors_bytes=index.bytes,
        vectors_anonymous=memory.anonymous_bytes(),
        vectors_peak_memory=memory.peak_bytes(),
    )
    role.part.series["nearest_s"] = [round(value, 7) for value in seconds]
    role.part.values.update(nearest_right=_right(role.work_dir, asked, found), nearest_wanted=NEAREST_COUNT * _QUERIES)
    role.outside_look()


class _Index:
    """The rows in ``folder``, read a block at a time and kept as the ``subject`` keeps them."""

    def __init__(self, folder: Path, subject: str, count: int, dimensions: int) -> None:
        self._rows = QuantisedRows(_PRECISIONS[subject], dimensions, count)
        self._again: NDArray[np.int8] | None = None
        self._scales = np.zeros(0, np.float32)
        if subject.endswith("-rescored"):
            self._again = np.memmap(folder / "rows.i8", np.int8, "w+", shape=(count, dimensions))
            self._scales = np.zeros(count, np.float32)
        with (folder / workload.ROWS).open("rb") as file:
            for start in range(0, count, _BLOCK):
                block = np.fromfile(file, np.float32, _BLOCK * dimensions).reshape(-1, dimensions)
                self._rows.fill(start, block)
                if self._again is not None:
                    end = start + len(block)
                    self._again[start:end], self._scales[start:end] = whole_numbers(block, 127)
        if self._again is not None:
            del self._again  # as another process would have written it
            self._again = np.memmap(folder / "rows.i8", np.int8, "r", shape=(count, dimensions))

    @property
    def bytes(self) -> int:
        """How many bytes of vectors are in memory for good."""
        return self._rows.bytes + self._scales.nbytes

    def nearest(self, vector: NDArray[np.float32]) -> NDArray[np.intp]:
        """Return the places of the nearest rows."""
        if self._again is None:
            return self._rows.nearest(vector, NEAREST_COUNT)
        places = self._rows.nearest(vector, _LOOKED_AT_AGAIN)
        return rescored(places, self._again, self._scales, vector, NEAREST_COUNT)


def _right(folder: Path, asked: NDArray[np.float32], found: list[NDArray[np.intp]]) -> int:
    """Return how many of the rows that were found lie at least as near as the tenth does."""
    rows, tenth = workload.rows(folder), np.load(folder / workload.NEAREST)
    return sum(
        int((rows[np.sort(places)] @ vector >= least - 1e-6).sum())
        for places, vector, least in zip(found, asked, tenth, strict=True)
    )
