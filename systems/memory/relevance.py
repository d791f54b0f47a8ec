"""Ranks the turns of a session by how well they match a question's words, and by what stands around them.

A turn has the weights of those words of the question that are in it, as in the binary independence model (Robertson and
Spärck Jones, "Relevance weighting of search terms", 1976): the rarer a word in the session itself, the more it weighs;
how often a turn says it makes no difference. Where the turns are looked up, in memory (`resident`) or in the file
(`searched`), makes none either: what is looked up is ranked here, in one way.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from systems.memory.candidates import Candidate
from systems.memory.matches import Floats, Matches, Ranked

Numbers = NDArray[np.int64]

# A session of so many turns is looked at whole. In a longer one so many turns are looked at for one word, newest first.
WHOLE = 1_000
POSTINGS = 128

# Words of a question that are looked for, the rarest: whoever pastes a long text has not asked for each of its words.
ASKED = 400

# Turns that are read to be ranked, for each that is wanted, and at least so many; ever more, so many times, as long as
# what was found is not nearly as good as what is not read could be.
_ALIKE = 128
_READ, _LEAST_READ, _MORE, _NEARLY = 4, 16, 4, 0.7

# How much more a rare word counts than by its surprise alone.
_RARE = 1.1

# Of the best, for each turn that is wanted, so many give to their neighbours.
_LENDERS, _MOST_LENDERS = 3, 12


class Terms(NamedTuple):
    """Words of the question: their places among those asked, in how many turns each is, and what each weighs."""

    places: Numbers
    turns: Numbers
    weights: Floats


class Gathered(Protocol):
    """The turns of one session that have words of one question. Of two turns the newer has the higher number."""

    def counts(self) -> Numbers:
        """Return in how many turns each of the words asked is."""
        ...

    def turns(self) -> int:
        """Return how many turns the session has."""
        ...

    def scored(self, terms: Terms, most: int) -> tuple[Numbers, Floats]:
        """Return the numbers of turns that have ``terms``, in order, and the sum of the weights of those in each.

        Of a word that more than ``most`` turns have, the newest are looked at.
        """
        ...

    def newest(self, numbers: Sequence[int], count: int) -> Sequence[int]:
        """Return those ``count`` of ``numbers``, highest first, that were said last."""
        ...

    def look(self, numbers: Sequence[int], terms: Terms) -> tuple[list[Candidate], list[float]]:
        """Return the turns of these ``numbers``, and of each the sum of the weights of those of ``terms`` it has."""
        ...

    def has(self, numbers: Sequence[int]) -> NDArray[np.bool_]:
        """Return of these ``numbers``, which were looked at, in a row each, which of the terms it has."""
        ...

    def beside(self, turns: Sequence[Candidate]) -> list[tuple[int | None, int | None]]:
        """Return for each of ``turns`` which turn was said before and which after it."""
        ...

    def in_file(self, turn: Candidate) -> int:
        """Return the number that ``turn`` has in the file."""
        ...


def rank(source: Gathered, asked: Sequence[str], limit: int, *, context: bool) -> list[Ranked]:
    """Return the best ``limit`` turns of ``source``, best first.

    ``context`` says whether short ones are found by those around them. Turns that say the same take one place, the
    newest's. The question itself, asked before, is none of them.
    """
    turns, terms = _weighed(source)
    if terms is None:
        return []
    numbers, scores = source.scored(terms, max(POSTINGS if turns > WHOLE else WHOLE, limit))
    most = max(_READ * limit, _LEAST_READ)
    while True:
        chosen, next_best = _best(source, numbers, scores, most)
        found = _matches(source, terms, chosen, limit, context=context).ranked(asked, limit)
        # What was read may be the question itself, asked before, or the same again and again.
        if most >= len(numbers) or (len(found) == limit and found[-1].score >= _NEARLY * next_best):
            return found
        most *= _MORE


def rarest(counts: Numbers) -> Numbers:
    """Return the places of words that some turns have, as ``counts`` tells of each: the rarest first, `ASKED` at most.

    Of those as rare the later in the question comes first.
    """
    places = counts.nonzero()[0][::-1]
    return places[counts[places].argsort(kind="stable")][:ASKED]


def _weighed(source: Gathered) -> tuple[int, Terms | None]:
    """Return how many turns the session has, and those terms that are looked for."""
    counts = source.counts()
    places = rarest(counts)
    if not len(places):
        return 0, None
    having = counts[places]
    turns = max(source.turns(), int(having[-1]))
    return turns, Terms(places, having, np.log1p((turns - having + 0.5) / (having + 0.5)) ** _RARE)


def _best(source: Gathered, numbers: Numbers, scores: Floats, most: int) -> tuple[list[int], float]:
    """Return those ``most`` of ``numbers`` whose scores are best, and the best score of the others.

    Of those that match as well as the best of the others, they are the newest.
    """
    if most >= len(numbers):
        return numbers.tolist(), 0.0
    next_best = np.partition(scores, -most - 1)[-most - 1]
    better: list[int] = numbers[scores > next_best].tolist()
    if len(better) == most:
        return better, next_best
    alike = numbers[scores == next_best][: -_ALIKE - 1 : -1].tolist()
    return [*better, *source.newest(alike, most - len(better))], next_best


def _matches(source: Gathered, terms: Terms, numbers: Sequence[int], limit: int, *, context: bool) -> Matches:
    """Return what the turns with these ``numbers`` have, and those around the best of them."""
    matches = Matches(terms.weights)
    matches.add(*source.look(numbers, terms))
    hits = matches.best(min(_LENDERS * limit, _MOST_LENDERS)) if context else []
    if hits:
        beside = source.beside(hits)
        around = {number for pair in beside for number in pair if number is not None and number not in matches}
        matches.add(*source.look(list(around), terms))
        matches.lend(hits, beside, source.has)
    return matches
