"""Which words are in which of some texts: of every word, by a hash of it, the places of the texts that have it."""

from __future__ import annotations

from collections.abc import Sequence

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
        words = b" ".join(texts).split(b" ") if texts else []
        hashes = np.fromiter(map(hash, words), np.int64, len(words)).view(np.uint64) << np.uint64(_PLACE_BITS)
        counts = [text.count(b" ") + 1 for text in texts]
        self.words = len(words)
        self._texts = len(texts)
        self._arrange(hashes | np.repeat(np.arange(len(texts), dtype=np.uint64), counts))
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
        at, places = self._apart_places(list(self._apart.values()))
        added = np.fromiter(self._apart, np.uint64, len(self._apart)) << np.uint64(_PLACE_BITS)
        self._arrange(np.concatenate((words | self._places, added[at] | places.astype(np.uint64))))
        self._apart.clear()
        self._arranged = self._texts

    def _apart_places(self, bits: Sequence[int]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the places of the texts that ``bits`` stand for, and before that of each which of these it is."""
        apart = np.arange(self._texts - self._arranged)
        which, places = (np.array(bits)[:, None] >> apart & 1).nonzero()
        return which, places + self._arranged

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
        hashes = [hash(word) & _HASH for word in words]
        asked = np.array(hashes, np.uint64)
        at = postings._words.searchsorted(asked)
        self._first = postings._starts[at]
        # Of a word that is not there, what begins at its place is no part of it.
        self._counts = postings._starts[at + (postings._words[at] == asked)] - self._first
        apart = postings._apart
        self._apart = [apart.get(short, 0) for short in hashes] if apart else []
        self._postings = postings

    def counts(self) -> list[int]:
        """Return in how many texts each word is."""
        counts: list[int] = self._counts.tolist()
        if self._apart:
            return [count + bits.bit_count() for count, bits in zip(counts, self._apart, strict=True)]
        return counts

    def having(self, words: Sequence[int]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return of those of the ``words`` asked the texts that have one, and beside each which of them it has."""
        asked = np.array(words)
        first, counts = self._first[asked], self._counts[asked]
        ends = counts.cumsum()
        at = (first - ends + counts).repeat(counts)
        at += np.arange(len(at))
        texts = self._postings._places[at].astype(np.int64)
        which = np.arange(len(counts)).repeat(counts)
        if not self._apart:
            return texts, which
        more, places = self._postings._apart_places([self._apart[word] for word in words])
        return np.concatenate((texts, places)), np.concatenate((which, more))
