"""Vectors of turns in graphs (HNSW), so that a lookup in a long session does not look at every turn.

The filter comes first: a session has a graph of its own, so nothing of another one is met, and none is missed for want
of room among the nearest. A session with few vectors is compared with all of them, which is as fast there, and exact.
"""

from __future__ import annotations

import sqlite3
from collections import OrderedDict
from collections.abc import Iterable, Sequence, Set
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from systems.engines.interface import EmbeddingEngine
from systems.memory.fulltext import FullTextStore
from systems.memory.vectors import Neighbours, VectorIndex

# The guide's: connections of a node, candidates while it is added, candidates while one searches.
_CONNECTIONS, _ADDING, _SEARCHING = 16, 200, 50

# Texts that the model is given at once: 32 as in the guide; a lookup may have to wait for them.
_BATCH = 32

# Graphs that are kept in memory: each takes about twice what its vectors take.
_KEPT_GRAPHS = 4

_NUMBERS = (
    "SELECT memories.id FROM memories JOIN memory_vectors USING (id) "
    "WHERE session = ? AND model = ? AND length(vector) > 0"
)
_ROWS = (
    "SELECT memories.id, scale, vector FROM memories JOIN memory_vectors USING (id) "
    "WHERE session = ? AND model = ? AND length(vector) > 0 AND memories.id >= ?"
)


_Kept = tuple[int, float, bytes]
"""A turn's number, and its vector as it is kept: a scale, and eight bits a number."""


def is_installed() -> bool:
    """Return whether usearch is there, which makes the graphs; without it every lookup is exact."""
    return find_spec("usearch") is not None


class Graph:
    """Vectors ``dimensions`` wide by their numbers, in the graph of usearch, sixteen bits a number."""

    def __init__(self, dimensions: int) -> None:
        from usearch.index import Index

        self._index = Index(
            ndim=dimensions,
            metric="ip",
            dtype="f16",
            connectivity=_CONNECTIONS,
            expansion_add=_ADDING,
            expansion_search=_SEARCHING,
        )
        self._dimensions = dimensions
        self._marks: dict[int, int] = {}  # of each number, its vector's: it may be given to another turn

    @property
    def numbers(self) -> Set[int]:
        """The numbers whose vectors it has."""
        return self._marks.keys()

    def add(self, kept: Sequence[_Kept]) -> None:
        """Add vectors, the numbers of none of which are known. On one thread: turns need the others."""
        rows = np.frombuffer(b"".join(vector for _, _, vector in kept), np.int8).reshape(-1, self._dimensions)
        scales = np.array([scale for _, scale, _ in kept], np.float32)
        self._index.add(np.array([number for number, _, _ in kept], np.uint64), rows * scales[:, None], threads=1)
        self._marks.update(_marks(kept))

    def is_of(self, kept: Iterable[_Kept]) -> bool:
        """Return whether all that it has is among what is ``kept``, under the same numbers."""
        return self._marks.items() <= _marks(kept).items()

    def nearest(self, vector: NDArray[np.float32], count: int) -> list[int]:
        """Return the numbers of ``count`` that lie near ``vector``, nearest first: most often the nearest of all."""
        if not self._marks:
            return []
        return [int(number) for number in self._index.search(vector, min(count, len(self._marks)), threads=1).keys]


class GraphIndex(VectorIndex):
    """Keeps the vectors of a session that has ``graph_from`` of them in a graph, which grows as turns are saved."""

    def __init__(self, store: FullTextStore, engine: EmbeddingEngine, *, batch: int, graph_from: int) -> None:
        super().__init__(store, engine, batch=batch)
        self._from = graph_from
        self._graphs: OrderedDict[str, Graph] = OrderedDict()

    @property
    def graphs(self) -> int:
        """How many sessions have a graph in memory."""
        return len(self._graphs)

    def _let_go(self, connection: sqlite3.Connection) -> None:
        super()._let_go(connection)
        # To read the vectors of a session is little beside making its graph.
        for session in [each for each in self._graphs if not self._graphs[each].is_of(self._kept(connection, each))]:
            del self._graphs[session]

    def _read_session(self, connection: sqlite3.Connection, session: str) -> Neighbours:
        model = self._engine.identity
        numbers = {number for (number,) in connection.execute(_NUMBERS, (session, model))}
        graph = self._graphs.pop(session, None)
        if len(numbers) < self._from:
            return super()._read_session(connection, session)
        if graph is None:
            graph = Graph(self._engine.dimensions)
        if lacking := numbers - graph.numbers:
            graph.add([row for row in self._kept(connection, session, min(lacking)) if row[0] in lacking])
        self._graphs[session] = graph
        if len(self._graphs) > _KEPT_GRAPHS:
            left, _ = self._graphs.popitem(last=False)
            self._sessions.pop(left, None)
        return graph

    def _kept(self, connection: sqlite3.Connection, session: str, first: int = 0) -> list[_Kept]:
        return connection.execute(_ROWS, (session, self._engine.identity, first)).fetchall()


def _marks(kept: Iterable[_Kept]) -> dict[int, int]:
    return {number: hash((scale, vector)) for number, scale, vector in kept}


def vectors_of(store: FullTextStore, engine: EmbeddingEngine, *, graph_from: int | None, batched: bool) -> VectorIndex:
    """Return what keeps the vectors of ``store``: in graphs from ``graph_from`` of a session on, where these can be.

    Not ``batched``, the engine is given one text at a time.
    """
    batch = _BATCH if batched else 1
    if graph_from is None or not is_installed():
        return VectorIndex(store, engine, batch=batch)
    return GraphIndex(store, engine, batch=batch, graph_from=graph_from)
