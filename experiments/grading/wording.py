"""The words of a text, as the answers of a model that speaks freely are compared by them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

import msgspec

_UNSPACED = "\u3040-\u30ff\u3400-\u9fff"  # scripts that put no spaces between words: a character is a word
_WORD = re.compile(
    rf"(?:(?<![\w.,])[-\N{{MINUS SIGN}}])?\d+(?:[.,]\d+)*|[{_UNSPACED}]|(?:(?![{_UNSPACED}])[^\W\d_])+(?:'[^\W\d_]+)*"
)
_ORDINAL = re.compile(r"(\d)(?:st|nd|rd|th)\b")
_WHOLE = re.compile(r"\.0+$")
_THOUSANDS = re.compile(r",(?=\d{3}(?!\d))")
_ENDS = re.compile(r"[.!?:;,()\n。–—]")
# What a statement begins after, besides punctuation: "not Utrecht but Delft".
_JOINTS = [("but",), ("and",), ("however",), ("而", "是"), ("但",), ("但", "是"), ("不", "过"), ("现", "在")]

_UNDER_TWENTY = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
).split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_ENGLISH = {word: number for number, word in enumerate(_UNDER_TWENTY)}
_ENGLISH |= {word: 10 * number for number, word in enumerate(_TENS, 2)}
_ONE_ENGLISH = f"(?:{'|'.join(_ENGLISH)}|hundred)"
_ENGLISH_NUMBER = re.compile(rf"\b{_ONE_ENGLISH}(?:(?:[ -]|(?<=hundred) and ){_ONE_ENGLISH})*\b")
_CHINESE = {digit: number for number, digit in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_POWERS = {"十": 10, "百": 100, "千": 1000}
_CHINESE_NUMBER = re.compile(f"[{''.join([*_CHINESE, *_POWERS])}]+")


class Word(msgspec.Struct, frozen=True):
    """A word, and whether a statement begins with it."""

    text: str
    begins: bool


def plain(text: str) -> str:
    """Return ``text`` in small letters of one width, with straight apostrophes."""
    return unicodedata.normalize("NFKC", text).replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").casefold()


def words(text: str) -> list[Word]:
    """Return the words of ``text``: numbers in digits, "don't" as "do not", no possessive's ending, no punctuation.

    A statement begins after punctuation (not after that of a list in Chinese), "but", "and", "而是" and the like. Of a
    script without spaces each character is a word.
    """
    found: list[Word] = []
    text, end = _with_digits(plain(text)), 0
    for match in _WORD.finditer(text):
        begins = not found or _ENDS.search(text, end, match.start()) is not None or _after_joint(found)
        end = match.end()
        first, *rest = _parts(match.group())
        found += [Word(first, begins), *(Word(part, begins=False) for part in rest)]
    return found


def _with_digits(text: str) -> str:
    text = _CHINESE_NUMBER.sub(lambda match: _chinese(match.group()), _ORDINAL.sub(r"\1", text))
    return _ENGLISH_NUMBER.sub(lambda match: _english(match.group()), text)


def _english(run: str) -> str:
    """Return the numbers that ``run`` names in words: "two hundred and five" is one, "two three" are two."""
    numbers: list[int] = []
    for word in run.replace(" and ", " ").replace("-", " ").split():
        last = numbers[-1] if numbers else 0
        if word == "hundred":
            numbers[-1:] = [last * 100] if 0 < last < 10 else [*numbers[-1:], 100]
        elif (last >= 100 and last % 100 == 0) or (last % 100 >= 20 and last % 10 == 0 and 0 < _ENGLISH[word] < 10):
            numbers[-1] += _ENGLISH[word]
        else:
            numbers.append(_ENGLISH[word])
    return " ".join(map(str, numbers))


def _chinese(run: str) -> str:
    """Return the number that ``run`` names in characters; those that are digits only stand side by side."""
    if not _POWERS.keys() & set(run):
        return "".join(str(_CHINESE[digit]) for digit in run)
    total, digit = 0, 0
    for character in run:
        if character in _POWERS:
            total, digit = total + (digit or 1) * _POWERS[character], 0
        else:
            digit = _CHINESE[character]
    return str(total + digit)


def _parts(word: str) -> list[str]:
    if word[-1].isdigit():
        return [_WHOLE.sub("", _THOUSANDS.sub("", word)).replace("\N{MINUS SIGN}", "-")]
    if word == "can't":
        return ["can", "not"]
    if word.endswith("n't"):
        return [word.removesuffix("n't"), "not"]
    return [word.removesuffix("'s")]


def _after_joint(found: Sequence[Word]) -> bool:
    last = tuple(word.text for word in found[-2:])
    return last in _JOINTS or last[-1:] in _JOINTS
