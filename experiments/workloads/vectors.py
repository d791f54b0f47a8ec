"""Vectors that lie close together, and vectors to ask for them: made from a seed, in a process of their own.

``python -m experiments.workloads.vectors KIND COUNT QUERIES SEED FOLDER``: what makes them is then not in the memory of
the process that uses them. The texts behind vectors of an encoder come in families that differ in one letter of a name
or in a number; a question says the same as one of them in other words. ``clusters`` are no texts: points around common
centres, as far from them as from each other.
"""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments.workloads.remembering.values import family

CLUSTERS = "clusters"

ROWS, ASKED, NEAREST = "rows.f32", "asked.npy", "nearest.npy"
"""The files of a folder: the rows; the vectors to ask with; how near to each the tenth of the rows lies."""

NEAREST_COUNT = 10
_DIMENSIONS = 384  # of clusters: as many as small encoders have
_FAMILY = 8  # texts, or points, that lie close together
_SPREAD = 0.35  # how far a point lies from its centre, of a length of 1
_BLOCK = 4_096

_SAID = (
    (
        "{name} paid invoice {number} for the {thing} on the first of the month.",
        "Which invoice did {name} pay for the {thing}, was it {number}?",
    ),
    (
        "The {thing} of {name} is kept in room {number} of the old archive.",
        "In the archive, is room {number} where the {thing} of {name} lies?",
    ),
    (
        "{name} promised to return the {thing} within {number} days.",
        "How many days did {name} want for giving back the {thing}: {number}?",
    ),
    (
        "Please remember that the code of {name} for the {thing} is {number}.",
        "What is the code {name} uses for the {thing}, {number} or another?",
    ),
)
_THINGS = "boat garden piano bicycle camera ladder printer kitchen violin telescope greenhouse projector".split()


def make(kind: str, count: int, queries: int, seed: int, folder: Path) -> None:
    """Write ``count`` rows and so many ``queries`` to ``folder``. Raises `CalledProcessError`."""
    arguments = [kind, str(count), str(queries), str(seed), str(folder)]
    subprocess.run([sys.executable, "-m", __name__, *arguments], check=True)


def rows(folder: Path) -> NDArray[np.float32]:
    """Return the rows in ``folder``, mapped from their file."""
    dimensions = int(np.load(folder / ASKED, mmap_mode="r").shape[1])
    return np.memmap(folder / ROWS, np.float32, "r").reshape(-1, dimensions)


def installed(kind: str) -> bool:
    """Return whether such vectors can be made here, without fetching anything."""
    from systems.models import embeddings
    from systems.models.published import PUBLISHED

    return kind == CLUSTERS or embeddings.converted(PUBLISHED[kind]).exists()


def texts(seed: int, count: int) -> Iterator[tuple[str, str]]:
    """Yield ``count`` texts that differ, each with the same said in other words."""
    rng = random.Random(f"near texts {seed}")
    seen: set[str] = set()
    while len(seen) < count:
        said, asked = rng.choice(_SAID)
        thing, number = rng.choice(_THINGS), rng.randrange(100, 9_000)
        for name in family(rng, "en", "held-out", _FAMILY):
            # Half of a family has one number, each of the others its own.
            slots = {"name": name, "thing": thing, "number": number + rng.choice((0, rng.randrange(1, 10)))}
            text = said.format(**slots)
            if text not in seen and len(seen) < count:
                seen.add(text)
                yield text, asked.format(**slots)


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


def _clusters(count: int, queries: int, seed: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    rng = np.random.default_rng(seed)
    centres = _unit(rng.standard_normal((-(-count // _FAMILY), _DIMENSIONS), np.float32))
    found = np.empty((count, _DIMENSIONS), np.float32)
    for start in range(0, count, _BLOCK):
        at = np.arange(start, min(start + _BLOCK, count))
        away = _unit(rng.standard_normal((len(at), _DIMENSIONS), np.float32))
        found[at] = _unit(centres[at // _FAMILY] + _SPREAD * away)
    away = _unit(rng.standard_normal((queries, _DIMENSIONS), np.float32))
    return found, _unit(centres[rng.choice(len(centres), queries, replace=False)] + _SPREAD * away)


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def main() -> None:
    """Write what the command line names."""
    kind, count, queries, seed, folder = sys.argv[1:]
    wanted: Any = (int(count), int(queries), int(seed))
    made, asked = _clusters(*wanted) if kind == CLUSTERS else _encoded(kind, *wanted)
    made.tofile(Path(folder) / ROWS)
    np.save(Path(folder) / ASKED, asked)
    tenth = [np.partition(made @ vector, -NEAREST_COUNT)[-NEAREST_COUNT] for vector in asked]
    np.save(Path(folder) / NEAREST, np.array(tenth, np.float32))


if __name__ == "__main__":
    main()
