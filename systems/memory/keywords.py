"""The published keywords of a text: jieba's, for Chinese and English.

Dictionaries cost time and memory to load, so they are loaded by `load`, when the system that holds them says so.
"""

from __future__ import annotations

import logging
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable
from functools import lru_cache
from importlib.util import find_spec
from itertools import chain
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

from systems.errors import StoreError

# The published turn extracts the five best keywords and keeps three.
EXTRACTED = 5
KEPT = 3

_COMPOUND = re.compile(r"[-._]")
_PART = re.compile(r"([a-zA-Z0-9]+(?:\.\d+)?%?)")  # jieba's
_CHINESE = re.compile(r"[\u4e00-\u9fd5]+")
# Rare characters, each a word of its own for jieba. Its Rust twin, which knows more of Chinese, joins them to others.
_RARE = re.compile("[\u3400-\u4dbf\u9fd6-\u9fff\uf900-\ufaff\U00020000-\U0002ebef\U0002f800-\U0002fa1f]")

# jieba's stop words.
_NEVER = frozenset(
    "the of is and to in that we for an are by be as on with can if from which you it this then at have all not one"
    " has or that".split()
)

# Words and blocks that are remembered: a vocabulary, in about a megabyte.
_REMEMBERED = 4096


class _Word(NamedTuple):
    """What may become a keyword: as written, as looked up, and how rare it is."""

    written: str
    lower: str
    rarity: float


class Keywords:
    """jieba's TF-IDF keywords. `load` first; `extract` may then be called from any thread.

    Cut by jieba itself, the traditional way; or, ``fast``, into the same words by its Rust twin, with jieba's
    frequencies but without the rest of jieba.
    """

    def __init__(self, *, fast: bool = False) -> None:
        self._fast = fast
        self._split: Callable[[str], Iterable[str]] | None = None
        self._frequencies: dict[str, float] = {}
        self._median_frequency = 0.0
        self._remembered = lru_cache(_REMEMBERED)(self._candidate)

    def load(self) -> None:
        """Load the dictionary and the frequencies; a second call does nothing. Raises `StoreError`."""
        if self._split is None:
            self._frequencies, self._median_frequency, self._split = _rust() if self._fast else _jieba()

    def extract(self, text: str) -> list[str]:
        """Return the best keywords of ``text``, heaviest first, in lower case, each once."""
        return _keywords(self._cut(text))

    def cut(self, text: str) -> list[str]:
        """Return the words of ``text`` that can be keywords, in order, in lower case."""
        return [word.lower for word in self._cut(text)]

    def _cut(self, text: str) -> list[_Word]:
        if self._split is None:
            raise RuntimeError("Keywords are used before they are loaded.")
        return [word for word in map(self._remembered, self._split(text)) if word is not None]

    def _candidate(self, word: str) -> _Word | None:
        """Return what may become a keyword by jieba's own rule, None for the rest."""
        lower = word.lower()
        if len(word.strip()) < 2 or lower in _NEVER:
            return None
        rarity = self._frequencies.get(word, self._median_frequency)
        return _Word(word, lower, rarity)


def _keywords(words: list[_Word]) -> list[str]:
    # jieba's extraction, of words cut already: the frequency of a word in the text times its rarity elsewhere.
    total = len(words)
    weighed = [(times * (word.rarity / total), word) for word, times in Counter(words).items()]
    weighed.sort(key=itemgetter(0), reverse=True)
    best = sorted(weighed[:EXTRACTED], key=lambda pair: (-pair[0], pair[1].written))
    return list(dict.fromkeys([word.lower for _, word in best]))[:KEPT]


# How often each word occurs elsewhere, how often the median one, and what cuts a text into words.
_Loaded = tuple[dict[str, float], float, Callable[[str], Iterable[str]]]


def _jieba() -> _Loaded:
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
    # jieba cuts each block (an English word, a Chinese clause) for itself, the same way every time, and slowly: what
    # became of a block is remembered.
    split, cut = jieba.re_han_default.split, lru_cache(_REMEMBERED)(_Cutter(tokenizer))
    return extractor.idf_freq, extractor.median_idf, lambda text: chain.from_iterable(map(cut, split(text)))


def _rust() -> _Loaded:
    import rjieba

    rjieba.cut("今天")  # the dictionary is parsed at its first use
    frequencies = _frequencies()

    def cut(text: str) -> Iterable[str]:
        words = rjieba.cut(_RARE.sub(" ", text))  # a word of one character is no keyword, nor is a space
        if not _COMPOUND.search(text):
            return words
        # jieba takes "well-known" apart, its Rust twin does not.
        return chain.from_iterable(_PART.split(word) if _COMPOUND.search(word) else [word] for word in words)

    return frequencies, sorted(frequencies.values())[len(frequencies) // 2], cut


def _frequencies() -> dict[str, float]:
    """Read jieba's inverse document frequencies, without importing jieba, which would load three dictionaries."""
    found = find_spec("jieba")
    if found is None or not found.submodule_search_locations:
        raise StoreError("The jieba package, whose frequencies weigh the keywords, is not installed.")
    table = Path(found.submodule_search_locations[0]) / "analyse" / "idf.txt"
    number = lru_cache(None)(float)  # few values, many words
    with table.open(encoding="utf-8") as lines:
        return {word: number(value) for word, _, value in (line.partition(" ") for line in lines)}


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
