"""Words of scripts that put spaces between them, and what people write without spaces: names, numbers, addresses."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from systems.memory.irregular import base_form
from systems.memory.stemming import stem
from systems.memory.stopwords import NAMES, WORDS

# A letter or digit of a text in the form of `letters.plain`, which leaves nothing else outside ASCII; and what is none.
_SIGNS = r"\x00-/:-@\[-`{-\x7f"
_W = f"[^{_SIGNS}]"
_JOINT = re.compile(f"[{_SIGNS}]+")
_TOKEN = re.compile(
    rf"(?P<net>(?<!{_W})(?<!\.)\.[Nn][Ee][Tt](?!{_W}))"
    rf"|(?P<sign>[A-Za-z]+\+\+|(?<!{_W})(?:[A-Za-z]#|[A-Za-z]{{1,2}}\+)(?!{_W}))"
    rf"|(?P<pair>(?<!{_W})[A-Za-z]{{1,3}}&[A-Za-z]{{1,3}}(?!{_W}))"
    # One character between holds a word together: "node.js", "snake_case", "o'clock"; between digits some more do.
    rf"|(?P<word>{_W}+(?:(?:_+|[-.']|(?<=[0-9])[:/](?=[0-9])){_W}+)*)"
)
_ADDRESS = re.compile(
    r"(?:\b[A-Za-z][A-Za-z0-9+.-]{1,15}://(?:www\.)?|\bwww\.)"
    r"(?P<path>[^\x00-\x20\x7f<>\"'?#]+)(?P<query>[^\x00-\x20\x7f<>\"']*)"
    r"|(?P<mail>[A-Za-z0-9.!%+_-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+)"
)
_THOUSANDS = re.compile(r"(?<![0-9,.])[0-9]{1,3}(?:,[0-9]{3})+(?![0-9,])")
_NUMBER = re.compile(r"[0-9]+(?:[.:][0-9]+)+")
_DATE = re.compile(r"[0-9]{1,4}([-/])[0-9]{1,2}(?:\1[0-9]{1,4})?")
_ORDINAL = re.compile("([0-9]+)(?:st|nd|rd|th|s)")

# The parts of an identifier: "getUserName", "HTTPServer", "iPhone15". What has more parts is no name but a code.
_HUMP = re.compile("[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^\x00-\x7f]+")
_MANY_HUMPS = 6

_SHORTENED = {"'s": "", "'re": "are", "'ve": "have", "'ll": "will", "'d": "would", "'m": "am"}
_NEGATED = {"ca": "can", "wo": "will", "sha": "shall", "ai": "is"}
# As they are typed in haste. Those that are words otherwise (well, ill, were, its) are left as they are.
_HASTY = {f"{verb}nt": (verb, "not") for verb in "do does did is are was have has had could would should".split()} | {
    "cant": ("can", "not"),
    "cannot": ("can", "not"),
    "wont": ("will", "not"),
    "im": ("i", "am"),
    "ive": ("i", "have"),
    "youre": ("you", "are"),
    "theyre": ("they", "are"),
    "thats": ("that",),
    "whats": ("what",),
    "whos": ("who",),
    "wheres": ("where",),
}

# Characters of the longest term. What is longer is no word that anybody types again; its beginning and a checksum stand
# for it.
_LONGEST = 64
_BEGINNING = 48


class Cut(NamedTuple):
    """All terms of a piece of text, in order, and those of them that are worth looking for."""

    every: list[str]
    worth: list[str]


# A term, and whether it is worth looking for.
_Found = Iterator[tuple[str, bool]]


def cut(text: str) -> Cut:
    """Return the terms of ``text``, which is in the form of `letters.plain` and of scripts that have spaces."""
    found = list(_addresses(text) if "@" in text or "://" in text or "www." in text else _tokens(text))
    return Cut([term for term, _ in found], [term for term, worth in found if worth])


def _addresses(text: str) -> _Found:
    end = 0
    for address in _ADDRESS.finditer(text):
        yield from _tokens(text[end : address.start()])
        end = address.end()
        path = address["path"] or address["mail"]
        whole = f"{path}{address['query'] or ''}".casefold().rstrip("/.,;:!?)]}")
        if whole:
            yield _bounded(whole), True
        yield from _tokens(path)
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
            yield written.casefold(), True
            for part in written.split("&"):
                if len(part) > 1:
                    yield from _simple(part)
        else:
            yield _bounded(written.casefold()), True
            if len(written) > 3:  # Notepad++ is found without its signs; C++ and A+ are not C and A
                yield from _simple(written.rstrip("+"))


def _word(written: str) -> _Found:
    """Yield a word that something may hold together, after what English shortens has been taken from it."""
    words: list[str] = []
    for _ in range(written.count("'", -_LONGEST) and 2):  # "shouldn't've"
        lower = written.lower()
        if lower.endswith("n't") and len(lower) > 3:
            words.append("not")
            written = _NEGATED.get(lower[:-3], written[:-3])
            break
        ending = lower[lower.rfind("'") :]
        if ending not in _SHORTENED:
            break
        written = written[: -len(ending)]
        words.append(_SHORTENED[ending])
    yield from _simple(written) if _JOINT.search(written) is None else _compound(written)
    for word in reversed(words):
        if word:
            yield from _simple(word)


def _compound(written: str) -> _Found:
    """Cut at joints; what is said by a number with a joint in it (a version, a time) is one part."""
    parts: list[str] = []
    joints: list[str] = []
    end = 0
    for joint in _JOINT.finditer(written):
        before, after = written[end : joint.start()], written[joint.end() : joint.end() + 2]
        end = joint.end()
        if joint[0] == "." and not before[-1].isupper() and after[0].isupper() and after[1:].islower():
            yield from _joined([*parts, before], joints)  # a sentence ends here, and the next begins without a space
            parts, joints = [], []
            continue
        parts.append(before)
        joints.append(joint[0] if before[-1].isdigit() and after[0].isdigit() else "")
    yield from _joined([*parts, written[end:]], joints)


def _joined(parts: list[str], joints: list[str]) -> _Found:
    """Yield the whole, without what holds it together ("e-mail" is "email") except between digits, and its parts."""
    if len(parts) == 1:
        yield from _simple(parts[0])
        return
    whole = "".join([text for pair in zip(parts, [*joints, ""], strict=True) for text in pair])
    yield _term(whole.casefold()), True
    is_date = _DATE.fullmatch(whole) is not None
    piece = ""
    for part, joint in zip(parts, [*joints, ""], strict=True):
        piece += part
        if joint and joint in ".:":
            piece += joint
            continue
        if number := _NUMBER.search(piece):
            if piece != whole:
                yield _term(piece.casefold()), True
            if number[0] != piece:  # "Python3.11", "10:30pm"
                yield _bounded(number[0]), True
                yield from _simple(piece[: number.start()] or piece[number.end() :])
        elif is_date:
            yield piece.lstrip("0") or "0", True
        elif len(piece) > 1 or piece.isdigit():  # a letter alone says nothing that the whole does not
            yield from _simple(piece)
        piece = ""


def _simple(written: str) -> _Found:
    """Yield a word that nothing holds together, and of an identifier its parts."""
    word = written.casefold()
    if word in _HASTY:
        for part in _HASTY[word]:
            yield _term(part), part not in WORDS
        return
    if ordinal := _ORDINAL.fullmatch(word):
        yield _bounded(ordinal[1]), True
        return
    yield _term(word), word not in WORDS or written in NAMES
    if written.isdecimal() or (written.isalpha() and (written[1:].islower() or written.isupper())):
        return
    humps = _HUMP.findall(written) if len(written) <= _LONGEST else []
    if 1 < len(humps) <= _MANY_HUMPS:
        for place, hump in enumerate(humps):
            if len(hump) > 1 or (hump.isdigit() and not place):
                part = hump.casefold()
                yield _term(part), part not in WORDS


def _term(word: str) -> str:
    return stem(base_form(word)) if len(word) <= _LONGEST else _bounded(word)


def _bounded(term: str) -> str:
    if len(term) <= _LONGEST:
        return term
    return f"{term[:_BEGINNING]}~{zlib.crc32(term.encode()):08x}"
