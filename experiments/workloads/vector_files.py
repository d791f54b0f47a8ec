"""Files of vectors that lie close together, and of vectors to ask for them.

``python -m experiments.workloads.vector_files KIND COUNT QUERIES SEED FOLDER WIDTH``: what makes them is then not in
the memory of the process that uses them.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from experiments.workloads.vectors import CLUSTERS, FAMILY, NEAREST_COUNT, texts

ROWS, ASKED, NEAREST = "rows.f32", "asked.npy", "nearest.npy"
"""The files of a folder: the rows; the vectors to ask with; how near to each the tenth of the rows lies."""

_SPREAD = 0.35  # how far a point lies from its centre, of a length of 1
_BLOCK = 4_096


def rows(folder: Path) -> NDArray[np.float32]:
    """Return the rows in ``folder``, mapped from their file."""
    dimensions = int(np.load(folder / ASKED, mmap_mode="r").shape[1])
    return np.memmap(folder / ROWS, np.float32, "r").reshape(-1, dimensions)


def _encoded(kind: str, count: int, queries: int, seed: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    from systems.engines.embedding.opening import embedding_engine
    from systems.models import embeddings
    from systems.models.check import check
    from systems.models.published import PUBLISHED

    engine = embedding_engine(check(embeddings.converted(PUBLISHED[kind])).path)
    engine.load()
    pairs = list(texts(seed, count))
    asked = [question for _, question in random.Random(f"asked {seed}").sample(pairs, queries)]
    try:
        made = [engine.embed([text for text, _ in pairs[at : at + 64]]).vectors for at in range(0, count, 64)]
        return np.concatenate(made), engine.embed(asked, "query").vectors
    finally:
        engine.close()


def _clusters(count: int, queries: int, seed: int, width: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    rng = np.random.default_rng(seed)
    centres = _unit(rng.standard_normal((-(-count // FAMILY), width), np.float32))
    found = np.empty((count, width), np.float32)
    for start in range(0, count, _BLOCK):
        at = np.arange(start, min(start + _BLOCK, count))
        away = _unit(rng.standard_normal((len(at), width), np.float32))
        found[at] = _unit(centres[at // FAMILY] + _SPREAD * away)
    away = _unit(rng.standard_normal((queries, width), np.float32))
    return found, _unit(centres[rng.choice(len(centres), queries, replace=False)] + _SPREAD * away)


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def main() -> None:
    """Write what the command line names."""
    kind, count, queries, seed, folder, width = sys.argv[1:]
    numbers = int(count), int(queries), int(seed)
    made, asked = _clusters(*numbers, int(width)) if kind == CLUSTERS else _encoded(kind, *numbers)
    made.tofile(Path(folder) / ROWS)
    np.save(Path(folder) / ASKED, asked)
    tenth = [np.partition(made @ vector, -NEAREST_COUNT)[-NEAREST_COUNT] for vector in asked]
    np.save(Path(folder) / NEAREST, np.array(tenth, np.float32))


if __name__ == "__main__":
    main()
