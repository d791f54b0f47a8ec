"""Sessions in use, held in memory: their turns, and which words are in them.

A session is read from the file when it is asked for the first time, and gets every turn that is saved in it. What is
held finds exactly what the file has (`searched`), at a fraction of the cost. Only sessions that are looked at whole are
held, no longer than they are used, and all of them in so many bytes; the others are searched in the file.
"""

from __future__ import annotations

import sqlite3
import sys
import time
from collections import OrderedDict
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from systems.memory.candidates import Candidate
from systems.memory.matches import Floats
from systems.memory.recent import Remembered
from systems.memory.relevance import WHOLE, Numbers, Terms
from systems.memory.schema import UNCUT, scoped

# Of a word's hash what leaves room for the place of a turn: two words of a session are one once in 10^9 sessions.
_PLACE_BITS = 12
_PLACE = (1 << _PLACE_BITS) - 1

# A session that nobody has asked for so long is let go.
_IDLE_S = 900.0
# So many sessions are held at most, however little was said in them; of so many others is known when they were asked.
_MOST, _NOTED = 1_000, 4_000
# Of very long texts no session is held that leaves no room for so many like it.
_AT_LEAST = 4

# Of a session, and of each turn besides its text and its words: what Python's objects take.
_BYTES, _TURN_BYTES = 1_500, 400

_TURNS = (
    "SELECT id, session, created, question, words, important, answer <> '' FROM memories WHERE session = ? ORDER BY id"
)
_COUNT = "SELECT count(*) FROM (SELECT 1 FROM memories WHERE session = ? LIMIT ?)"


class ResidentSession:
    """All turns of one session, in the order of their numbers, which is that of their places here."""

    def __init__(self, rows: Sequence[Remembered]) -> None:
        self._turns = [(row.created, row.question, row.important, row.answered) for row in rows]
        self._keys = _keys(rows, 0) if rows else np.zeros(0, np.uint64)
        self._new: list[NDArray[np.uint64]] = []
        self._candidates: dict[int, Candidate] = {}
        # Places by time, and of each place where it is among these; an import may have brought older turns.
        self._by_time = sorted(range(len(rows)), key=lambda place: rows[place].created)
        self._age = sorted(range(len(rows)), key=self._by_time.__getitem__)
        self.bytes = _BYTES + sum(_size(row) for row in rows)
        self.asked_at = 0.0

    def __len__(self) -> int:
        return len(self._turns)

    def add(self, row: Remembered) -> None:
        """Add a turn that was said after all others."""
        place = len(self._turns)
        self._turns.append((row.created, row.question, row.important, row.answered))
        self._by_time.append(place)
        self._age.append(place)
        self._new.append(_keys([row], place))
        self.bytes += _size(row)

    def keys(self) -> NDArray[np.uint64]:
        """Return of every word of every turn its hash and, in the last bits, the place of the turn, in order."""
        if self._new:
            new = np.sort(np.concatenate(self._new))
            self._keys = np.insert(self._keys, np.searchsorted(self._keys, new), new)
            self._new = []
        return self._keys

    def candidate(self, place: int) -> Candidate:
        """Return the turn at ``place``."""
        if (found := self._candidates.get(place)) is None:
            found = self._candidates[place] = Candidate(place, *self._turns[place])
        return found

    def newest(self, places: Sequence[int], count: int) -> list[int]:
        """Return those ``count`` of ``places`` that were said last."""
        return sorted(places, key=self._age.__getitem__, reverse=True)[:count]

    def beside(self, place: int) -> tuple[int | None, int | None]:
        """Return which turns were said before and after that at ``place``."""
        age = self._age[place]
        return self._by_time[age - 1] if age else None, self._by_time[age + 1] if age + 1 < len(self) else None


class Lookup:
    """The turns of a resident ``session`` that have words of those ``asked``: a `relevance.Gathered`."""

    def __init__(self, session: ResidentSession, name: str, asked: Sequence[str]) -> None:
        self._session = session
        terms = scoped(name, asked)
        hashes = np.fromiter(map(hash, terms), np.int64, len(terms)).view(np.uint64) << np.uint64(_PLACE_BITS)
        keys = session.keys()
        self._first = np.searchsorted(keys, hashes)
        self._counts = np.searchsorted(keys, hashes | np.uint64(_PLACE), side="right") - self._first
        self._has: NDArray[np.bool_] = np.zeros((0, 0), np.bool_)

    def counts(self) -> list[int]:
        """Return in how many turns each of the words asked is."""
        counts: list[int] = self._counts.tolist()
        return counts

    def turns(self) -> int:
        """Return how many turns the session has."""
        return len(self._session)

    def scored(self, terms: Terms, most: int) -> tuple[Numbers, Floats]:  # noqa: ARG002
        """Return the places of the turns that have some of ``terms``, and the sum of the weights of those in each."""
        first, counts = self._first[terms.places], self._counts[terms.places]
        ends = np.cumsum(counts)
        at = np.repeat(first - ends + counts, counts) + np.arange(ends[-1])
        places = (self._session.keys()[at] & np.uint64(_PLACE)).view(np.int64)
        columns = np.repeat(np.arange(len(counts)), counts)
        self._has = np.zeros((len(self._session), len(counts)), np.bool_)
        self._has[places, columns] = True
        scores = np.bincount(places, terms.weights[columns]).astype(np.float64, copy=False)
        found = np.flatnonzero(scores)
        return found, scores[found]

    def newest(self, numbers: Sequence[int], count: int) -> list[int]:
        """Return those ``count`` of ``numbers`` that were said last."""
        return self._session.newest(numbers, count)

    def look(self, numbers: Sequence[int], terms: Terms) -> tuple[list[Candidate], NDArray[np.bool_]]:  # noqa: ARG002
        """Return the turns at these places, and in a row for each which of the terms that were scored it has."""
        return list(map(self._session.candidate, numbers)), self._has[np.array(numbers, np.int64)]

    def beside(self, turns: Sequence[Candidate]) -> list[tuple[int | None, int | None]]:
        """Return for each of ``turns`` which turn was said before and which after it."""
        return [self._session.beside(turn.number) for turn in turns]


class Resident:
    """The sessions in use, the one that was asked longest ago first; all of them in at most ``most_bytes``."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._sessions: OrderedDict[str, ResidentSession] = OrderedDict()
        self._others: OrderedDict[str, float] = OrderedDict()
        self._unfit: set[str] = set()
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._sessions)

    def get(self, connection: sqlite3.Connection, session: str) -> ResidentSession | None:
        """Return ``session`` if it is held, or is from now on."""
        now = time.monotonic()
        found = self._sessions.get(session)
        if found is not None:
            self._sessions.move_to_end(session)
            found.asked_at = now
        self._let_go(now)
        if found is None:
            before = self._others.pop(session, -1.0)
            if session not in self._unfit and self._is_welcome(before):
                found = self._read(connection, session)
            if session not in self._sessions:
                self._note(session, now)
            elif found is not None:
                found.asked_at = now
        return found

    def add(self, rows: Iterable[Remembered]) -> None:
        """Add to the sessions that are held ``rows`` that were saved in them, each newer than all before."""
        for row in rows:
            if (session := self._sessions.get(row.session)) is not None:
                before = session.bytes
                session.add(row)
                self.bytes += session.bytes - before
                if len(session) > WHOLE:
                    self._drop(row.session)
        self._shrink()

    def clear(self) -> None:
        """Hold none: the file was changed."""
        self._sessions.clear()
        self._unfit.clear()
        self.bytes = 0

    def _is_welcome(self, before: float) -> bool:
        """Return whether a session that was asked ``before`` may take another's place, if there is no room."""
        if self.bytes < self._most_bytes and len(self) < _MOST:
            return True
        # Where more sessions are in use than can be held, it is best to go on holding some of them.
        return bool(self._sessions) and before > next(iter(self._sessions.values())).asked_at

    def _note(self, session: str, now: float) -> None:
        self._others[session] = now
        if len(self._others) > _NOTED:
            forgotten, _ = self._others.popitem(last=False)
            self._unfit.discard(forgotten)

    def _read(self, connection: sqlite3.Connection, session: str) -> ResidentSession | None:
        found: ResidentSession | None = None
        if connection.execute(_COUNT, (session, WHOLE + 1)).fetchone()[0] <= WHOLE:
            rows = list(map(Remembered._make, connection.execute(_TURNS, (session,))))
            if all(row.terms != UNCUT for row in rows):
                found = ResidentSession(rows)
        if found is None or found.bytes * _AT_LEAST > self._most_bytes:
            self._unfit.add(session)
            return found
        self._sessions[session] = found
        self.bytes += found.bytes
        self._shrink()
        return found

    def _let_go(self, now: float) -> None:
        while self._sessions and next(iter(self._sessions.values())).asked_at < now - _IDLE_S:
            self._drop(next(iter(self._sessions)))

    def _shrink(self) -> None:
        while self.bytes > self._most_bytes or len(self) > _MOST:
            self._drop(next(iter(self._sessions)))

    def _drop(self, session: str) -> None:
        self.bytes -= self._sessions.pop(session).bytes


def _keys(rows: Sequence[Remembered], first: int) -> NDArray[np.uint64]:
    """Return of every word of ``rows``, the first at place ``first``, its hash and the place, once and in order."""
    terms = " ".join([row.terms for row in rows]).split(" ")
    counts = [row.terms.count(" ") + 1 for row in rows]
    hashes = np.fromiter(map(hash, terms), np.int64, len(terms)).view(np.uint64)
    keys = (hashes << np.uint64(_PLACE_BITS)) | np.repeat(np.arange(first, first + len(rows), dtype=np.uint64), counts)
    keys.sort()
    return keys[np.concatenate(((True,), keys[1:] != keys[:-1]))]


def _size(row: Remembered) -> int:
    return _TURN_BYTES + sys.getsizeof(row.question) + 8 * row.terms.count(" ")
