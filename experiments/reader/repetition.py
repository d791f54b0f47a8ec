"""The first lesson: pieces of no meaning, said twice. Who foresees the second time can copy any name or value."""

from __future__ import annotations

import random

from experiments.reader.rows import Row
from experiments.reader.vocabulary import BYTES_END

_SAID, _FEWEST, _MOST = 60, 8, 64  # pieces said twice, out of so many different ones
_BETWEEN = 20
_UNCLEAR = 4  # the first pieces of the second time cannot be foreseen
_TOGETHER = 4  # pieces count as one answer


def repeated(rng: random.Random, vocabulary: int) -> Row:
    """Return a row of random pieces, others between, and the first again. Few different ones: many look alike."""
    pieces = range(BYTES_END, vocabulary)
    some = rng.sample(pieces, rng.randint(_FEWEST, _MOST))
    said = rng.choices(some, k=_SAID)
    between = rng.choices(pieces, k=rng.randint(0, _BETWEEN))
    foreseen = range(_SAID - _UNCLEAR)
    before = [0] * (_SAID + len(between) + _UNCLEAR)
    tokens = [*said, *between, *said]
    return Row(
        tokens=tokens,
        weights=[*map(float, before), *(1.0 for _ in foreseen)],
        questions=[0] * len(tokens),
        answers=[*before, *(1 + place // _TOGETHER for place in foreseen)],
        places=list(range(len(tokens))),
        truths=[],
    )
