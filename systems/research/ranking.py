"""Which passages have the words of a question, the rarer the better (BM25: Robertson and Zaragoza, 2009).

An encoder reads a hundred passages in seconds, words a hundred thousand in less. So words choose what an encoder looks
at, and where there is none their order stands.
"""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

from systems.memory import words
from systems.memory.fusion import fused

# Of BM25: how soon saying a word again adds nothing, and how much long passages are held back. The usual values.
_AGAIN, _LENGTH = 1.2, 0.75

_NOWHERE: Final = array("I")

# Of the fusion of two rankings: what both have among their first few comes first.
_FUSION = 10


class Scored(NamedTuple):
    """A passage by its place in the index, and how well it matches: 0 is not at all."""

    place: int
    score: float


class PassageIndex:
    """The words of passages, each with the title of its document, which often names what the passage is about."""

    def __init__(self, titles: Sequence[str], texts: Sequence[str]) -> None:
        # By term: the place of a passage that has it, how often it does, the next one's. As objects of Python's they
        # would take many times as much as the text.
        self._postings: dict[str, array[int]] = {}
        lengths = []
        for place, (title, text) in enumerate(zip(titles, texts, strict=True)):
            found = Counter(words.cut(f"{title}\n{text}"))
            lengths.append(found.total())
            for term, times in found.items():
                self._postings.setdefault(term, array("I")).extend((place, times))
        usual = max(1.0, sum(lengths) / len(lengths)) if lengths else 1.0
        self._held_back = [_AGAIN * (1 - _LENGTH + _LENGTH * length / usual) for length in lengths]

    def best(self, asked: str, most: int) -> list[Scored]:
        """Return the ``most`` passages that match ``asked`` best, best first; none that has no word of it."""
        count = len(self._held_back)
        scores: dict[int, float] = {}
        for term in dict.fromkeys(words.asked(asked)):
            postings = self._postings.get(term, _NOWHERE)
            having = len(postings) // 2
            rare = math.log1p((count - having + 0.5) / (having + 0.5))
            for place, times in zip(postings[::2], postings[1::2], strict=True):
                scores[place] = scores.get(place, 0.0) + rare * times * (_AGAIN + 1) / (times + self._held_back[place])
        ranked = sorted(scores.items(), key=lambda each: (-each[1], each[0]))
        return [Scored(place, score) for place, score in ranked[:most]]


def reranked(found: Sequence[Scored], relevance: Sequence[float], most: int) -> list[Scored]:
    """Return the best ``most`` of ``found`` by words and by ``relevance``, one of each, with that as their score."""
    nearest = sorted(range(len(found)), key=lambda at: -relevance[at])
    order = fused([list(range(len(found))), nearest], most, _FUSION)
    return [Scored(found[at].place, relevance[at]) for at in order]
