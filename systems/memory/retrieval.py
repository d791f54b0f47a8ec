"""Ways to rank what the full-text index finds: by how many keywords match, by BM25, or blended with age and weight."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Literal

from systems.memory.schema import scoped

Retrieval = Literal["coordination", "bm25", "blended"]

# The session is matched twice: in every word, so that a lookup meets no other session's turns; and as itself, so that
# no hash can show one user's turn to another. The newest come first without being sorted: the index is kept in order.
_NEWEST = (
    "SELECT memories.id, memories.question, memories.keywords FROM memory_index "
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

# Relevance, recency and importance are each between 0 and 1 and added, as in Park et al., "Generative Agents" (2023);
# there all weigh the same. Here the latter two together can lift a turn over one that has one more of three keywords,
# but not over one that has two more. An hour costs as much recency as there.
_CANDIDATES = 8
_RECENCY, _IMPORTANCE, _PER_HOUR = 0.25, 0.25, 0.995


def find(
    connection: sqlite3.Connection, session: str, keywords: Sequence[str], limit: int, how: Retrieval, neighbours: int
) -> list[str]:
    """Return the questions of the best ``limit`` turns of ``session``, best first.

    After them come the ``neighbours`` turns before and after each, in the order they were said. Equal stores give
    equal answers.
    """
    if how == "bm25":
        found = _by_bm25(connection, session, keywords, limit)
    elif how == "blended":
        found = _blended(connection, session, keywords, limit)
    else:
        found = {number: text for number, (text, _) in _by_coordination(connection, session, keywords, limit).items()}
    best = list(found.items())[:limit]
    if neighbours:
        best = list((dict(best) | _around(connection, session, [number for number, _ in best], neighbours)).items())
    return [question for _, question in best]


def _by_coordination(
    connection: sqlite3.Connection, session: str, keywords: Sequence[str], limit: int
) -> dict[int, tuple[str, float]]:
    """Return question and share of matched keywords of the turns that match best, best first.

    First the turns whose own keywords are the asked ones, then those that have all of them among their words, then
    those that have two, and those that have one, the heavier first; among equals the newest. Each such level is
    looked up by itself, until enough turns are found: that costs the same however many turns have one common word,
    whereas BM25 scores every one of them at each lookup.
    """
    words = [_quoted(word) for word in scoped(session, keywords)]
    if not words:
        return {}

    def having(match: str) -> list[tuple[int, str, str]]:
        return connection.execute(_NEWEST, (match, session, limit + 1)).fetchall()

    rows = having(" AND ".join(words))
    if len(rows) > limit:  # the turns about the keywords may not be among the newest that mention them
        rows = having(" AND ".join(_quoted(word) for word in scoped(session, keywords, "k"))) + rows
    about = set(keywords)
    rows.sort(key=lambda row: not about.issubset(row[2].split(" ")))
    found = {number: (question, 1.0) for number, question, _ in rows}
    for match, share in _weaker(words):
        if len(found) >= limit:
            break
        for number, question, _ in having(match):
            found.setdefault(number, (question, share))
    return found


def _weaker(words: Sequence[str]) -> list[tuple[str, float]]:
    """Return what to look for when not enough turns have all ``words``, best first, with the share that matches.

    Two of them: the heaviest with any other, the next with any lighter one, and so on; then one.
    """
    pairs = [(f"{word} AND ({' OR '.join(words[place:])})", 2 / len(words)) for place, word in enumerate(words[:-1], 1)]
    return (pairs if len(words) > 2 else []) + [(word, 1 / len(words)) for word in words if len(words) > 1]


def _by_bm25(connection: sqlite3.Connection, session: str, keywords: Sequence[str], limit: int) -> dict[int, str]:
    words = [_quoted(word) for word in scoped(session, keywords)]
    return dict(connection.execute(_BM25, (" OR ".join(words), limit, session)).fetchall()) if words else {}


def _blended(connection: sqlite3.Connection, session: str, keywords: Sequence[str], limit: int) -> dict[int, str]:
    found = _by_coordination(connection, session, keywords, _CANDIDATES * limit)
    marks = ", ".join("?" * len(found))
    query = f"SELECT id, created, important FROM memories WHERE id IN ({marks})"  # noqa: S608 - only "?" is pasted
    rows = connection.execute(query, tuple(found)).fetchall()
    newest = max((created for _, created, _ in rows), default=0.0)

    def score(row: tuple[int, float, int]) -> tuple[float, int]:
        number, created, important = row
        recency = _PER_HOUR ** ((newest - created) / 3600)
        return found[number][1] + _RECENCY * recency + _IMPORTANCE * important, number

    return {row[0]: found[row[0]][0] for row in sorted(rows, key=score, reverse=True)}


def _around(connection: sqlite3.Connection, session: str, numbers: Sequence[int], neighbours: int) -> dict[int, str]:
    around: dict[int, str] = {}
    for number in numbers:
        before = connection.execute(_BEFORE, (session, number, neighbours)).fetchall()
        around.update(before[::-1] + connection.execute(_AFTER, (session, number, neighbours)).fetchall())
    return around


def _quoted(word: str) -> str:
    # NUL would end SQLite's text early; a quote is doubled inside a quoted string.
    return '"' + word.replace("\0", " ").replace('"', '""') + '"'
