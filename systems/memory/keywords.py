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

# Blocks whose words are remembered: a vocabulary, in about a megabyte.
_REMEMBERED = 4096


class Keywords:
    """jieba's TF-IDF keywords and word segmentation. `load` first; the others may then be called from any thread."""

    def __init__(self) -> None:
        self._blocks: Callable[[str], list[str]] | None = None
        self._words: Callable[[str], tuple[str, ...]] | None = None
        self._extract: Any = None

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
        self._words = lru_cache(_REMEMBERED)(lambda block: tuple(tokenizer.cut(block)))
        extractor = jieba.analyse.TFIDF()
        extractor.tokenizer = _AlreadyCut()
        self._extract = partial(extractor.extract_tags, topK=EXTRACTED, withWeight=True)

    def analyse(self, text: str) -> tuple[list[str], list[str]]:
        """Return what `extract` and `segment` return of ``text``, which is cut into words once."""
        words = self._cut(text)
        return self._keywords(words), _without_punctuation(words)

    def extract(self, text: str) -> list[str]:
        """Return the best keywords of ``text``, heaviest first, in lower case, each once."""
        return self._keywords(self._cut(text))

    def segment(self, text: str) -> list[str]:
        """Return the words of ``text`` in order, in lower case, without punctuation."""
        return _without_punctuation(self._cut(text))

    def _keywords(self, words: list[str]) -> list[str]:
        weighted = sorted(self._extract(words), key=lambda pair: (-pair[1], pair[0]))
        return list(dict.fromkeys(word.lower() for word, _ in weighted))[:KEPT]

    def _cut(self, text: str) -> list[str]:
        """Return jieba's words of ``text``.

        jieba cuts each block (an English word, a Chinese clause) for itself, the same way every time, and slowly.
        """
        if self._blocks is None or self._words is None:
            raise RuntimeError("Keywords are used before they are loaded.")
        return [word for block in self._blocks(text) if block for word in self._words(block)]


class _AlreadyCut:
    """Stands where jieba's TF-IDF has its tokenizer: what it is given is cut into words already."""

    @staticmethod
    def cut(words: list[str]) -> list[str]:
        return words


def _without_punctuation(words: list[str]) -> list[str]:
    return [word.lower() for word in words if _WORD.search(word)]
