"""Looks up the turns of a session in the file, by some bounded lookups in its full-text index.

Exactly, as long as the session has no more than a thousand turns; beyond, the newest of each word, and older ones by
what they have of the question together. How many turns have a word is counted, at some nanoseconds a turn.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from systems.memory.candidates import Candidate
from systems.memory.matches import Floats
from systems.memory.recent import Recent, Remembered
from systems.memory.relevance import ASKED, POSTINGS, WHOLE, Numbers, Terms
from systems.memory.schema import scope, scoped

# In a long session so many words are looked for together with others where more turns have each than are looked at.
_COMBINED = 4

_TURNS = "SELECT count(*) FROM (SELECT 1 FROM memories WHERE session = ? LIMIT ?)"
_NEWEST = "SELECT id FROM memories WHERE id IN ({marks}) ORDER BY created DESC, id DESC LIMIT ?"
_FIRST_AND_LAST = "SELECT (SELECT min(id) FROM memories), (SELECT max(id) FROM memories)"
_ROWS = (
    "SELECT id, session, created, question, words, important, answer <> '' FROM memories "
    "WHERE id IN ({marks}) AND +session = ?"
)
_COUNTS = "SELECT term, doc FROM temp.memory_terms WHERE term IN ({marks})"
# As one text: to fetch them one by one takes thrice as long.
_IDS = (
    "SELECT group_concat(rowid) FROM "
    "(SELECT rowid FROM memory_index WHERE memory_index MATCH ? ORDER BY rowid DESC LIMIT ?)"
)
_BESIDE = (
    "(SELECT id FROM memories WHERE session = ? AND (created, id) {side} (hits.created, hits.id) "
    "ORDER BY created {order}, id {order} LIMIT 1)"
)
_BEFORE_IT, _AFTER_IT = _BESIDE.format(side="<", order="DESC"), _BESIDE.format(side=">", order="ASC")
_NEIGHBOURS = f"WITH hits (id, created) AS (VALUES {{marks}}) SELECT id, {_BEFORE_IT}, {_AFTER_IT} FROM hits"  # noqa: S608 - constants


class Searched:
    """The turns of ``session`` that have words of those ``asked``: a `relevance.Gathered`."""

    def __init__(self, connection: sqlite3.Connection, recent: Recent, session: str, asked: Sequence[str]) -> None:
        self._connection = connection
        self._recent = recent
        self._session = session
        self._asked = scoped(session, asked)
        # Of each turn that was looked at, which of the terms it has.
        self._columns: dict[int, list[int]] = {}
        self._terms = 0

    def counts(self) -> Numbers:
        """Return in how many turns each of the words asked is."""
        indexed: dict[str, int] = {}
        for start in range(0, len(self._asked), ASKED):
            some = self._asked[start : start + ASKED]
            indexed.update(self._connection.execute(_COUNTS.format(marks=_marks(some)), some).fetchall())
        return np.array([indexed.get(term, 0) + len(self._recent.having(term)) for term in self._asked], np.int64)

    def turns(self) -> int:
        """Return how many turns the session has: of very many, as many as if all stood as close as its newest."""
        turns = int(self._connection.execute(_TURNS, (self._session, WHOLE + 1)).fetchone()[0])
        if turns <= WHOLE:
            return turns
        numbers = self._having(quoted(scope(self._session)))
        first, last = self._connection.execute(_FIRST_AND_LAST).fetchone()
        return len(self._recent) + int(len(numbers) * (last - first + 1) / (numbers[0] - numbers[-1] + 1))

    def scored(self, terms: Terms, most: int) -> tuple[Numbers, Floats]:
        """Return the numbers of turns that have some of ``terms``, and the sum of the weights of those in each."""
        wanted = [self._asked[place] for place in terms.places.tolist()]
        seen = [[*self._recent.having(term), *self._having(quoted(term), most)] for term in wanted]
        column = list(range(len(wanted)))
        common = np.flatnonzero(terms.turns > most).tolist()
        if common:
            noted = {at: set(seen[at]) for at in common}
            for some, numbers in self._beyond(list(map(quoted, wanted)), common):
                for at in some:
                    new = [number for number in numbers if number not in noted[at]]
                    noted[at].update(new)
                    seen.append(new)
                    column.append(at)
        every = np.array([number for numbers in seen for number in numbers], np.int64)
        found, place = np.unique(every, return_inverse=True)
        weights = np.repeat(terms.weights[column], list(map(len, seen)))
        return found, np.bincount(place, weights).astype(np.float64, copy=False)

    def newest(self, numbers: Sequence[int], count: int) -> list[int]:
        """Return those ``count`` of ``numbers`` that were said last."""
        query = _NEWEST.format(marks=_marks(numbers))
        return [number for (number,) in self._connection.execute(query, (*numbers, count))]

    def look(self, numbers: Sequence[int], terms: Terms) -> tuple[list[Candidate], list[float]]:
        """Return the turns of these ``numbers``, and of each the sum of the weights of those of ``terms`` it has."""
        rows = self._rows(numbers)
        at = {self._asked[place]: column for column, place in enumerate(terms.places.tolist())}
        asked = at.keys()
        weights = terms.weights.tolist()
        self._terms = len(weights)
        sums = []
        for row in rows:
            columns = self._columns[row.number] = sorted([at[term] for term in asked & row.terms.split(" ")])
            total = 0.0  # added up one by one, as what is resident is: what is equal there must be equal here
            for column in columns:
                total += weights[column]
            sums.append(total)
        return [Candidate(row.number, row.created, row.question, row.important, row.answered) for row in rows], sums

    def has(self, numbers: Sequence[int]) -> NDArray[np.bool_]:
        """Return of these ``numbers``, which were looked at, in a row each, which of the terms it has."""
        has = np.zeros((len(numbers), self._terms), np.bool_)
        cells = [line * self._terms + column for line, each in enumerate(numbers) for column in self._columns[each]]
        has.reshape(-1)[cells] = True
        return has

    def in_file(self, turn: Candidate) -> int:
        """Return the number that ``turn`` has in the file."""
        return turn.number

    def beside(self, turns: Sequence[Candidate]) -> list[tuple[int | None, int | None]]:
        """Return for each of ``turns`` which turn was said before and which after it."""
        query = _NEIGHBOURS.format(marks=", ".join(["(?, ?)"] * len(turns)))
        values = [value for turn in turns for value in (turn.number, turn.created)]
        found = self._connection.execute(query, (*values, self._session, self._session)).fetchall()
        return [(before, after) for _, before, after in found]

    def _beyond(self, terms: Sequence[str], common: Sequence[int]) -> Iterator[tuple[Sequence[int], list[int]]]:
        """Yield common words, and older turns that have them, too: beside a rare word, or all together.

        Of a word that more turns have than were read it is not known which of the older ones do.
        """
        rare = " OR ".join(terms[: len(terms) - len(common)])
        for at in common[:_COMBINED] if rare else ():
            yield (at,), self._having(f"{terms[at]} AND ({rare})")
        for count in sorted({2, 3, len(common)} - {1}):
            some = common[:count]
            if len(some) == count:
                yield some, self._having(" AND ".join(terms[at] for at in some))

    def _having(self, match: str, most: int = POSTINGS) -> list[int]:
        numbers = self._connection.execute(_IDS, (match, most)).fetchone()[0]
        return [] if numbers is None else list(map(int, numbers.split(",")))

    def _rows(self, numbers: Sequence[int]) -> list[Remembered]:
        found = [row for row in self._recent.rows(numbers) if row.session == self._session]
        held = {row.number for row in found}
        wanted = [number for number in numbers if number not in held]
        if wanted:
            query = _ROWS.format(marks=_marks(wanted))
            found += [Remembered(*row) for row in self._connection.execute(query, (*wanted, self._session))]
        return found


def quoted(term: str) -> str:
    """Return ``term`` as SQLite's full text takes it for itself and not for a query."""
    return '"' + term.replace('"', '""') + '"'


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))
