"""Text in the one form of its letters that memory keeps: the same whoever typed it, and on whatever keyboard."""

from __future__ import annotations

import re
import unicodedata

# Letters that Unicode does not take apart, as people write them on keyboards that lack them; one sign for all
# apostrophes and hyphens; the Persian, Urdu and final letters that are written otherwise in Arabic.
_AS_TYPED = (
    ("øØłŁđĐðÐħĦŧŦıſĸ", "oOlLdDdDhHtTisk"),
    ("‘’‛′ʹʻʼʽ׳", "'" * 9),
    ("‐‑⁃−", "-" * 4),
    ("♯", "#"),
    ("ىیېکہھۀە", "يييكهههه"),
    ("ँ", "ं"),
    ("\u200b", " "),  # a space without width, which ends words in Thai and Khmer
)
_SEVERAL = {"æ": "ae", "Æ": "Ae", "œ": "oe", "Œ": "Oe", "þ": "th", "Þ": "Th", "ß": "ss", "ẞ": "SS"}

# Marks that are left out, for many leave them out: accents, the vowel points of Hebrew and Arabic, the dot below
# letters of Hindi, variants of pictures and tones of skin. The vowel signs of Indic scripts, the tones of Thai and the
# voicing of Japanese tell words apart and stay.
_LEFT_OUT = re.compile(
    "[\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u05f4\u0610-\u061a\u0640\u064b-\u065f"
    "\u0670\u06d6-\u06ed\u0711\u0730-\u074a\u093c\u180b-\u180f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\u302a-\u302d"
    "\ufe00-\ufe0f\ufe20-\ufe2f\U0001f3fb-\U0001f3ff\U000e0100-\U000e01ef]"
)
# A quotation mark within a word abbreviates in Hebrew.
_HEBREW_QUOTE = re.compile('(?<=[א-ת])"(?=[א-ת])')
# The Thai and Lao vowel "am", which Unicode takes apart, and a tone typed on either side of its first half.
_AM = re.compile("\u0e4d([\u0e48-\u0e4b]?)\u0e32|\u0ecd([\u0ec8-\u0ecb]?)\u0eb2")

# Persian joins endings to words by a sign without width, which many leave out and many type as a space.
_JOINED = re.compile("(?<=[\u0620-\u06ff])\u200c(?=[\u0620-\u06ff])")

# Signs below are of writing (degree, copyright, paragraph); those from here on are pictures, which people ask by.
_FIRST_PICTURE = 0x2100
_FLAGS = range(0x1F1E6, 0x1F200)  # of two letters, which stay together


class _Letters(dict[int, str | int | None]):
    """What becomes of each character; it learns those that it meets, for a table of all would take long to make."""

    def __missing__(self, code: int) -> str | int | None:
        self[code] = became = _becomes(code)
        return became


def _becomes(code: int) -> str | int | None:
    if code < 0x80:
        return code
    character = chr(code)
    kind = unicodedata.category(character)
    if kind == "Cf" or _LEFT_OUT.match(character):
        return None
    if kind == "Nd":
        return str(unicodedata.decimal(character))
    if kind[0] in "LMN" or code in _FLAGS:
        return code
    return f" {character} " if kind == "So" and code >= _FIRST_PICTURE else " "


# Of more marks in a row than any language writes, to put them in order takes the square of their number.
_MANY_MARKS = re.compile("([\u0300-\u036f]{16})[\u0300-\u036f]+")

_LETTERS = _Letters({ord(one): other for some, others in _AS_TYPED for one, other in zip(some, others, strict=True)})
_LETTERS.update({ord(one): others for one, others in _SEVERAL.items()})


def plain(text: str) -> str:
    """Return ``text`` with equal characters as one, accents left out, and spaces for what is no part of a word.

    Case stays, and so does all ASCII. Of the other characters, letters, marks, digits and pictures are left.
    """
    if text.isascii():
        return text
    if _MANY_MARKS.search(text):
        text = _MANY_MARKS.sub(r"\1", text)
    apart = unicodedata.normalize("NFKD", text.replace("\u00b4", "'").replace("\u1ffd", "'"))  # accents for apostrophes
    if "\u0306" in apart:  # й is a letter of its own, not an и with an accent
        apart = apart.replace("и\u0306", "й").replace("И\u0306", "Й")
    if '"' in apart:
        apart = _HEBREW_QUOTE.sub("", apart)
    if "\u200c" in apart:
        apart = _JOINED.sub("-", apart)
    if "\u0e4d" in apart or "\u0ecd" in apart:
        apart = _AM.sub(lambda am: f"{am[1]}\u0e33" if am[2] is None else f"{am[2]}\u0eb3", apart)
    return unicodedata.normalize("NFC", apart.translate(_LETTERS))
