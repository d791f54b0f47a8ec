"""Replies by what was asked rather than by how: a question that means the same as an earlier one gets its reply.

A question is served only where all of this holds: it stands alone (`standing`: nothing in it points to what was said
before, to the person, to the moment or to chance), the scope is the same to the letter (`scopes`: whose it is, and all
else the reply depends on), its vector lies as near as the measured curve demands (`thresholds`), and the gate finds
nothing in the wording that tells the two apart (`gate`). Each alone is known to fail: vectors hardly see a number, a
name or a "not", and no wording shows that another person asks.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import Literal, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from systems.engines.interface import EmbeddingEngine
from systems.errors import BadInput
from systems.interface import Reply
from systems.tiered.semantic.gate import Gate
from systems.tiered.semantic.hyperplanes import Hyperplanes
from systems.tiered.semantic.standing import stands_alone
from systems.tiered.semantic.thresholds import Threshold, threshold_of
from systems.tiered.semantic.wording import Wording

Search = Literal["exact", "hashed"]

# A question longer than this is a text to work on, and rarely asked twice; characters.
_LONGEST = 400
# Questions whose vectors are remembered between asking and storing the reply.
_ASKED = 64
_BEYOND_LATIN = "\u0370"  # Greek begins here
# What Python keeps for an entry beside its texts and its vector: objects, sets of short words, rows of tables; bytes.
_BESIDE = 2048


class Hit(NamedTuple):
    """A stored reply, the question it was made for, and how near that lies: 1 is the same."""

    reply: Reply
    question: str
    similarity: float


class _Entry(msgspec.Struct):
    scope: str
    question: str
    reply: Reply
    wording: Wording
    vector: NDArray[np.float32]
    size: int
    expires: float


class SemanticCache:
    """At most ``capacity`` replies and ``max_bytes``; the one not asked for the longest leaves first.

    ``threshold`` is how near and how alike two questions must be; None means what was measured for this encoder
    (`threshold_of`, which raises `BadInput` where nothing was). The encoder must be loaded, and stays the caller's to
    close. ``search`` "hashed" compares with what lies on the same side of random hyperplanes, "exact" with all of the
    scope. A reply is served for ``seconds``. Any thread may call; `get` and `put` make a vector, which takes
    milliseconds, so a loop calls them on a thread.

    What was made from the person's notes, or after something was forgotten, must not be stored: see `put`.
    """

    def __init__(
        self,
        encoder: EmbeddingEngine,
        *,
        threshold: Threshold | None = None,
        capacity: int = 1000,
        max_bytes: int = 16 * 2**20,
        seconds: float = 1800.0,
        search: Search = "exact",
        gate: Gate | None = None,
        seed: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if capacity < 0 or max_bytes < 0 or seconds <= 0:
            raise BadInput("A semantic cache needs a capacity and a bound of bytes that are not negative, and time.")
        self._threshold = threshold_of(encoder.identity) if threshold is None else threshold
        self._encoder = encoder
        self._capacity, self._max_bytes, self._seconds = capacity, max_bytes, seconds
        self._gate = gate or Gate(least_shared=self._threshold.least_shared)
        self._clock = clock
        self._seed, self._search = seed, search
        self._planes: Hyperplanes | None = None
        self._entries: OrderedDict[int, _Entry] = OrderedDict()
        self._of_scope: dict[str, set[int]] = {}
        self._of_words: dict[tuple[str, str], int] = {}
        self._numbers = 0
        self._bytes = 0
        self._asked: OrderedDict[str, NDArray[np.float32]] = OrderedDict()
        self._lock = threading.Lock()
        self.cleared = 0
        self.counts: Counter[str] = Counter()
        """How often a question was a "hit" or a "miss", "refused" as it leans on others, or "gated" though near."""

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def bytes(self) -> int:
        """Bytes held: texts, vectors and an allowance for the objects around them."""
        return self._bytes

    @property
    def capacity(self) -> int:
        """How many replies it holds at most."""
        return self._capacity

    def resize(self, capacity: int) -> None:
        """Hold at most ``capacity`` replies from now on; those asked for the longest ago leave."""
        with self._lock:
            self._capacity = max(0, capacity)
            self._evict()

    def may_serve(self, question: str) -> bool:
        """Return whether ``question`` is one that may be served, or whose reply may be stored, at all."""
        if len(question) > _LONGEST or not stands_alone(question):
            return False
        return not self._encoder.latin_only or max(question, default="") < _BEYOND_LATIN

    def get(self, scope: str, question: str) -> Hit | None:
        """Return the nearest reply that may be served for ``question``, or None. Raises `EngineError`."""
        if not self.may_serve(question):
            self._count("refused")
            return None
        with self._lock:
            if (same := self._asked_before(scope, question)) is not None:
                return same
            if scope not in self._of_scope:  # nothing to compare with: the vector waits until there is a reply
                self.counts["miss"] += 1
                return None
        vector = self._vector(question)
        wording = Wording.of(question)
        with self._lock:
            return self._nearest(scope, wording, vector)

    def put(self, scope: str, question: str, reply: Reply, *, cleared: int | None = None) -> None:
        """Store ``reply`` as that to ``question``, unless it may not be served. Raises `EngineError`.

        ``cleared`` is what `cleared` was when the question came: if something was forgotten since, the reply may know
        it, and is not stored. Nor is one that was cut off, that went without something, or that used notes: who asks
        again may have other notes by then.
        """
        whole = reply.finish_reason == "stop" and not reply.degraded and not reply.dropped_messages
        if not whole or reply.memories or not self.may_serve(question):
            return
        vector = self._vector(question)
        size = _BESIDE + vector.nbytes + 4 * (len(scope) + 2 * len(question) + len(reply.text))
        if self._capacity <= 0 or size > self._max_bytes // 8:  # one long answer must not empty the cache
            return
        entry = _Entry(scope, question, reply, Wording.of(question), vector, size, self._clock() + self._seconds)
        with self._lock:
            if cleared is not None and cleared != self.cleared:
                return
            if (known := self._of_words.get((scope, question))) is not None:
                self._drop(known)
            self._add(entry)
            self._evict()

    def forget(self, scope: str) -> None:
        """Let go of every reply of ``scope``."""
        with self._lock:
            for number in list(self._of_scope.get(scope, ())):
                self._drop(number)

    def clear(self) -> None:
        """Let go of every reply and every remembered question, and of what is being made just now (`put`)."""
        with self._lock:
            for number in list(self._entries):
                self._drop(number)
            self._asked.clear()
            self.cleared += 1

    def _vector(self, question: str) -> NDArray[np.float32]:
        with self._lock:
            if (known := self._asked.get(question)) is not None:
                self._asked.move_to_end(question)
                return known
            cleared = self.cleared
        # A question is compared with questions: both are read as the same kind of text.
        vector: NDArray[np.float32] = self._encoder.embed([question], "query").vectors[0]
        with self._lock:
            if cleared == self.cleared:
                self._asked[question] = vector
                if len(self._asked) > _ASKED:
                    self._asked.popitem(last=False)
        return vector

    def _asked_before(self, scope: str, question: str) -> Hit | None:
        """Return the reply to these very words, which need no vector."""
        number = self._of_words.get((scope, question))
        if number is None or self._entries[number].expires <= self._clock():
            return None
        self._entries.move_to_end(number)
        self.counts["hit"] += 1
        return Hit(self._entries[number].reply, question, 1.0)

    def _nearest(self, scope: str, wording: Wording, vector: NDArray[np.float32]) -> Hit | None:
        now = self._clock()
        for number in [each for each in self._of_scope.get(scope, ()) if self._entries[each].expires <= now]:
            self._drop(number)
        numbers = list(self._candidates(scope, vector))
        if numbers:
            similar = np.stack([self._entries[number].vector for number in numbers]) @ vector
            near = False
            for place in np.argsort(-similar):
                if similar[place] < self._threshold.similarity:
                    break
                near = True
                entry = self._entries[numbers[place]]
                if self._gate.difference(entry.wording, wording) is None:
                    self._entries.move_to_end(numbers[place])
                    self.counts["hit"] += 1
                    return Hit(entry.reply, entry.question, float(similar[place]))
            if near:
                self.counts["gated"] += 1
        self.counts["miss"] += 1
        return None

    def _candidates(self, scope: str, vector: NDArray[np.float32]) -> set[int]:
        of_scope = self._of_scope.get(scope, set())
        if self._search == "exact" or self._planes is None:
            return of_scope
        return of_scope & self._planes.near(vector)

    def _add(self, entry: _Entry) -> None:
        self._numbers += 1
        self._entries[self._numbers] = entry
        self._of_scope.setdefault(entry.scope, set()).add(self._numbers)
        self._of_words[entry.scope, entry.question] = self._numbers
        self._bytes += entry.size
        if self._search == "hashed":
            if self._planes is None:
                self._planes = Hyperplanes(len(entry.vector), seed=self._seed)
            self._planes.add(self._numbers, entry.vector)

    def _evict(self) -> None:
        while self._entries and (len(self._entries) > self._capacity or self._bytes > self._max_bytes):
            self._drop(next(iter(self._entries)))

    def _drop(self, number: int) -> None:
        entry = self._entries.pop(number)
        del self._of_words[entry.scope, entry.question]
        of_scope = self._of_scope[entry.scope]
        of_scope.remove(number)
        if not of_scope:
            del self._of_scope[entry.scope]
        if self._planes is not None:
            self._planes.remove(number, entry.vector)
        self._bytes -= entry.size

    def _count(self, what: str) -> None:
        with self._lock:
            self.counts[what] += 1
