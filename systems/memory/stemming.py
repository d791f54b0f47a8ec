"""English words in the one form they are looked up by; words of other scripts as they are."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

# Words whose stems are remembered: a vocabulary, in about a megabyte.
_REMEMBERED = 8192


@lru_cache(_REMEMBERED)
def stem(word: str) -> str:
    """Return the stem of an English ``word`` in lower case (Snowball's English stemmer); any other word as it is."""
    return _stemmer()(word) if word.isascii() and word.isalpha() else word


@lru_cache(1)
def _stemmer() -> Callable[[str], str]:
    import Stemmer

    stem_word: Callable[[str], str] = Stemmer.Stemmer("english", 0).stemWord
    return stem_word
