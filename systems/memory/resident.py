"""Sessions in use, held in memory: their turns, and which words are in them.

A session is read from the file when it is asked for the first time, and gets every turn that is saved in it. What is
held finds exactly what the file has (`searched`), at a fraction of the cost. Only sessions that are looked at whole are
held, no longer than they are used, and all of them in so many bytes; the others are searched in the file.
"""

from __future__ import annotations

import sqlite3
import sys
import time
from array import array
from collections import OrderedDict
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from systems.memory.candidates import Candidate
from systems.memory.matches import Floats
from systems.memory.postings import Occurrences, Postings
from systems.memory.recent import Remembered
from systems.memory.relevance import WHOLE, Numbers, Terms
from systems.memory.schema import scoped

# A session that nobody has asked for so long is let go.
_IDLE_S = 900.0
# So many sessions are held at most, however little was said in them; of so many others is known when they were asked.
_MOST, _NOTED = 1_000, 4_000
# Of very long texts no session is held that leaves no room for so many like it.
_AT_LEAST = 4

# Of a session, and of each turn besides its text and its words: what Python's objects take.
_BYTES, _TURN_BYTES = 1_500, 408

# Words as bytes: there are some ten thousand in a session, and to make text of them takes half as long again.
_TURNS = (
    "SELECT created, question, important, answer <> '', CAST(words AS BLOB), id FROM memories "
    "WHERE session = ? ORDER BY id"
)
_COUNT = "SELECT count(*) FROM (SELECT 1 FROM memories WHERE session = ? LIMIT ?)"

# A turn's time, question, importance and whether it was answered.
_Turn = tuple[float, str, int, int]


class ResidentSession:
    """All turns of one session, in the order of their numbers, which is that of their places here."""

    def __init__(self, turns: Sequence[_Turn], words: Sequence[bytes], numbers: Sequence[int]) -> None:
        self._turns = list(turns)
        self._numbers = array("q", numbers)
        self._candidates: list[Candidate | None] = [None] * len(turns)
        self.postings = Postings(words)
        # Places by time, and of each place where it is among these; an import may have brought older turns.
        self._by_time: Sequence[int] = range(len(turns))
        self._age: Sequence[int] = self._by_time
        created = [turn[0] for turn in turns]
        if sorted(created) != created:
            self._by_time = sorted(self._by_time, key=created.__getitem__)
            self._age = sorted(self._by_time, key=self._by_time.__getitem__)
        texts = sum([sys.getsizeof(turn[1]) for turn in turns])
        self.bytes = _BYTES + len(turns) * (_TURN_BYTES - 8) + texts + 8 * self.postings.words
        self.asked_at = 0.0

    def __len__(self) -> int:
        return len(self._turns)

    def add(self, row: Remembered) -> None:
        """Add a turn that was said after all others."""
        place = len(self._turns)
        self._turns.append((row.created, row.question, row.important, row.answered))
        self._candidates.append(None)
        self._numbers.append(row.number)
        if isinstance(self._by_time, list) and isinstance(self._age, list):
            self._by_time.append(place)
            self._age.append(place)
        else:
            self._by_time = self._age = range(place + 1)
        words = row.terms.encode()
        self.postings.add(words)
        self.bytes += _TURN_BYTES + sys.getsizeof(row.question) + 8 * words.count(b" ")

    def candidates(self, places: Sequence[int]) -> list[Candidate]:
        """Return the turns at ``places``."""
        made = self._candidates
        return [made[place] or self._make(place) for place in places]

    def _make(self, place: int) -> Candidate:
        made = self._candidates[place] = Candidate(place, *self._turns[place])
        return made

    def number(self, place: int) -> int:
        """Return the number that the turn at ``place`` has in the file."""
        return self._numbers[place]

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
        self._found = Occurrences(session.postings, " ".join(scoped(name, asked)).encode().split(b" "))
        self._has: NDArray[np.bool_] = np.zeros((0, 0), np.bool_)
        self._scores: Floats = np.zeros(0)

    def counts(self) -> Numbers:
        """Return in how many turns each of the words asked is."""
        return self._found.counts()

    def turns(self) -> int:
        """Return how many turns the session has."""
        return len(self._session)

    def scored(self, terms: Terms, most: int) -> tuple[Numbers, Floats]:  # noqa: ARG002
        """Return the places of the turns that have some of ``terms``, and the sum of the weights of those in each."""
        self._has = has = self._found.having(terms.places)
        # Added up word by word, as what is searched in the file is: what is equal there must be equal here.
        self._scores = scores = (has * terms.weights[:, None]).sum(axis=0)
        found = scores.nonzero()[0]
        return found, scores[found]

    def newest(self, numbers: Sequence[int], count: int) -> list[int]:
        """Return those ``count`` of ``numbers`` that were said last."""
        return self._session.newest(numbers, count)

    def look(self, numbers: Sequence[int], terms: Terms) -> tuple[list[Candidate], list[float]]:  # noqa: ARG002
        """Return the turns at these places, and of each the sum of the weights of the terms that it has."""
        sums: list[float] = self._scores[np.array(numbers, np.int64)].tolist()
        return self._session.candidates(numbers), sums

    def has(self, numbers: Sequence[int]) -> NDArray[np.bool_]:
        """Return in a row for each of ``numbers`` which of the terms it has."""
        return np.ascontiguousarray(self._has[:, np.array(numbers)].T)

    def in_file(self, turn: Candidate) -> int:
        """Return the number that ``turn`` has in the file: here it is known by its place."""
        return self._session.number(turn.number)

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
            rows = connection.execute(_TURNS, (session,)).fetchall()
            words = [row[4] for row in rows]
            if all(words):  # else there are turns that nobody has cut yet
                found = ResidentSession([row[:4] for row in rows], words, [row[5] for row in rows])
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
