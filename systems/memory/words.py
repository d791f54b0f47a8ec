"""Cuts any text into the terms that the full-text index keeps, in every script, without a dictionary.

Scripts that put spaces between words are cut at what is no letter (`compounds`). Of those that put none, every two
characters that stand together are a term, and of Chinese and of others that write a word with one character, every
character too. Both what is saved and what is asked is cut so; what `asked` leaves out is what says nothing.

Traditional Chinese is found by simplified, and the other way round, where OpenCC is installed: a character that has a
simpler form is kept in both. Without it, all is found as it was written, also what was saved with it.
"""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.util import find_spec

from systems.memory import compounds
from systems.memory.compounds import LONGEST, Cut
from systems.memory.letters import plain
from systems.memory.stopwords import CHARACTERS, ENDINGS, PARTICLES, PHRASES

_HAN = "\u3005-\u3007\u3021-\u3029\u3038-\u303b\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_HIRAGANA = "\u3041-\u309f"
_KATAKANA = "\u30a0-\u30ff\u31f0-\u31ff"
_HANGUL = "\u1100-\u11ff\u3130-\u318f\ua960-\ua97f\uac00-\ud7ff"
_SYLLABLES = "\u1000-\u109f\u1780-\u17ff\ua9e0-\ua9ff\uaa60-\uaa7f"  # Myanmar, Khmer
_THAI = "\u0e00-\u0eff"  # and Lao
_RUN = re.compile(
    f"(?P<han>[{_HAN}{_HIRAGANA}\u30fc]+)|(?P<kana>[{_KATAKANA}]+)|(?P<hangul>[{_HANGUL}]+)"
    f"|(?P<syllables>[{_SYLLABLES}]+)|(?P<letters>[{_THAI}]+)"
)
_ONE_HAN = re.compile(f"[{_HAN}]")
_IS_HIRAGANA = re.compile(f"[{_HIRAGANA}]")
# A consonant, the vowels and tones around it, and in Khmer and Myanmar the consonants written below it.
_CLUSTER = re.compile(
    "(?:[\u17d2\u1039].|[^\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u0eb1\u0eb4-\u0ebc\u0ec8-\u0ece\u102b-\u103e\u1056-\u1059"
    "\u105e-\u1060\u1062-\u1064\u1067-\u106d\u1071-\u1074\u1082-\u108d\u108f\u109a-\u109d\u17b4-\u17d3\u17dd])"
    "(?:[\u17d2\u1039].|[\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u0eb1\u0eb4-\u0ebc\u0ec8-\u0ece\u102b-\u103e\u1056-\u1059"
    "\u105e-\u1060\u1062-\u1064\u1067-\u106d\u1071-\u1074\u1082-\u108d\u108f\u109a-\u109d\u17b4-\u17d3\u17dd])*"
)
# "T恤" and "5月" are words: a short sign and the character after it.
_SHORT_SIGN = re.compile("(?:(?<![0-9A-Za-z])[A-Za-z]|(?<![0-9A-Za-z.])[0-9]{1,4})$")


def cut(text: str) -> list[str]:
    """Return every term of ``text``, in order, as often as it is said. No term has a space in it."""
    terms: list[str] = []
    for chunk in text.split():
        terms += (_remembered(chunk) if len(chunk) <= _CHUNK else _cut(chunk)).every
    return terms


def asked(text: str) -> list[str]:
    """Return the terms of ``text`` that are worth looking for, each once; all of them if none says anything."""
    worth: dict[str, None] = {}
    for chunk in text.split():
        worth.update(dict.fromkeys((_remembered(chunk) if len(chunk) <= _CHUNK else _cut(chunk)).worth))
    return list(worth) or list(dict.fromkeys(cut(text)))


# What stands between spaces is remembered, up to so long: of Chinese, which has no spaces, that is little.
_CHUNK = 20


def _cut(chunk: str) -> Cut:
    every: list[str] = []
    worth: list[str] = []
    for piece in plain(chunk).split():
        if piece.isascii() or _RUN.search(piece) is None:
            found = compounds.cut(piece)
            every += found.every
            worth += found.worth
        else:
            _mixed(piece, every, worth)
    return Cut(tuple(every), tuple(worth))


_remembered = lru_cache(8192)(_cut)


def _mixed(piece: str, every: list[str], worth: list[str]) -> None:
    end = 0
    for run in _RUN.finditer(piece):
        before, kind, written = piece[end : run.start()], run.lastgroup, run[0]
        if before:
            found = compounds.remembered(before) if len(before) <= LONGEST else compounds.cut(before)
            every += found.every
            worth += found.worth
        if kind == "han":
            if before and (sign := _SHORT_SIGN.search(before)) and _ONE_HAN.match(written):
                joined = f"{sign[0].casefold()}{written[0]}"
                every.append(joined)
                worth.append(joined)
            _han(written, every, worth)
        elif kind == "hangul":
            _pairs(list(written), every, worth, single=False)
            if 1 < len(written) < 4:  # a noun of one syllable and its particle
                every.append(written[0])
                worth.append(written[0])
        else:
            _pairs(_CLUSTER.findall(written), every, worth, single=kind == "syllables")
        end = run.end()
    if end < len(piece):
        found = compounds.remembered(piece[end:]) if len(piece) - end <= LONGEST else compounds.cut(piece[end:])
        every += found.every
        worth += found.worth


def _pairs(characters: list[str], every: list[str], worth: list[str], *, single: bool) -> None:
    terms = [one + other for one, other in zip(characters, characters[1:], strict=False)]
    if single or not terms:
        terms += characters
    every += terms
    worth += [term for term in terms if term not in ENDINGS]


def _han(run: str, every: list[str], worth: list[str]) -> None:
    simple = run.translate(_simplified())
    # How little each character says: 0 much, 1 something beside others, 2 nothing.
    says = [1 if character in CHARACTERS else 0 for character in simple]
    for phrase in PHRASES.finditer(simple):
        says[phrase.start() : phrase.end()] = [2] * len(phrase[0])
    for version in (run,) if simple == run else (run, simple):
        _terms_of_han(version, run if version is simple else "", says, every, worth)


def _terms_of_han(run: str, other: str, says: list[int], every: list[str], worth: list[str]) -> None:
    """Add the characters and pairs of ``run``, but those that the ``other`` writing of it has as well."""
    last = len(run) - 1
    for place, character in enumerate(run):
        hiragana = _IS_HIRAGANA.match(character) is not None or character == "\u30fc"
        if (not hiragana or not last) and not (other and other[place] == character):
            every.append(character)
            if not says[place]:
                worth.append(character)
        if place == last or (other and other[place : place + 2] == run[place : place + 2]):
            continue
        pair = run[place : place + 2]
        every.append(pair)
        if says[place] + says[place + 1] > 1 or pair in ENDINGS:
            continue
        if pair[1] in PARTICLES and not hiragana:
            continue
        if hiragana and (pair[0] in PARTICLES and (_ONE_HAN.match(pair[1]) or pair[1] in PARTICLES)):
            continue
        worth.append(pair)


@lru_cache(1)
def _simplified() -> dict[int, str]:
    """Return the simpler form of each character that has one. OpenCC is not kept: its tables take megabytes."""
    if find_spec("opencc") is None:
        return {}
    import opencc

    characters = [chr(code) for first, last in ((0x3400, 0x4DBF), (0x4E00, 0x9FFF)) for code in range(first, last + 1)]
    # Each on a line of its own, so that it is not taken for a part of a phrase.
    simpler = opencc.OpenCC("t2s").convert("\n".join(characters)).split("\n")
    return {ord(one): other for one, other in zip(characters, simpler, strict=True) if one != other}
