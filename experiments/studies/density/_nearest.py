"""The trials of the part `vectors`: rows at a precision, the nearest of each question, and what that took."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from experiments.measuring.probes import memory
from experiments.measuring.role import Role
from experiments.workloads import vector_files, vectors
from experiments.workloads.vectors import NEAREST_COUNT
from systems.memory.quantised import Precision, QuantisedRows, rescored, whole_numbers

_PRECISIONS: dict[str, Precision] = {
    "float": "float32",
    "int8": "int8",
    "int4": "int4",
    "bits": "bits",
    "int4-rescored": "int4",
    "bits-rescored": "bits",
}
_QUERIES = 100
_WARMING = 3  # queries before those that are timed: the first also loads what a product needs
_LOOKED_AT_AGAIN = 10 * NEAREST_COUNT
_BLOCK = 2_048


def run(role: Role) -> None:
    """Have the vectors made, keep them in the subject's way, and ask for the nearest of each question."""
    kind, count = str(role.spec.condition["vectors"]), int(role.spec.condition["count"] or 0)
    vectors.make(kind, count, _QUERIES, role.spec.seed, role.work_dir)
    asked = np.load(role.work_dir / vector_files.ASKED)
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
        with (folder / vector_files.ROWS).open("rb") as file:
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
    rows, tenth = vector_files.rows(folder), np.load(folder / vector_files.NEAREST)
    return sum(
        int((rows[np.sort(places)] @ vector >= least - 1e-6).sum())
        for places, vector, least in zip(found, asked, tenth, strict=True)
    )
