"""Which words are in which of some texts: of every word, by a hash of it, the places of the texts that have it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, repeat

import numpy as np
from numpy.typing import NDArray

# Texts at most, one more than the highest place.
MOST = 1 << 12

# Of a word's hash what leaves room for a place: two words of some texts are one once in 10^9 times.
_PLACE_BITS = 12
_PLACE = MOST - 1
_HASH = (1 << 64 - _PLACE_BITS) - 1

# So many texts that were added are kept apart at most: to put them among the others takes as long as ten lookups. Kept
# apart they take ten times the memory, so of few texts it is one for each so many.
_APART, _FOR_EACH = 16, 16


class Postings:
    """The words of texts, each of which has its words with spaces between them, in UTF-8.

    ``words`` is how many the texts had that there were in the beginning, each as often as it is said.
    """

    def __init__(self, texts: Sequence[bytes]) -> None:
        cut = [text.split(b" ") for text in texts]
        counts = list(map(len, cut))
        self.words = sum(counts)
        hashes = np.fromiter(map(hash, chain.from_iterable(cut)), np.int64, self.words).view(np.uint64)
        self._texts = len(texts)
        self._arrange(hashes << np.uint64(_PLACE_BITS) | np.repeat(np.arange(len(texts), dtype=np.uint64), counts))
        # Of each word of texts that are kept apart, a bit for each of these.
        self._apart: dict[int, int] = {}
        self._arranged = self._texts

    def add(self, text: bytes) -> None:
        """Add ``text``, at the next place."""
        if self._texts - self._arranged >= min(_APART, 2 + self._arranged // _FOR_EACH):
            self._join()
        bit = 1 << self._texts - self._arranged
        apart = self._apart
        for word in text.split(b" "):
            short = hash(word) & _HASH
            apart[short] = apart.get(short, 0) | bit
        self._texts += 1

    def _join(self) -> None:
        """Put the texts that are kept apart among the others."""
        words = np.repeat(self._words[:-1], np.diff(self._starts)) << np.uint64(_PLACE_BITS)
        at, places = (np.array(list(self._apart.values()))[:, None] >> self._apart_places() & 1).nonzero()
        added = np.fromiter(self._apart, np.uint64, len(self._apart)) << np.uint64(_PLACE_BITS)
        places += self._arranged
        self._arrange(np.concatenate((words | self._places, added[at] | places.astype(np.uint64))))
        self._apart.clear()
        self._arranged = self._texts

    def _apart_places(self) -> NDArray[np.int64]:
        """Return the places of the texts that are kept apart among these."""
        return np.arange(self._texts - self._arranged)

    def _arrange(self, keys: NDArray[np.uint64]) -> None:
        """Sort ``keys``, a word and in its last bits a place each, and take them apart."""
        keys.sort()
        keys = keys[np.concatenate((np.ones(min(1, len(keys)), np.bool_), keys[1:] != keys[:-1]))]
        words = keys >> np.uint64(_PLACE_BITS)
        starts = np.flatnonzero(np.concatenate((np.ones(min(1, len(keys)), np.bool_), words[1:] != words[:-1])))
        # The last word is none: what is greater than every word is looked up there.
        self._words = np.append(words[starts], np.uint64(_HASH + 1))
        self._starts = np.append(starts, len(keys)).astype(np.int32)
        self._places = (keys & np.uint64(_PLACE)).astype(np.uint16)


class Occurrences:
    """Of each of the ``words`` asked the texts of ``postings`` that have it."""

    def __init__(self, postings: Postings, words: Sequence[bytes]) -> None:
        asked = np.fromiter(map(hash, words), np.int64, len(words)).view(np.uint64) & np.uint64(_HASH)
        at = postings._words.searchsorted(asked)
        self._first = postings._starts[at]
        # Of a word that is not there, what begins at its place is no part of it.
        self._counts = postings._starts[at + (postings._words[at] == asked)] - self._first
        # In a row for each word 1 for each of the texts that are kept apart that has it, else 0.
        bits = np.fromiter(map(postings._apart.get, asked.tolist(), repeat(0)), np.int64, len(words))
        self._apart = bits[:, None] >> postings._apart_places() & 1
        self._postings = postings

    def counts(self) -> NDArray[np.int64]:
        """Return in how many texts each word is."""
        counts: NDArray[np.int64] = self._counts + self._apart.sum(axis=1)
        return counts

    def having(self, words: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return in a row for each of those of the ``words`` asked which of the texts have it."""
        postings = self._postings
        first, counts = self._first[words], self._counts[words]
        ends = counts.cumsum()
        at = (first - ends + counts).repeat(counts)
        at += np.arange(len(at))
        has = np.zeros((len(words), postings._texts), np.bool_)
        cells = (np.arange(len(words)) * postings._texts).repeat(counts)
        cells += postings._places[at]
        has.reshape(-1)[cells] = True  # by one index, which is thrice as fast as by two
        has[:, postings._arranged :] = self._apart[words]
        return has
