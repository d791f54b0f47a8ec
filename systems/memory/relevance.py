"""Ranks the turns of a session by how well they match a question's words, and by what stands around them.

A turn has the weights of those words of the question that are in it, as in the binary independence model (Robertson and
Spärck Jones, "Relevance weighting of search terms", 1976): the rarer a word in the session itself, the more it weighs;
how often a turn says it makes no difference. The turns are found by some bounded lookups in the index: exactly, as long
as the session has no more than a thousand turns; beyond, the newest of each word, and older ones by what they
have of the question together. How many turns have a word is counted, at some nanoseconds a turn.
"""

from __future__ import annotations

import math
import re
import sqlite3
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from heapq import heapify, heappop, heappush, nlargest
from operator import itemgetter
from typing import NamedTuple

from systems.memory import asking, words
from systems.memory.recent import Recent, Remembered
from systems.memory.schema import scope, scoped

# A session of so many turns is looked at whole. In a longer one so many turns are looked at for one word, newest first;
# and so many words are looked for together with others where more turns have each.
_WHOLE = 1_000
_POSTINGS = 128
_COMBINED = 4

# Words of a question that are looked for, the rarest: whoever pastes a long text has not asked for each of its words.
_ASKED = 400

# Turns that are read to be ranked, for each that is wanted, and at least so many; ever more, so many times, as long as
# what was found is not nearly as good as what is not read could be.
_ALIKE = 128
_READ, _LEAST_READ, _MORE, _NEARLY = 4, 16, 4, 0.7

# How much more a rare word counts than by its surprise alone; and by how much less a word counts in a turn of twice the
# words of the last number, which has it more easily.
_RARE, _WORDY, _LONG = 1.1, 0.1, 30
# Bytes of UTF-8 that are a word or so: six letters and a space of English, two characters of Chinese.
_WORD = 6

# A turn is found by its neighbours' words as well, at a weight that falls from the first number of words to none at the
# second: a short answer means something only after its question, a long message stands for itself.
_SHORT, _SELF_CONTAINED = 12, 70
_ANSWER, _AFTER, _BEFORE = 0.8, 0.5, 0.4
# Of the best, for each turn that is wanted, so many give to their neighbours; one that says nothing of the question
# itself must get this share of all its words' weight.
_LENDERS, _MOST_LENDERS = 3, 12
_LEAST = 0.15
_SITTING_S = 3600.0

# A message that only asks seldom holds an answer. Of two that match about as well, the newer goes first.
_ASKS, _NEWER = 0.4, 0.15
_MARKS = ("?", "？", "؟")
_ENDS = ".,;:!…\"'’‘“”()。，、；：！（）「」"
_SPEAKER = re.compile(r"\A[^\W\d_][^:：\n]{0,30}[:：]\s*")

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


class Ranked(NamedTuple):
    """A turn, and how well it matches: positive, comparable within one ranking only."""

    score: float
    row: Remembered


class _Term(NamedTuple):
    """A word of the question: in how many turns it is, and what a turn is worth that has it."""

    text: str
    turns: int
    weight: float


def rank(
    connection: sqlite3.Connection, recent: Recent, session: str, question: str, limit: int, *, context: bool
) -> list[Ranked]:
    """Return the best ``limit`` turns of ``session``, best first.

    ``context`` says whether short ones are found by those around them. Turns that say the same take one place, the
    newest's. The question itself, asked before, is none of them.
    """
    asked = words.asked(question)
    turns, terms = _weighed(connection, recent, session, scoped(session, asked))
    if not terms:
        return []
    scores = _candidates(connection, recent, terms, max(_POSTINGS if turns > _WHOLE else _WHOLE, limit))
    order = [number for _, number in sorted(zip(scores.values(), scores, strict=True), reverse=True)]
    most = max(_READ * limit, _LEAST_READ)
    while True:
        numbers = _best(connection, scores, order, most)
        found = _ranked(connection, recent, session, terms, numbers, frozenset(asked), limit, context=context)
        # What was read may be the question itself, asked before, or the same again and again.
        if most >= len(order) or (len(found) == limit and found[-1].score >= _NEARLY * scores[order[most]]):
            return found
        most *= _MORE


def _ranked(
    connection: sqlite3.Connection,
    recent: Recent,
    session: str,
    terms: Sequence[_Term],
    numbers: Sequence[int],
    asked: frozenset[str],
    limit: int,
    *,
    context: bool,
) -> list[Ranked]:
    """Return the best of the turns with these ``numbers``, and of those around them."""
    rows = _rows(connection, recent, session, numbers)
    if not rows:
        return []
    matches = _Matches(terms, rows)
    if context:
        hits = matches.best(min(_LENDERS * limit, _MOST_LENDERS))
        beside = _beside(connection, session, hits)
        around = {number for pair in beside.values() for number in pair if number is not None} - rows.keys()
        matches.add(_rows(connection, recent, session, around))
        matches.lend(hits, beside)
    return matches.ranked(asked, limit)


def _best(
    connection: sqlite3.Connection, scores: Mapping[int, float], order: Sequence[int], most: int
) -> Sequence[int]:
    """Return the first ``most`` numbers in ``order``; of those that match as well as the last one, the newest."""
    if most >= len(order) or scores[order[most]] < scores[order[most - 1]]:
        return order[:most]
    last = scores[order[most]]
    better = [number for number in order[:most] if scores[number] > last]
    alike = [number for number in order[len(better) :] if scores[number] == last][:_ALIKE]
    query = _NEWEST.format(marks=", ".join("?" * len(alike)))
    return better + [number for (number,) in connection.execute(query, (*alike, most - len(better)))]


def _weighed(
    connection: sqlite3.Connection, recent: Recent, session: str, asked: Sequence[str]
) -> tuple[int, list[_Term]]:
    """Return those terms that the session has, the rarest first; of those as rare, the later in the question."""
    indexed: dict[str, int] = {}
    for start in range(0, len(asked), _ASKED):
        some = asked[start : start + _ASKED]
        indexed.update(connection.execute(_COUNTS.format(marks=", ".join("?" * len(some))), some).fetchall())
    counts = {term: indexed.get(term, 0) + len(recent.having(term)) for term in reversed(asked)}
    found = sorted([(count, term) for term, count in counts.items() if count], key=itemgetter(0))[:_ASKED]
    if not found:
        return 0, []
    turns = max(_turns(connection, recent, session), found[-1][0])
    return turns, [
        _Term(term, count, math.log1p((turns - count + 0.5) / (count + 0.5)) ** _RARE) for count, term in found
    ]


def _turns(connection: sqlite3.Connection, recent: Recent, session: str) -> int:
    """Return how many turns ``session`` has: of very many, as many as if all stood as close as its newest."""
    turns = int(connection.execute(_TURNS, (session, _WHOLE + 1)).fetchone()[0])
    if turns <= _WHOLE:
        return turns
    numbers = _having(connection, quoted(scope(session)))
    first, last = connection.execute(_FIRST_AND_LAST).fetchone()
    return len(recent) + int(len(numbers) * (last - first + 1) / (numbers[0] - numbers[-1] + 1))


def _having(connection: sqlite3.Connection, match: str, most: int = _POSTINGS) -> list[int]:
    numbers = connection.execute(_IDS, (match, most)).fetchone()[0]
    return [] if numbers is None else list(map(int, numbers.split(",")))


def _candidates(connection: sqlite3.Connection, recent: Recent, terms: Sequence[_Term], most: int) -> dict[int, float]:
    """Return what the turns that have words of the question have of it, by their numbers, as far as it is known.

    Of each word the newest ``most`` turns are read.
    """
    scores: dict[int, float] = {}
    known = scores.get
    seen: dict[_Term, Sequence[int]] = {}
    for term in terms:
        weight, seen[term] = term.weight, (*recent.having(term.text), *_having(connection, quoted(term.text), most))
        for number in seen[term]:
            scores[number] = known(number, 0.0) + weight
    common = [term for term in terms if term.turns > most]
    if common:
        noted = {term: set(seen[term]) for term in common}
        for some, numbers in _beyond(connection, terms[: len(terms) - len(common)], common):
            for term in some:
                for number in numbers:
                    if number not in noted[term]:
                        noted[term].add(number)
                        scores[number] = known(number, 0.0) + term.weight
    return scores


def _beyond(
    connection: sqlite3.Connection, rare: Sequence[_Term], common: Sequence[_Term]
) -> Iterator[tuple[Sequence[_Term], list[int]]]:
    """Yield common words, and older turns that have them, too: beside a rare word, or all together.

    Of a word that more turns have than were read it is not known which of the older ones do.
    """
    beside = " OR ".join(quoted(term.text) for term in rare)
    for term in common[:_COMBINED] if rare else ():
        yield (term,), _having(connection, f"{quoted(term.text)} AND ({beside})")
    for count in sorted({2, 3, len(common)} - {1}):
        some = common[:count]
        if len(some) == count:
            yield some, _having(connection, " AND ".join(quoted(term.text) for term in some))


def _rows(
    connection: sqlite3.Connection, recent: Recent, session: str, numbers: Iterable[int]
) -> dict[int, Remembered]:
    wanted = list(numbers)
    found = [row for row in recent.rows(wanted) if row.session == session]
    held = {row.number for row in found}
    marks = [number for number in wanted if number not in held]
    if marks:
        query = _ROWS.format(marks=", ".join("?" * len(marks)))
        found += [Remembered(*row) for row in connection.execute(query, (*marks, session))]
    return {row.number: row for row in found}


def _beside(
    connection: sqlite3.Connection, session: str, hits: Sequence[Remembered]
) -> dict[int, tuple[int | None, int | None]]:
    query = _NEIGHBOURS.format(marks=", ".join(["(?, ?)"] * len(hits)))
    values = [value for row in hits for value in (row.number, row.created)]
    found = connection.execute(query, (*values, session, session)).fetchall()
    return {number: (before, after) for number, before, after in found}


class _Matches:
    """What of the question each turn has: the weights of the words that are in it, or next to it."""

    def __init__(self, terms: Sequence[_Term], rows: Mapping[int, Remembered]) -> None:
        self._weights = {term.text: term.weight for term in terms}
        self._rows: dict[int, Remembered] = {}
        self._parts: dict[int, dict[str, float]] = {}
        self._lengths: dict[int, float] = {}
        self.add(rows)

    def add(self, rows: Mapping[int, Remembered]) -> None:
        """Take in ``rows``."""
        weights = self._weights
        asked = weights.keys()
        for number, row in rows.items():
            self._rows[number] = row
            self._lengths[number] = length = len(row.question.encode()) / _WORD
            has = asked & set(row.terms.split(" "))
            if length <= _LONG:
                self._parts[number] = {term: weights[term] for term in has}
            else:
                share = 1 / (1 + _WORDY * (length / _LONG - 1))
                self._parts[number] = {term: share * weights[term] for term in has}

    def best(self, count: int) -> list[Remembered]:
        """Return the ``count`` turns that match best by themselves."""
        own = [(sum(parts.values()), number) for number, parts in self._parts.items()]
        return [self._rows[number] for _, number in nlargest(count, own)]

    def lend(self, hits: Sequence[Remembered], beside: Mapping[int, tuple[int | None, int | None]]) -> None:
        """Give the short neighbours of ``hits`` what these have of the question, at a lower weight."""
        lent: list[tuple[int, float, dict[str, float]]] = []
        for hit in hits:
            before, after = beside[hit.number]
            asks = hit.question.rstrip()[-1:] in _MARKS
            # What an assistant answered is not answered by what its user says next.
            then = _AFTER if not asks else 0.0 if hit.answered else _ANSWER
            for number, weight in ((before, _BEFORE), (after, then)):
                if number is None or number not in self._rows or not weight:
                    continue
                free = (_SELF_CONTAINED - self._lengths[number]) / (_SELF_CONTAINED - _SHORT)
                if free > 0 and abs(self._rows[number].created - hit.created) <= _SITTING_S:
                    lent.append((number, weight * min(1.0, free), dict(self._parts[hit.number])))
        least = _LEAST * sum(self._weights.values())
        for number, share, parts in lent:
            own = self._parts[number]
            if not own and share * sum(parts.values()) < least:
                continue
            for term, part in parts.items():
                own[term] = max(own.get(term, 0.0), share * part)

    def ranked(self, asked: frozenset[str], limit: int) -> list[Ranked]:
        """Return the best ``limit`` turns that say different things, best first."""
        ages = sorted((self._rows[number].created, number) for number, parts in self._parts.items() if parts)
        newer = _NEWER / max(1, len(ages))
        best = [
            (-sum(self._parts[number].values()) * (1 + newer * age), -age, number)
            for age, (_, number) in enumerate(ages, 1)
        ]
        heapify(best)
        judged: set[int] = set()
        said: set[str] = set()
        found: list[Ranked] = []
        while best and len(found) < limit:
            score, age, number = heappop(best)
            row = self._rows[number]
            if number not in judged and asking.only_asks(text := _SPEAKER.sub("", row.question)):
                judged.add(number)
                if not asked.issuperset(words.asked(text)):
                    heappush(best, (_ASKS * score, age, number))
                continue
            says = _said(row.question)
            if says not in said:
                said.add(says)
                found.append(Ranked(-score, row))
        return found


def _said(text: str) -> str:
    """Return what two texts share that say the same: case, width, spaces and what ends a word are no difference."""
    return " ".join([word.strip(_ENDS) for word in unicodedata.normalize("NFKC", text).casefold().split()])


def quoted(term: str) -> str:
    """Return ``term`` as SQLite's full text takes it for itself and not for a query."""
    return '"' + term.replace('"', '""') + '"'
