"""Runs of scripts that put no spaces between words: every two characters that stand together are a term.

A word of Chinese, of a Chinese character in Japanese, or of a syllable of Khmer or Burmese can be one character, so
each of these is a term as well. So is the first syllable of a short Korean word, which may be a noun and its particle.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from importlib.util import find_spec
from itertools import pairwise
from operator import add

from systems.memory.compounds import Cut
from systems.memory.stopwords import CHARACTERS, ENDINGS, PARTICLES, PHRASES

_HAN = "\u3005-\u3007\u3021-\u3029\u3038-\u303b\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_HIRAGANA = "\u3041-\u309f\u30fc"  # and the sign of a long vowel
_KATAKANA = "\u30a1-\u30ff\u31f0-\u31ff"
_HANGUL = "\u1100-\u11ff\u3130-\u318f\ua960-\ua97f\uac00-\ud7ff"
_SYLLABLES = "\u1000-\u109f\u1780-\u17ff\ua9e0-\ua9ff\uaa60-\uaa7f"  # Burmese, Khmer
_SPELLED = "\u0e00-\u0eff\U0001f1e6-\U0001f1ff"  # Thai, Lao, and flags, which are spelled in two letters
RUN = re.compile(
    # An inflected word of Japanese begins with a Chinese character and ends in Hiragana.
    f"(?P<han>[{_HAN}{_HIRAGANA}]+)|(?P<katakana>[{_KATAKANA}]+)|(?P<hangul>[{_HANGUL}]+)"
    f"|(?P<syllables>[{_SYLLABLES}]+)|(?P<spelled>[{_SPELLED}]+)"
)
IS_HAN = re.compile(f"[{_HAN}]")
_IS_HIRAGANA = re.compile(f"[{_HIRAGANA}]")

# People write the same word in either.
_AS_HIRAGANA = {code: code - 0x60 for code in range(0x30A1, 0x30F7)}

# Vowels and tones written around a consonant, and the signs that put the next consonant below it.
_AROUND = (
    "\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u0eb1\u0eb4-\u0ebc\u0ec8-\u0ece\u102b-\u1038\u103a-\u103e\u1056-\u1059"
    "\u105e-\u1060\u1062-\u1064\u1067-\u106d\u1071-\u1074\u1082-\u108d\u108f\u109a-\u109d\u17b4-\u17d1\u17d3\u17dd"
)
_MOST_AROUND = 8
_CLUSTER = re.compile(f".(?:[\u1039\u17d2].|[{_AROUND}]){{0,{_MOST_AROUND}}}")


def cut(kind: str | None, run: str) -> Cut:
    """Return the terms of ``run``, which is of the ``kind`` that `RUN` names it."""
    if kind == "han":
        return _japanese(run) if _IS_HIRAGANA.search(run) else _chinese(run)
    if kind == "katakana":
        terms = _pairs(run.translate(_AS_HIRAGANA)) or [run]
        return Cut(terms, terms)
    if kind == "hangul":
        return _korean(run)
    clusters = _CLUSTER.findall(run)
    terms = _pairs(clusters)
    if kind == "syllables" or not terms:
        terms += clusters
    return Cut(terms, terms)


def _pairs(characters: Sequence[str]) -> list[str]:
    return list(map(add, characters, characters[1:]))


def _korean(run: str) -> Cut:
    terms = _pairs(run) or [run]
    worth = [term for term in terms if term not in ENDINGS]
    if 2 <= len(run) <= 3:
        terms.append(run[0])
        if run[:2] not in ENDINGS:
            worth.append(run[0])
    return Cut(terms, worth)


def _chinese(run: str) -> Cut:
    simple = run.translate(_simplified())
    # How much of an answer is known by each: 1, a character of substance; 0, one of grammar, which may be a word with
    # one of substance; -1, no part of any word.
    says = [0 if character in CHARACTERS else 1 for character in simple]
    for phrase in PHRASES.finditer(simple):
        says[phrase.start() : phrase.end()] = [-1] * len(phrase[0])
    says += map(add, says, says[1:])  # of the pairs
    terms = [*run, *_pairs(run)]
    worth = [term for term, much in zip(terms, says, strict=True) if much > 0]
    if simple != run:
        # Both are kept: what was found as it was written still is where nothing can be simplified, and where it can.
        both = list(zip(terms, [*simple, *_pairs(simple)], says, strict=True))
        terms += [term for written, term, _ in both if term != written]
        worth += [term for written, term, much in both if term != written and much > 0]
    return Cut(terms, worth)


def _japanese(run: str) -> Cut:
    kana = [_IS_HIRAGANA.match(character) is not None for character in run]
    found = Cut([], [])
    for part in IS_HAN.findall(run) if len(run) > 1 else [run]:
        found.every.append(part)
        found.worth.append(part)
    for place, (first, second) in enumerate(pairwise(run)):
        pair = first + second
        found.every.append(pair)
        follows = second in PARTICLES and not kana[place]
        leads = first in PARTICLES and kana[place] and (not kana[place + 1] or second in PARTICLES)
        if not follows and not leads and pair not in ENDINGS:
            found.worth.append(pair)
    return found


@lru_cache(1)
def _simplified() -> dict[int, str]:
    """Return the simpler form of each character that has one; none where OpenCC is not installed."""
    if find_spec("opencc") is None:
        return {}
    import opencc

    characters = [chr(code) for first, end in ((0x3400, 0x4DC0), (0x4E00, 0xA000)) for code in range(first, end)]
    # Each on a line of its own, so that it is not taken for a part of a phrase. OpenCC itself is not kept.
    simpler = opencc.OpenCC("t2s").convert("\n".join(characters)).split("\n")
    return {ord(one): other for one, other in zip(characters, simpler, strict=True) if one != other and len(other) == 1}
