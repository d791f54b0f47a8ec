"""Keyword extraction and segmentation with jieba, for Chinese and English.

jieba costs about half a second and 70 MB to load, so it is loaded by `load`, when the system that holds it says so.
"""

from __future__ import annotations

import logging
import os
import re
from functools import partial
from pathlib import Path
from typing import Any

# The published turn extracts the five best keywords and keeps three.
EXTRACTED = 5
KEPT = 3

_WORD = re.compile(r"\w+")


class Keywords:
    """jieba's TF-IDF keywords and word segmentation. `load` first; both may then be called from any thread."""

    def __init__(self) -> None:
        self._tokenizer: Any = None
        self._extract: Any = None

    def load(self) -> None:
        """Load jieba's dictionary and frequencies; a second call does nothing."""
        if self._tokenizer is not None:
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
        extractor.tokenizer = tokenizer
        self._extract = partial(extractor.extract_tags, topK=EXTRACTED, withWeight=True)
        self._tokenizer = tokenizer

    def extract(self, text: str) -> list[str]:
        """Return the best keywords of ``text``, heaviest first, in lower case, each once."""
        weighted = sorted(self._extract(text), key=lambda pair: (-pair[1], pair[0]))
        return list(dict.fromkeys(word.lower() for word, _ in weighted))[:KEPT]

    def segment(self, text: str) -> list[str]:
        """Return the words of ``text`` in order, in lower case, without punctuation."""
        return [word.lower() for word in self._tokenizer.cut(text) if _WORD.search(word)]
