"""Vectors that lie close together, and vectors to ask for them: what they are made of.

The texts behind vectors of an encoder come in families that differ in one letter of a name or in a number; a question
says the same as one of them in other words. ``clusters`` are no texts: points around common centres, as far from them
as from each other. Both are made from a seed, in a process of their own (`experiments.workloads.vector_files`).
"""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from experiments.workloads.remembering.values import family

CLUSTERS = "clusters"

CLUSTER_WIDTH = 384
"""How many numbers a point of `CLUSTERS` has if nothing else is said: as many as small encoders have."""

NEAREST_COUNT = 10
"""How many of the nearest are asked for."""

FAMILY = 8
"""How many texts, or points, lie close together."""

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


def make(kind: str, count: int, queries: int, seed: int, folder: Path, width: int = CLUSTER_WIDTH) -> None:
    """Write ``count`` rows and so many ``queries`` to ``folder``, points with ``width`` numbers.

    Raises `CalledProcessError`.
    """
    arguments = [kind, str(count), str(queries), str(seed), str(folder), str(width)]
    subprocess.run([sys.executable, "-m", "experiments.workloads.vector_files", *arguments], check=True)


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
        for name in family(rng, "en", "held-out", FAMILY):
            # Half of a family has one number, each of the others its own.
            slots = {"name": name, "thing": thing, "number": number + rng.choice((0, rng.randrange(1, 10)))}
            text = said.format(**slots)
            if text not in seen and len(seen) < count:
                seen.add(text)
                yield text, asked.format(**slots)
