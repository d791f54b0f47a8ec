"""Words in the one form they are looked up by, cut by the stemmer of their script; other words as they are."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

# Words whose stems are remembered: a vocabulary, in about a megabyte.
_REMEMBERED = 8192

# The last character of each script that Snowball knows one language of well enough, and that language. Others that
# are written in the same letters are cut alike when they are saved and asked, which is what counts.
_LANGUAGES = (
    ("\u007f", "english"),
    ("\u036f", ""),
    ("\u03ff", "greek"),
    ("\u052f", "russian"),
    ("\u05ff", ""),
    ("\u06ff", "arabic"),
    ("\u08ff", ""),
    ("\u097f", "hindi"),
)


@lru_cache(_REMEMBERED)
def stem(word: str) -> str:
    """Return the stem of ``word``, which is in lower case and without accents; a word with digits as it is."""
    if word.isascii():
        return _stemmer("english")(word) if word.isalpha() else word
    language = next((name for last, name in _LANGUAGES if word[0] <= last), "")
    return _stemmer(language)(word) if language else word


@lru_cache(None)
def _stemmer(language: str) -> Callable[[str], str]:
    import Stemmer

    stem_word: Callable[[str], str] = Stemmer.Stemmer(language, 0).stemWord
    return stem_word
