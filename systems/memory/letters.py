"""Text in the one form of its letters that memory keeps: the same whoever typed it, and on whatever keyboard."""

from __future__ import annotations

import unicodedata

# Letters that Unicode does not take apart, as people write them on keyboards that lack them.
_PLAIN = str.maketrans(
    {
        **dict(zip("øØłŁđĐðÐħĦŧŦıſĸ", "oOlLdDdDhHtTisk", strict=True)),
        **{"æ": "ae", "Æ": "Ae", "œ": "oe", "Œ": "Oe", "þ": "th", "Þ": "Th", "ß": "ss", "ẞ": "SS"},
        # Apostrophes: curly, prime, of Hawaiian and of the modifiers, full stop of Hebrew numerals.
        **dict.fromkeys("‘’‛′ʹʻʼʽˈ׳＇", "'"),
        # Hyphens; a dash stands between words.
        **dict.fromkeys("‐‑⁃", "-"),
        "♯": "#",
        "−": "-",
        # Persian, Urdu and final Arabic letters that Arabic keyboards write otherwise.
        **dict(zip("ىیېکہھۀە", "يييكهههه", strict=True)),
        "״": None,
        "ँ": "ं",
        "\u093c": None,  # the dot under a letter of Hindi, which many leave out
        "\u200b": " ",  # it ends words in Thai and Khmer
    }
)

# Marks that are left out when words are looked up: accents, the vowel points of Hebrew and Arabic, stress and such.
# The vowel signs of Indic scripts, tones of Thai, and the voicing of Japanese tell words apart and stay.
_ACCENTS = (
    (0x0300, 0x036F),
    (0x0483, 0x0487),
    (0x0591, 0x05BD),
    (0x05BF, 0x05BF),
    (0x05C1, 0x05C2),
    (0x05C4, 0x05C5),
    (0x05C7, 0x05C7),
    (0x0610, 0x061A),
    (0x064B, 0x065F),
    (0x0670, 0x0670),
    (0x06D6, 0x06ED),
    (0x0711, 0x0711),
    (0x0730, 0x074A),
    (0x180B, 0x180F),
    (0x1AB0, 0x1AFF),
    (0x1DC0, 0x1DFF),
    (0x20D0, 0x20FF),
    (0x302A, 0x302D),
    (0xFE00, 0xFE2F),
    (0x1F3FB, 0x1F3FF),  # the tones of skin
    (0xE0100, 0xE01EF),
)
_TATWEEL = "\u0640"

# Signs below are of writing (degree, copyright, paragraph), those above are pictures, which people do ask by.
_FIRST_PICTURE = 0x2100


class _Letters(dict[int, str | int | None]):
    """What becomes of each character; it learns the characters that it meets, for a table of all would take long."""

    def __missing__(self, code: int) -> str | int | None:
        self[code] = became = _becomes(code)
        return became


def _becomes(code: int) -> str | int | None:
    if code < 0x80:
        return code
    character = chr(code)
    kind = unicodedata.category(character)
    if kind == "Cf" or character == _TATWEEL or any(first <= code <= last for first, last in _ACCENTS):
        return None
    if kind == "Nd":
        return str(unicodedata.decimal(character))
    if kind[0] in "LMN":
        return code
    return f" {character} " if kind == "So" and code >= _FIRST_PICTURE else " "


_LETTERS = _Letters(_PLAIN)


def plain(text: str) -> str:
    """Return ``text`` with compatible characters as one, accents left out, and spaces for what is no part of a word.

    Case stays, and so do the characters of ASCII. Of the others, letters, digits, marks and pictures are left.
    """
    if text.isascii():
        return text
    apart = unicodedata.normalize("NFKD", text)
    if "\u0306" in apart:  # й is a letter of its own, not an и with an accent
        apart = apart.replace("и\u0306", "й").replace("И\u0306", "Й")
    return unicodedata.normalize("NFC", apart.translate(_LETTERS))
