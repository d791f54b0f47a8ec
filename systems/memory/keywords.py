"""Keyword extraction and segmentation with jieba, for Chinese and English.

jieba costs about half a second and 70 MB to load, so it is loaded by `load`, when the system that holds it says so.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

# The published turn extracts the five best keywords and keeps three.
EXTRACTED = 5
KEPT = 3

_WORD = re.compile(r"\w+")
_CHINESE = re.compile(r"[\u4e00-\u9fd5]+")

# Blocks whose words are remembered: a vocabulary, in about a megabyte.
_REMEMBERED = 4096


class Keywords:
    """jieba's TF-IDF keywords and word segmentation. `load` first; the others may then be called from any thread."""

    def __init__(self) -> None:
        self._blocks: Callable[[str], list[str]] | None = None
        self._words: Callable[[str], tuple[str, ...]] | None = None
        self._extract: Any = None
        self._never_keywords: frozenset[str] = frozenset()

    def load(self) -> None:
        """Load jieba's dictionary and frequencies; a second call does nothing."""
        if self._extract is not None:
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
        self._blocks = jieba.re_han_default.split
        self._words = lru_cache(_REMEMBERED)(_Cutter(tokenizer))
        extractor = jieba.analyse.TFIDF()
        extractor.tokenizer = _AlreadyCut()
        self._never_keywords = frozenset(extractor.stop_words)
        self._extract = partial(extractor.extract_tags, topK=EXTRACTED, withWeight=True)

    def analyse(self, text: str) -> tuple[list[str], list[str]]:
        """Return what `extract` and `segment` return of ``text``, which is cut into words once."""
        words = self._cut(text)
        return self._keywords(words), self._worth_indexing(words)

    def extract(self, text: str) -> list[str]:
        """Return the best keywords of ``text``, heaviest first, in lower case, each once."""
        return self._keywords(self._cut(text))

    def segment(self, text: str) -> list[str]:
        """Return the words of ``text`` that can be keywords, in order, in lower case."""
        return self._worth_indexing(self._cut(text))

    def _keywords(self, words: list[str]) -> list[str]:
        weighted = sorted(self._extract(words), key=lambda pair: (-pair[1], pair[0]))
        return list(dict.fromkeys(word.lower() for word, _ in weighted))[:KEPT]

    def _worth_indexing(self, words: list[str]) -> list[str]:
        """Return ``words`` without those that jieba never extracts: nobody looks them up."""
        never = self._never_keywords
        return [
            lowered
            for word in words
            if len(word.strip()) > 1 and (lowered := word.lower()) not in never and _WORD.search(word)
        ]

    def _cut(self, text: str) -> list[str]:
        """Return jieba's words of ``text``.

        jieba cuts each block (an English word, a Chinese clause) for itself, the same way every time, and slowly.
        """
        if self._blocks is None or self._words is None:
            raise RuntimeError("Keywords are used before they are loaded.")
        return [word for block in self._blocks(text) if block for word in self._words(block)]


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


class _AlreadyCut:
    """Stands where jieba's TF-IDF has its tokenizer: what it is given is cut into words already."""

    @staticmethod
    def cut(words: list[str]) -> list[str]:
        return words
