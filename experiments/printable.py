"""What anybody may have written, as a terminal and a log may show it: nothing in it is obeyed."""

from __future__ import annotations

import unicodedata

# What is no letter, sign or space of its own, and harmless: Persian and Hindi need joiners, and so do many emoji.
_JOINERS = "\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}"


def printable(text: str) -> str:
    """Return ``text`` with what a terminal would obey, or cannot be sent, replaced; a carriage return ends a line.

    Replaced are control characters but for newlines and tabs, what turns the direction of writing, and surrogates,
    which stand for bytes that are no UTF-8.
    """
    if text.isprintable():
        return text
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(each if _is_shown(each) else "\N{REPLACEMENT CHARACTER}" for each in lines)


def _is_shown(character: str) -> bool:
    # isprintable says no to every space but the usual one, the ideographic space of Chinese texts among them.
    return character.isprintable() or character in "\n\t" or character in _JOINERS or _is_space(character)


def _is_space(character: str) -> bool:
    return unicodedata.category(character) == "Zs"
