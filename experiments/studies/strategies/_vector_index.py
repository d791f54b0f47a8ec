"""The trials of the part `vector-index`: rows in a graph or in an array, and what is found in them.

Every way has the same operations, each as it is done well there. A scan compares the rows of a category alone, a graph
looks at as many more as it takes until enough of the category are among them; a scan drops rows from its array, a
graph marks them as gone.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from experiments.measuring.probes import memory
from experiments.measuring.role import Role
from experiments.studies.strategies._vector_index_names import GRAPH_INT8, SCAN
from experiments.workloads import vector_files, vectors
from experiments.workloads.vectors import CLUSTER_WIDTH, NEAREST_COUNT
from systems.memory.quantised import best

_CONNECTIONS, _LOOKED_AT_ADDING, _LOOKED_AT = 16, 200, 50
"""As published: connections of a row, rows looked at when one is added, and when one is looked for."""

_SWEPT = (10, 20, 50, 100, 200, 400)
"""Rows looked at for a question: each is a point of the curve of recall over time."""

_WARMING = 3  # questions before those that are timed: the first also loads what a product needs
_CATEGORIES = 10
_REMOVED = 0.2  # of the rows

_Keys = NDArray[np.int64]
_Vector = NDArray[np.float32]


class _Index(Protocol):
    """Rows with the numbers from 0 on as keys, each of one category."""

    def nearest(self, vector: _Vector, count: int) -> _Keys:
        """Return the keys of the ``count`` rows nearest to ``vector``, or of as many of them as are found."""

    def nearest_of(self, category: int, vector: _Vector, count: int) -> _Keys:
        """Return the same of the rows of one category."""

    def remove(self, keys: _Keys) -> None:
        """Have these rows no more."""


class _Scan:
    """An array of all rows, those of a category side by side, compared with a question as a whole or in part."""

    def __init__(self, rows: NDArray[np.float32], categories: NDArray[np.int64]) -> None:
        self._keys = np.argsort(categories, kind="stable")
        self._rows = np.array(rows[self._keys])
        self._starts = np.searchsorted(categories[self._keys], np.arange(_CATEGORIES + 1))

    def nearest(self, vector: _Vector, count: int) -> _Keys:
        return self._keys[best(self._rows @ vector, count)]

    def nearest_of(self, category: int, vector: _Vector, count: int) -> _Keys:
        mine = slice(*self._starts[category : category + 2])
        return self._keys[mine][best(self._rows[mine] @ vector, count)]

    def remove(self, keys: _Keys) -> None:
        kept = ~np.isin(self._keys, keys)
        self._starts = np.concatenate(([0], np.cumsum(kept)))[self._starts]
        self._rows, self._keys = self._rows[kept], self._keys[kept]


class _Graph:
    """A graph of rows that each have some neighbours (usearch's HNSW), which is walked towards a question."""

    def __init__(
        self, rows: NDArray[np.float32], categories: NDArray[np.int64], threads: int, *, eight_bits: bool
    ) -> None:
        from usearch.index import Index

        self._categories = categories
        # Of rows of length 1 the product says which are near. In eight bits the library's product was wrong once.
        self._index: Any = Index(
            ndim=rows.shape[1],
            metric="cos" if eight_bits else "ip",
            dtype="i8" if eight_bits else "f32",
            connectivity=_CONNECTIONS,
            expansion_add=_LOOKED_AT_ADDING,
            expansion_search=_LOOKED_AT,
        )
        self._index.add(np.arange(len(rows)), rows, threads=threads)

    def looks_at(self, count: int) -> None:
        """Look at so many rows for a question from now on."""
        self._index.expansion_search = count

    def nearest(self, vector: _Vector, count: int) -> _Keys:
        found: _Keys = np.asarray(self._index.search(vector, count, threads=1).keys).astype(np.int64)
        return found

    def nearest_of(self, category: int, vector: _Vector, count: int) -> _Keys:
        # The library's Python has no filter of its own, so more are looked for until enough are of the category.
        wanted = 2 * count * _CATEGORIES
        while True:
            found = self.nearest(vector, min(wanted, len(self._index)))
            mine: _Keys = found[self._categories[found] == category][:count]
            if len(mine) == count or wanted >= len(self._index):
                return mine
            wanted *= 2

    def remove(self, keys: _Keys) -> None:
        self._index.remove(keys)


def run(role: Role) -> None:
    """Build what the subject looks in, ask it, ask it with a filter, remove rows, and ask again."""
    condition, seed = role.spec.condition, role.spec.seed
    kind, count, queries = str(condition["vectors"]), int(condition["count"] or 0), int(condition["queries"] or 0)
    vectors.make(kind, count, queries, seed, role.work_dir, int(condition.get("width") or CLUSTER_WIDTH))
    rows, asked = vector_files.rows(role.work_dir), np.load(role.work_dir / vector_files.ASKED)
    rng = np.random.default_rng(seed)
    categories = rng.integers(0, _CATEGORIES, count)
    values, series = role.part.values, role.part.series

    began = time.perf_counter()
    index = _built(role.spec.subject, rows, categories, role.spec.profile.cpus)
    values["index_build_s"] = time.perf_counter() - began
    for vector in asked[:_WARMING]:
        index.nearest(vector, NEAREST_COUNT)
    found, series["nearest_s"] = _timed(lambda at: index.nearest(asked[at], NEAREST_COUNT), queries)
    values.update(vectors_anonymous=memory.anonymous_bytes(), vectors_peak_memory=memory.peak_bytes())

    # What is right is looked for only now, for it takes memory of its own.
    likeness = rows @ asked.T
    everything = np.ones(count, bool)
    values["index_recall"] = _recall(found, likeness, lambda _: everything)
    if isinstance(index, _Graph):
        for looked_at in _SWEPT:
            index.looks_at(looked_at)
            found, seconds = _timed(lambda at: index.nearest(asked[at], NEAREST_COUNT), queries)
            for name, value in (
                ("swept", float(looked_at)),
                ("swept_recall", _recall(found, likeness, lambda _: everything)),
                ("swept_p50_s", median(seconds)),
            ):
                series.setdefault(name, []).append(value)
        index.looks_at(_LOOKED_AT)

    found, series["filtered_s"] = _timed(
        lambda at: index.nearest_of(at % _CATEGORIES, asked[at], NEAREST_COUNT), queries
    )
    values["index_filtered_recall"] = _recall(found, likeness, lambda at: categories == at % _CATEGORIES)

    removed = rng.choice(count, int(_REMOVED * count), replace=False)
    began = time.perf_counter()
    index.remove(removed)
    values["index_removing_s"] = time.perf_counter() - began
    left = everything.copy()
    left[removed] = False
    found = [index.nearest(vector, NEAREST_COUNT) for vector in asked]
    values["index_recall_removed"] = _recall(found, likeness, lambda _: left)
    role.outside_look()


def _built(subject: str, rows: NDArray[np.float32], categories: NDArray[np.int64], threads: int) -> _Index:
    if subject == SCAN:
        return _Scan(rows, categories)
    return _Graph(rows, categories, threads, eight_bits=subject == GRAPH_INT8)


def _timed(ask: Callable[[int], _Keys], queries: int) -> tuple[list[_Keys], list[float]]:
    """Return what was found for each question, and how long that took, in seconds."""
    found, seconds = [], []
    for at in range(queries):
        began = time.perf_counter()
        found.append(ask(at))
        seconds.append(round(time.perf_counter() - began, 7))
    return found, seconds


def _recall(found: list[_Keys], likeness: NDArray[np.float32], allowed: Callable[[int], NDArray[np.bool_]]) -> float:
    """Return the share of the nearest ten that were found; what is as near as the tenth of those allowed is right."""
    right = wanted = 0
    for at, keys in enumerate(found):
        mine, among = likeness[:, at], allowed(at)
        there = min(NEAREST_COUNT, int(among.sum()))
        least = np.partition(mine[among], -there)[-there]
        right += int((among[keys] & (mine[keys] >= least - 1e-6)).sum())
        wanted += there
    return right / wanted
