"""Ways to rank what the full-text index finds: by relevance, by SQLite's BM25, or blended with age and weight."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from systems.memory.found import FoundTurn
from systems.memory.matches import Ranked
from systems.memory.recent import Recent
from systems.memory.relevance import ASKED, Gathered, rank, rarest
from systems.memory.resident import Lookup, Resident
from systems.memory.schema import scoped
from systems.memory.searched import Searched, quoted
from systems.memory.ways import Retrieval

# The session is matched twice: in every term, so that a lookup meets no other session's turns; and as itself, so that
# no hash can show one user's turn to another.
_BM25 = (
    "SELECT memories.question, memories.id FROM "
    "(SELECT rowid, bm25(memory_index) AS score FROM memory_index WHERE memory_index MATCH ? "
    "ORDER BY score, rowid DESC LIMIT ?) AS found "
    "JOIN memories ON memories.id = found.rowid WHERE memories.session = ? "
    "ORDER BY found.score, memories.created DESC, memories.id DESC"
)

# Relevance, recency and importance are each between 0 and 1 and added, as in Park et al., "Generative Agents" (2023);
# there all weigh the same. Here the latter two together weigh half as much as relevance. An hour costs as much recency
# as there.
_CANDIDATES = 8

_RECENCY, _IMPORTANCE, _PER_HOUR = 0.25, 0.25, 0.995


def find(
    connection: sqlite3.Connection,
    recent: Recent,
    resident: Resident | None,
    session: str,
    asked: Sequence[str],
    limit: int,
    how: Retrieval,
    *,
    context: bool,
) -> list[FoundTurn]:
    """Return the best ``limit`` turns of ``session`` for the words ``asked``, best first.

    Equal stores give equal answers.
    BM25 weighs a word by all turns, so it looks in the index alone: ``recent`` turns must wait for none. Of a pasted
    text it is asked for the rarest words, as relevance is: all of them take the square of their number.
    """
    if how == "bm25" and len(asked) > ASKED:
        asked = [asked[place] for place in rarest(Searched(connection, recent, session, asked).counts())]
    if not asked:
        return []
    if how == "bm25":
        terms = [quoted(term) for term in scoped(session, asked)]
        return [FoundTurn(*row) for row in connection.execute(_BM25, (" OR ".join(terms), limit, session))]
    most = _CANDIDATES * limit if how == "blended" else limit
    in_use = resident.get(connection, session) if resident is not None else None
    source: Gathered = (
        Searched(connection, recent, session, asked) if in_use is None else Lookup(in_use, session, asked)
    )
    ranked = rank(source, asked, most, context=context)
    if how == "blended":
        ranked = _blended(ranked)[:limit]
    return [FoundTurn(one.row.question, source.in_file(one.row)) for one in ranked]


def _blended(ranked: list[Ranked]) -> list[Ranked]:
    newest = max((one.row.created for one in ranked), default=0.0)
    best = max((one.score for one in ranked), default=1.0)

    def worth(one: Ranked) -> float:
        recency: float = _PER_HOUR ** ((newest - one.row.created) / 3600)
        return one.score / best + _RECENCY * recency + _IMPORTANCE * one.row.important

    return sorted(ranked, key=worth, reverse=True)
