"""Relevance without an encoder: how much of what a question asks for its words say is in a text."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from systems.memory.words import asked, cut

# As nearly every search engine has them: how soon saying a word again counts no more, and how much length takes away.
_AGAIN, _LENGTH = 1.2, 0.75


def overlaps(question: str, texts: Sequence[str]) -> list[float]:
    """Return for each text the share of the question's terms that it has, from 0 to 1, weighed as BM25 weighs them.

    The rarer a term in these ``texts``, the more it weighs. The share is of what a text would have that said every term
    without end, so that values of different questions can be compared. A question without terms matches nothing.
    """
    wanted = asked(question)
    having, lengths = [], []
    for text in texts:
        terms = cut(text)
        having.append(Counter(terms))
        lengths.append(len(terms))
    usual = sum(lengths) / len(lengths) if any(lengths) else 1.0
    weights = {term: _weight(sum(term in said for said in having), len(having)) for term in wanted}
    whole = sum(weights.values())
    if not whole:
        return [0.0] * len(having)
    return [
        sum(weight * _counted(said[term], length / usual) for term, weight in weights.items()) / whole
        for said, length in zip(having, lengths, strict=True)
    ]


def _weight(having: int, texts: int) -> float:
    """Return what a term weighs that so many of the texts have: more than nothing, also if all have it."""
    return math.log1p((texts - having + 0.5) / (having + 0.5))


def _counted(times: int, length: float) -> float:
    """Return what saying a term so many times counts, from 0 to 1, in a text of this length beside the usual one."""
    return times / (times + _AGAIN * (1 - _LENGTH + _LENGTH * length))
