"""Ranks the turns of a session by how well they match a question's words, and what stands around them.

BM25 (Robertson and Zaragoza, "The Probabilistic Relevance Framework", 2009), with the rarity of a word in the session
itself, over the turns that some bounded lookups in the index find: exact as long as no word of the question is in more
than `_POSTINGS` turns, and as long as it takes however many turns there are beyond.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

from systems.memory import asking, words
from systems.memory.recent import Recent, Row
from systems.memory.schema import scope, scoped

# Turns looked at for one word, newest first; and of all of them so many, which have most of the question, in full.
_POSTINGS = 512
_READ = 48

# How fast more of the same word stops to count, and how much a long turn must have more of.
_K1, _B, _LONG = 1.2, 0.75, 30
_RARE = 2.0

# A turn is found by its neighbours' words as well, at this weight if it says next to nothing itself and at none from so
# many terms on: a short answer means something only after its question, a long message stands for itself.
_AROUND, _SHORT = 0.6, 24
_LENDERS = 12
_SITTING_S = 3600.0

# A message that only asks seldom holds an answer. Of two that match about as well, the newer goes first.
_ASKS, _NEWER = 0.6, 0.1

_ROWS = "SELECT id, session, created, question, words, important FROM memories WHERE id IN ({marks}) AND +session = ?"
_IDS = "SELECT rowid FROM memory_index WHERE memory_index MATCH ? ORDER BY rowid DESC LIMIT ?"
_BESIDE = (
    "(SELECT id FROM memories WHERE session = ? AND (created, id) {side} (hits.created, hits.id) "
    "ORDER BY created {order}, id {order} LIMIT 1)"
)
_NEIGHBOURS = (
    "WITH hits (id, created) AS (VALUES {marks}) SELECT id, "
    + _BESIDE.format(side="<", order="DESC")
    + ", "
    + _BESIDE.format(side=">", order="ASC")
    + " FROM hits"
)


class Ranked(NamedTuple):
    """A turn, and how well it matches: positive, comparable within one ranking only."""

    score: float
    row: Row


class _Posting(NamedTuple):
    """A term, the turns that have it, newest first, and in how many it is: estimated if ``more`` have it."""

    term: str
    numbers: list[int]
    turns: float
    more: bool


def rank(
    connection: sqlite3.Connection, recent: Recent, session: str, question: str, *, context: bool
) -> list[Ranked]:
    """Return turns of ``session``, best first; ``context`` says whether short ones are found by those around them.

    Turns that say the same take one place, the newest's. The question itself, asked before, is none of them.
    """
    asked = words.asked(question)
    if not asked:
        return []
    ids = connection.execute("SELECT min(id), max(id) FROM memories").fetchone()
    span = 0 if ids[0] is None else ids[1] - ids[0] + 1
    postings = [_posting(connection, recent, term, span) for term in scoped(session, asked)]
    postings = sorted([one for one in postings if one.numbers], key=lambda one: one.turns)
    if not postings:
        return []
    turns = max(_posting(connection, recent, scope(session), span).turns, *[one.turns for one in postings])
    weights = {one.term: math.log1p((turns - one.turns + 0.5) / (one.turns + 0.5)) ** _RARE for one in postings}
    rows = _rows(connection, recent, session, _candidates(connection, postings, weights))
    matches = _Matches(weights, rows)
    if context:
        hits = matches.best(_LENDERS)
        beside = _beside(connection, session, hits)
        around = {number for pair in beside.values() for number in pair if number is not None} - rows.keys()
        more = _rows(connection, recent, session, around)
        matches.add(more)
        matches.lend(hits, beside)
    return matches.ranked(frozenset(asked))


def _posting(connection: sqlite3.Connection, recent: Recent, term: str, span: int) -> _Posting:
    indexed = [number for (number,) in connection.execute(_IDS, (quoted(term), _POSTINGS))]
    numbers = [*reversed(recent.having(term)), *indexed]
    if len(indexed) < _POSTINGS:
        return _Posting(term, numbers, float(len(numbers)), more=False)
    # As many as there would be if those before stood as close as those that were read.
    return _Posting(term, numbers, max(len(numbers) * span / (numbers[0] - numbers[-1] + 1), len(numbers)), more=True)


def _candidates(
    connection: sqlite3.Connection, postings: Sequence[_Posting], weights: Mapping[str, float]
) -> Sequence[int]:
    """Return the numbers of the turns that have most of the question, as far as they are known."""
    scores: dict[int, float] = {}
    for one in postings:
        weight = weights[one.term]
        for number in one.numbers:
            scores[number] = scores.get(number, 0.0) + weight
    common = [one for one in postings if one.more][:3]
    # Which of the older turns have a common word is not known: those are looked for that have it beside others.
    terms = [quoted(one.term) for one in postings]
    for count in range(1, len(common) + 1):
        for some in combinations(common, count):
            have = [quoted(one.term) for one in some]
            others = [term for term in terms if term not in have]
            if not others and count == 1:
                continue
            match = " AND ".join(have) + (f" AND ({' OR '.join(others)})" if others and count == 1 else "")
            least = sum(weights[one.term] for one in some)
            for (number,) in connection.execute(_IDS, (match, _POSTINGS)):
                scores[number] = max(scores.get(number, 0.0), least + (weights[postings[-1].term] if count == 1 else 0))
    if len(scores) <= _READ:
        return list(scores)
    return sorted(scores, key=lambda number: (scores[number], number), reverse=True)[:_READ]


def _rows(connection: sqlite3.Connection, recent: Recent, session: str, numbers: Iterable[int]) -> dict[int, Row]:
    wanted = list(numbers)
    found = [row for row in recent.rows(wanted) if row.session == session]
    held = {row.number for row in found}
    marks = [number for number in wanted if number not in held]
    if marks:
        query = _ROWS.format(marks=", ".join("?" * len(marks)))
        found += [Row(*row) for row in connection.execute(query, (*marks, session))]
    return {row.number: row for row in found}


def _beside(
    connection: sqlite3.Connection, session: str, hits: Sequence[Row]
) -> dict[int, tuple[int | None, int | None]]:
    query = _NEIGHBOURS.format(marks=", ".join(["(?, ?)"] * len(hits)))
    values = [value for row in hits for value in (row.number, row.created)]
    found = connection.execute(query, (*values, session, session)).fetchall()
    return {number: (before, after) for number, before, after in found}


class _Matches:
    """What of the question each turn has."""

    def __init__(self, weights: Mapping[str, float], rows: Mapping[int, Row]) -> None:
        self._weights = weights
        self._rows: dict[int, Row] = {}
        self._parts: dict[int, dict[str, float]] = {}
        self._lengths: dict[int, int] = {}
        self.add(rows)

    def add(self, rows: Mapping[int, Row]) -> None:
        for number, row in rows.items():
            terms = row.terms.split(" ")
            self._rows[number] = row
            self._lengths[number] = length = len(terms) - 1
            grown = _K1 * (1 + _B * max(0.0, length / _LONG - 1))
            parts: dict[str, float] = {}
            for term in terms:
                if term in self._weights:
                    parts[term] = parts.get(term, 0.0) + 1.0
            self._parts[number] = {
                term: self._weights[term] * times * (_K1 + 1) / (times + grown) for term, times in parts.items()
            }

    def best(self, count: int) -> list[Row]:
        own = {number: sum(parts.values()) for number, parts in self._parts.items()}
        chosen = sorted(own, key=lambda number: (own[number], number), reverse=True)[:count]
        return [self._rows[number] for number in chosen]

    def lend(self, hits: Sequence[Row], beside: Mapping[int, tuple[int | None, int | None]]) -> None:
        """Give the short neighbours of ``hits`` what these have of the question, at a lower weight."""
        lent: dict[int, dict[str, float]] = {}
        for hit in hits:
            for number in beside.get(hit.number, ()):
                if number is None or number not in self._rows:
                    continue
                row = self._rows[number]
                share = _AROUND * max(0.0, 1 - self._lengths[number] / _SHORT)
                if share <= 0 or abs(row.created - hit.created) > _SITTING_S:
                    continue
                parts = lent.setdefault(number, {})
                for term, part in self._parts[hit.number].items():
                    parts[term] = max(parts.get(term, 0.0), share * part)
        for number, parts in lent.items():
            own = self._parts[number]
            for term, part in parts.items():
                own[term] = max(own.get(term, 0.0), part)

    def ranked(self, asked: frozenset[str]) -> list[Ranked]:
        scores = {number: sum(parts.values()) for number, parts in self._parts.items() if parts}
        ages = {number: place for place, number in enumerate(sorted(scores, key=self._age))}
        found: list[Ranked] = []
        for number, score in scores.items():
            row = self._rows[number]
            if asking.only_asks(row.question):
                if asked.issuperset(words.asked(row.question)):
                    continue
                score *= _ASKS
            found.append(Ranked(score * (1 + _NEWER * (ages[number] + 1) / len(scores)), row))
        found.sort(key=lambda one: (one.score, one.row.created, one.row.number), reverse=True)
        same: dict[frozenset[str], Ranked] = {}
        for one in found:
            same.setdefault(frozenset(one.row.terms.split(" ")), one)
        return list(same.values())

    def _age(self, number: int) -> tuple[float, int]:
        return (self._rows[number].created, number)


def quoted(term: str) -> str:
    """Return ``term`` as SQLite's full text takes it for itself and not for a query."""
    return '"' + term.replace('"', '""') + '"'
