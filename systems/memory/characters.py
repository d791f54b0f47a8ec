"""Runs of scripts that put no spaces between words: every two characters that stand together are a term.

A word of Chinese, of a Chinese character in Japanese, or of a syllable of Khmer or Burmese can be one character, so
each of these is a term as well. So is the first syllable of a short Korean word, which may be a noun and its particle.
"""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.util import find_spec
from itertools import compress, pairwise

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

# Vowels and tones written around a consonant, and the signs that put the next consonant below it.
_AROUND = (
    "\u0e31\u0e33-\u0e3a\u0e47-\u0e4e\u0eb1\u0eb3-\u0ebc\u0ec8-\u0ece\u102b-\u1038\u103a-\u103e\u1056-\u1059"
    "\u105e-\u1060\u1062-\u1064\u1067-\u106d\u1071-\u1074\u1082-\u108d\u108f\u109a-\u109d\u17b4-\u17d1\u17d3\u17dd"
)
_CLUSTER = re.compile(f".(?:[\u1039\u17d2].|[{_AROUND}])*")


def cut(kind: str | None, run: str) -> Cut:
    """Return the terms of ``run``, which is of the ``kind`` that `RUN` names it."""
    if kind == "han":
        return _japanese(run) if _IS_HIRAGANA.search(run) else _chinese(run)
    characters = list(run) if kind in ("hangul", "katakana") else _CLUSTER.findall(run)
    terms = [one + other for one, other in pairwise(characters)]
    if kind == "syllables" or not terms:
        terms += characters
    worth = [term for term in terms if term not in ENDINGS]
    if kind == "hangul" and 2 <= len(run) <= 3:
        terms.append(run[0])
        if run[:2] not in ENDINGS:
            worth.append(run[0])
    return Cut(terms, worth)


def _chinese(run: str) -> Cut:
    simple = run.translate(_simplified())
    # What no answer is known by: 1, a character of grammar, which with another may be a word; 2, no part of any.
    empty = [1 if character in CHARACTERS else 0 for character in simple]
    for phrase in PHRASES.finditer(simple):
        empty[phrase.start() : phrase.end()] = [2] * len(phrase[0])
    one = [not says for says in empty]
    two = [first + second < 2 for first, second in pairwise(empty)]
    pairs = [first + second for first, second in pairwise(run)]
    found = Cut([*run, *pairs], [*compress(run, one), *compress(pairs, two)])
    if simple != run:
        # Both are kept: what was found by the characters that were written still is, whether they can be simplified.
        for terms, simpler, worth in (
            (list(run), list(simple), one),
            (pairs, [first + second for first, second in pairwise(simple)], two),
        ):
            other = [term != same for term, same in zip(simpler, terms, strict=True)]
            found.every.extend(compress(simpler, other))
            found.worth.extend(term for term, new, asked in zip(simpler, other, worth, strict=True) if new and asked)
    return found


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
    return {ord(one): other for one, other in zip(characters, simpler, strict=True) if one != other}
