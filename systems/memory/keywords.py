"""Keyword extraction and segmentation with jieba, for Chinese and English.

jieba costs about half a second and 70 MB to load, so it is loaded by `load`, when the system that holds it says so.
"""

from __future__ import annotations

import logging
import os
import re
from collections import Counter
from collections.abc import Callable
from functools import lru_cache
from itertools import chain
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

# The published turn extracts the five best keywords and keeps three.
EXTRACTED = 5
KEPT = 3

_WORD = re.compile(r"\w+")
_CHINESE = re.compile(r"[\u4e00-\u9fd5]+")

# Blocks whose words are remembered: a vocabulary, in about a megabyte.
_REMEMBERED = 4096


class _Block(NamedTuple):
    """The words of one block: those that may become keywords, as they are written, and those worth an index entry."""

    candidates: tuple[str, ...]
    indexed: tuple[str, ...]


class Keywords:
    """jieba's TF-IDF keywords and word segmentation. `load` first; the others may then be called from any thread.

    jieba cuts each block (an English word, a Chinese clause) for itself, the same way every time, and slowly: what
    became of a block is remembered.
    """

    def __init__(self) -> None:
        self._split: Callable[[str], list[str]] | None = None
        self._block: Callable[[str], _Block] | None = None
        self._frequencies: dict[str, float] = {}
        self._median_frequency = 0.0

    def load(self) -> None:
        """Load jieba's dictionary and frequencies; a second call does nothing."""
        if self._block is not None:
            return
        import jieba
        import jieba.analyse

        jieba.setLogLevel(logging.WARNING)
        tokenizer = jieba.Tokenizer()
        # jieba keeps a parsed copy of its dictionary in a temporary folder; a lab must say where, so that no
        # trial is faster because another one wrote the copy.
        if folder := os.environ.get("FOURGIG_JIEBA_CACHE"):
            Path(folder).mkdir(parents=True, exist_ok=True)
            tokenizer.tmp_dir = folder
        tokenizer.initialize()
        extractor = jieba.analyse.TFIDF()
        self._frequencies, self._median_frequency = extractor.idf_freq, extractor.median_idf
        self._split = jieba.re_han_default.split
        cut, never = _Cutter(tokenizer), frozenset(extractor.stop_words)

        def block(text: str) -> _Block:
            # jieba's own rule for what may become a keyword.
            candidates = [word for word in cut(text) if len(word.strip()) > 1 and word.lower() not in never]
            return _Block(tuple(candidates), tuple(word.lower() for word in candidates if _WORD.search(word)))

        self._block = lru_cache(_REMEMBERED)(block)

    def analyse(self, text: str) -> tuple[list[str], list[str]]:
        """Return what `extract` and `segment` return of ``text``, which is cut into words once."""
        blocks = self._cut(text)
        return self._keywords(blocks), _indexed(blocks)

    def extract(self, text: str) -> list[str]:
        """Return the best keywords of ``text``, heaviest first, in lower case, each once."""
        return self._keywords(self._cut(text))

    def segment(self, text: str) -> list[str]:
        """Return the words of ``text`` that can be keywords, in order, in lower case: nobody looks others up."""
        return _indexed(self._cut(text))

    def _cut(self, text: str) -> list[_Block]:
        if self._split is None or self._block is None:
            raise RuntimeError("Keywords are used before they are loaded.")
        return [self._block(block) for block in self._split(text) if block]

    def _keywords(self, blocks: list[_Block]) -> list[str]:
        # jieba's extraction, of words cut already: the frequency of a word in the text times its rarity elsewhere.
        times = Counter(chain.from_iterable(block.candidates for block in blocks))
        total = times.total()
        frequency, median = self._frequencies.get, self._median_frequency
        weighed = [(count * (frequency(word, median) / total), word) for word, count in times.items()]
        weighed.sort(key=itemgetter(0), reverse=True)
        best = sorted(weighed[:EXTRACTED], key=lambda pair: (-pair[0], pair[1]))
        return list(dict.fromkeys(word.lower() for _, word in best))[:KEPT]


def _indexed(blocks: list[_Block]) -> list[str]:
    return list(chain.from_iterable(block.indexed for block in blocks))


class _Cutter:
    """Cuts blocks into jieba's words, remembering what its hidden Markov model made of runs it has no word for.

    Running the model is half of jieba's time, and the runs, mostly of particles and pronouns, come again and again.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._unknown = lru_cache(_REMEMBERED)(self._cut_unknown)

    def __call__(self, block: str) -> tuple[str, ...]:
        if not _CHINESE.fullmatch(block):
            return tuple(self._tokenizer.cut(block))
        words: list[str] = []
        run = ""
        for word in (*self._tokenizer.cut(block, HMM=False), ""):
            if len(word) == 1:
                run += word
                continue
            words += self._unknown(run)
            run = ""
            words.append(word)
        return tuple(words[:-1])

    def _cut_unknown(self, run: str) -> tuple[str, ...]:
        from jieba import finalseg

        # A run of single characters that is a word as a whole is jieba's exception to its own rule.
        if len(run) < 2 or self._tokenizer.FREQ.get(run):
            return tuple(run)
        return tuple(finalseg.cut(run))
