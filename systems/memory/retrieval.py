"""Ways to rank what the full-text index finds: by how many keywords match, by BM25, or blended with age and weight."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Literal

from systems.memory.recent import Match, Recent, match
from systems.memory.schema import scoped

Retrieval = Literal["coordination", "bm25", "blended"]

# The session is matched twice: in every word, so that a lookup meets no other session's turns; and as itself, so that
# no hash can show one user's turn to another. The newest come first without being sorted: the index is kept in order.
_NEWEST = (
    "SELECT memories.id, memories.question, memories.keywords, memories.words FROM memory_index "
    "JOIN memories ON memories.id = memory_index.rowid "
    "WHERE memory_index MATCH ? AND memories.session = ? ORDER BY memory_index.rowid DESC LIMIT ?"
)
_BM25 = (
    "SELECT memories.id, memories.question FROM "
    "(SELECT rowid, bm25(memory_index) AS score FROM memory_index WHERE memory_index MATCH ? "
    "ORDER BY score, rowid DESC LIMIT ?) AS found "
    "JOIN memories ON memories.id = found.rowid WHERE memories.session = ? ORDER BY found.score, memories.id DESC"
)
_NEIGHBOURS = (
    "SELECT id, question FROM memories WHERE session = ? AND (created, id) {side} "
    "(SELECT created, id FROM memories WHERE id = ?) ORDER BY created {order}, id {order} LIMIT ?"
)
_BEFORE = _NEIGHBOURS.format(side="<", order="DESC")
_AFTER = _NEIGHBOURS.format(side=">", order="ASC")

# Where more turns have all the words than are wanted, so many are looked at for those that are about the words.
_ABOUT = 64

# Relevance, recency and importance are each between 0 and 1 and added, as in Park et al., "Generative Agents" (2023);
# there all weigh the same. Here the latter two together can lift a turn over one that has one more of three keywords,
# but not over one that has two more. An hour costs as much recency as there.
_CANDIDATES = 8
_RECENCY, _IMPORTANCE, _PER_HOUR = 0.25, 0.25, 0.995

_Row = tuple[int, str, str, str]
"""Number, question, keywords and scoped words of a turn."""


def find(
    connection: sqlite3.Connection,
    recent: Recent,
    session: str,
    keywords: Sequence[str],
    limit: int,
    how: Retrieval,
    neighbours: int,
) -> list[str]:
    """Return the questions of the best ``limit`` turns of ``session``, best first.

    BM25 weighs a word by all turns, so it looks in the index alone: ``recent`` turns must wait for none.
    After them come the ``neighbours`` turns before and after each, in the order they were said. Equal stores give
    equal answers.
    """
    if how == "bm25":
        found = _by_bm25(connection, session, keywords, limit)
    elif how == "blended":
        found = _blended(connection, recent, session, keywords, limit)
    else:
        found = {one.number: one.question for one in _by_coordination(connection, recent, session, keywords, limit)}
    best = list(found.items())[:limit]
    if neighbours:
        best = list((dict(best) | _around(connection, session, [number for number, _ in best], neighbours)).items())
    return [question for _, question in best]


def _by_coordination(
    connection: sqlite3.Connection, recent: Recent, session: str, keywords: Sequence[str], limit: int
) -> list[Match]:
    """Return the turns that have most of the keywords, best first.

    Among turns that have as many, what was told comes before what was only asked, which seldom holds an answer; then
    the heavier keywords count, then that they are the turn's own keywords, then its age: the newest first.
    """
    words = list(dict.fromkeys(scoped(session, keywords)))
    if not words:
        return []
    bits = [(f" {word} ", 1 << place) for place, word in enumerate(reversed(words))]
    turns = recent.find(session, words)
    for number, question, own, mentioned in _candidates(connection, session, [_quoted(word) for word in words], limit):
        has = f" {mentioned} "
        turns.append((sum([bit for word, bit in bits if word in has]), number, question, own))
    if len(turns) > limit:
        # Many have one common word: those are left that have as many words as the last one that is wanted.
        least = sorted([which.bit_count() for which, *_ in turns], reverse=True)[limit - 1]
        turns = [turn for turn in turns if turn[0].bit_count() >= least]
    return sorted([match(turn, len(words), keywords) for turn in turns], reverse=True)


def _candidates(connection: sqlite3.Connection, session: str, asked: Sequence[str], limit: int) -> list[_Row]:
    """Return turns among which the best are, however common the words: of up to three words; of more, nearly.

    A few sets of words are looked up one after another, of each the newest turns only: that costs the same however
    many turns have one common word, whereas BM25 scores every one of them at each lookup.
    """
    rows: dict[int, _Row] = {}

    def look_for(match: str, page: int = limit + 1) -> bool:
        """Add the newest turns that match; return whether there may be more."""
        newest = connection.execute(_NEWEST, (match, session, page)).fetchall()
        for row in newest:
            rows[row[0]] = row
        return len(newest) == page

    if look_for(_with_a_lighter(asked, 0)):
        # Where more turns have the heaviest word and another one than are wanted, the second heaviest decides.
        heaviest = [" AND ".join(asked[:count]) for count in range(2, len(asked) + 1)] if len(asked) > 2 else []
        if all(map(look_for, heaviest)):
            look_for(" AND ".join(asked), _ABOUT + limit)
    for place in range(1, len(asked) - 1):
        if len(rows) < limit:
            look_for(_with_a_lighter(asked, place))
    for word in asked if len(asked) > 1 else ():
        if len(rows) < limit:
            look_for(word)
    return list(rows.values())


def _with_a_lighter(asked: Sequence[str], place: int) -> str:
    """Return what matches turns that have the word at ``place`` and one after it, if there is one."""
    lighter = asked[place + 1 :]
    return f"{asked[place]} AND ({' OR '.join(lighter)})" if lighter else asked[place]


def _by_bm25(connection: sqlite3.Connection, session: str, keywords: Sequence[str], limit: int) -> dict[int, str]:
    words = [_quoted(word) for word in scoped(session, keywords)]
    return dict(connection.execute(_BM25, (" OR ".join(words), limit, session)).fetchall()) if words else {}


def _blended(
    connection: sqlite3.Connection, recent: Recent, session: str, keywords: Sequence[str], limit: int
) -> dict[int, str]:
    matches = _by_coordination(connection, recent, session, keywords, _CANDIDATES * limit)
    marks = ", ".join("?" * len(matches))
    query = f"SELECT id, created, important FROM memories WHERE id IN ({marks})"  # noqa: S608 - only "?" is pasted
    seen = connection.execute(query, [one.number for one in matches]).fetchall()
    newest = max((created for _, created, _ in seen), default=0.0)
    worth = {
        number: _RECENCY * _PER_HOUR ** ((newest - created) / 3600) + _IMPORTANCE * important
        for number, created, important in seen
    }
    scored = [(one.matched / len(keywords) + worth[one.number], one.number, one.question) for one in matches]
    return {number: text for _, number, text in sorted(scored, reverse=True)}


def _around(connection: sqlite3.Connection, session: str, numbers: Sequence[int], neighbours: int) -> dict[int, str]:
    around: dict[int, str] = {}
    for number in numbers:
        before = connection.execute(_BEFORE, (session, number, neighbours)).fetchall()
        around.update(before[::-1] + connection.execute(_AFTER, (session, number, neighbours)).fetchall())
    return around


def _quoted(word: str) -> str:
    # NUL would end SQLite's text early; a quote is doubled inside a quoted string.
    return '"' + word.replace("\0", " ").replace('"', '""') + '"'
