"""Words of scripts that put spaces between them, and all that people write without spaces: addresses, names of
programs, numbers, dates, contractions."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from systems.memory.irregular import base_form
from systems.memory.stemming import stem
from systems.memory.stopwords import NAMES, WORDS

# A letter or digit, of a text that is in `letters.plain` form: outside ASCII nothing else is left.
_W = "[0-9A-Za-z\u0080-\U0010ffff]"
_TOKEN = re.compile(
    rf"(?P<net>(?<![^\s(/,])\.net(?!{_W}))"
    rf"|(?P<sign>[a-z]+\+\+|(?<!{_W})[a-z]#(?!{_W})|(?<!{_W})[a-z]{{1,2}}\+(?!{_W}))"
    rf"|(?P<pair>(?<!{_W})[a-z]{{1,3}}&[a-z]{{1,3}}(?!{_W}))"
    # One character between holds a word together: "node.js", "snake_case", "o'clock"; between digits some more do.
    rf"|(?P<word>{_W}+(?:(?:_+|[-.']|(?<=[0-9])[:/,](?=[0-9])){_W}+)*)",
    re.IGNORECASE,
)
_ADDRESS = re.compile(
    r"(?:\b[a-z][a-z0-9+.-]{1,15}://|\bwww\.)(?P<path>[^\s<>\"'?#]+)[^\s<>\"']*"
    r"|(?P<mail>[a-z0-9.!%+_-]{1,64}@[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})+)",
    re.IGNORECASE,
)
_JOINT = re.compile("[^0-9A-Za-z\u0080-\U0010ffff]+")
_THOUSANDS = re.compile(r"(?<![0-9,.])([0-9]{1,3}(?:,[0-9]{3})+)(?![0-9,])")
_NUMBER = re.compile(r"[0-9]+(?:[.:][0-9]+)+")
_DATE = re.compile("[0-9]{1,4}([-/])[0-9]{1,2}(?:\\1[0-9]{1,4})?")
_ORDINAL = re.compile("([0-9]+)(?:st|nd|rd|th|s)")
_HUMP = re.compile("[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[\u0080-\U0010ffff]+")
_MANY_HUMPS = 6

_SHORTENED = {"'re": "are", "'ve": "have", "'ll": "will", "'d": "would", "'m": "am", "'s": ""}
_NEGATED = {"ca": "can", "wo": "will", "sha": "shall", "ai": "is"}
# As they are typed in haste; those that are words otherwise (well, ill, were, its) are left as they are.
_HASTY = {
    **{
        f"{verb}nt": (verb, "not")
        for verb in "do does did is are was were has have had could would should must".split()
    },
    **{"cant": ("can", "not"), "wont": ("will", "not"), "cannot": ("can", "not"), "im": ("i", "am")},
    **{"ive": ("i", "have"), "youre": ("you", "are"), "theyre": ("they", "are"), "thats": ("that",)},
    **{"whats": ("what",), "wheres": ("where",), "whos": ("who",), "hows": ("how",)},
}

# Characters of the longest term: what is longer is no word that anybody types again, and is known by its beginning.
LONGEST = 64
_BEGINNING = 48

# Chunks whose terms are remembered, and how long the longest: a vocabulary, in a few megabytes at most.
_REMEMBERED = 8192


class Cut(NamedTuple):
    """All terms of a piece of text, in order, and those of them that are worth looking for."""

    every: tuple[str, ...]
    worth: tuple[str, ...]


def cut(text: str) -> Cut:
    """Return the terms of ``text``, which is in `letters.plain` form and has no character of a script without spaces."""
    found = list(_found(text))
    return Cut(tuple([term for term, _ in found]), tuple([term for term, worth in found if worth]))


@lru_cache(_REMEMBERED)
def remembered(text: str) -> Cut:
    """Return what `cut` does, quicker for what was cut before: for short texts, such as words."""
    return cut(text)


_Found = Iterator[tuple[str, bool]]


def _found(text: str) -> _Found:
    end = 0
    if "@" in text or "://" in text or "www." in text.lower():
        for address in _ADDRESS.finditer(text):
            yield from _tokens(text[end : address.start()])
            end = address.end()
            whole, path = (address[0], address["path"] or address["mail"])
            whole = re.sub(r"^([a-z0-9+.-]*://)?(www\.)?", "", whole.casefold()).rstrip("/.,;:!?)]}")
            parts = list(_tokens(path))
            if whole and [(whole, True)] != parts:
                yield bounded(whole), True
            yield from parts
    yield from _tokens(text[end:])


def _tokens(text: str) -> _Found:
    if "," in text:
        text = _THOUSANDS.sub(lambda number: number[0].replace(",", ""), text)
    for token in _TOKEN.finditer(text):
        kind, written = token.lastgroup, token[0]
        if kind == "word":
            yield from _word(written)
        elif kind == "net":
            yield from (("dotnet", True), ("net", True))
        elif kind == "pair":
            yield bounded(written.casefold()), True
            for part in written.split("&"):
                yield from _simple(part)
        else:
            yield bounded(written.casefold()), True
            if len(written) > 4:  # Disney+ and Notepad++ are found without their signs, C++ and A+ are not C and A
                yield from _simple(written.rstrip("+"))


def _word(written: str) -> _Found:
    if _JOINT.search(written) is None:
        yield from _simple(written)
        return
    if "'" in written:
        for ending, word in _SHORTENED.items():
            if written.lower().endswith(ending):
                yield from _word(written[: -len(ending)])
                if word:
                    yield from _simple(word)
                return
        if written.lower().endswith("n't") and len(written) > 3:
            yield from _simple(_NEGATED.get(written.lower()[:-3], written[:-3]))
            yield from _simple("not")
            return
    yield from _compound(written)


def _compound(written: str) -> _Found:
    parts: list[str] = []
    joints: list[str] = []
    end = 0
    for joint in _JOINT.finditer(written):
        before, after, sign = written[end : joint.start()], written[joint.end() :][:2], joint[0]
        both = before[-1].isdigit() and after[0].isdigit()
        if sign == "." and before[-1].islower() and after[0].isupper() and after[1:].islower():
            # A sentence that ends without a space. What stood before it is a word for itself.
            yield from _joined(parts + [before], joints)
            parts, joints, end = [], [], joint.end()
            continue
        if sign == "," or (sign in ":/" and not both):
            yield from _joined(parts + [before], joints)
            parts, joints, end = [], [], joint.end()
            continue
        parts.append(before)
        joints.append(sign if both else "")
        end = joint.end()
    yield from _joined([*parts, written[end:]], joints)


def _joined(parts: list[str], joints: list[str]) -> _Found:
    """Yield the whole and its parts. The whole is without what holds it together: "e-mail" is "email"."""
    if len(parts) == 1:
        yield from _simple(parts[0])
        return
    whole = "".join([piece for pair in zip(parts, [*joints, ""], strict=True) for piece in pair])
    yield _term(whole.casefold()), True
    number = ""
    for part, joint in zip(parts, [*joints, ""], strict=True):
        number += part
        if joint in (".", ":"):  # a version, a time, an amount: its halves say nothing
            number += joint
            continue
        if number != whole:
            yield from _simple(number.lstrip("0") or "0" if _DATE.fullmatch(whole) else number)
        number = ""


def _simple(written: str) -> _Found:
    """Yield a word that nothing holds together, and of an identifier its parts."""
    word = written.casefold()
    if len(word) > LONGEST:
        yield bounded(word), True
        return
    if word in _HASTY:
        for part in _HASTY[word]:
            yield _term(part), part not in WORDS
        return
    if ordinal := _ORDINAL.fullmatch(word):
        word = ordinal[1]
    yield _term(word), word not in WORDS or written in NAMES
    if written.islower() and written.isalpha() or written.istitle() and written.isalpha() or written.isdecimal():
        return
    humps = _HUMP.findall(written)
    if 1 < len(humps) <= _MANY_HUMPS and ordinal is None:
        for hump in humps:
            if len(hump) > 1 or hump.isdigit():
                part = hump.casefold()
                yield _term(part), part not in WORDS


def _term(word: str) -> str:
    return stem(base_form(word)) if len(word) <= LONGEST else bounded(word)


def bounded(term: str) -> str:
    """Return ``term``, or of one that is too long its beginning and what tells it from others that begin so."""
    if len(term) <= LONGEST:
        return term
    return f"{term[:_BEGINNING]}~{zlib.crc32(term.encode()):08x}"
