"""Cuts any text into the terms that the full-text index keeps, in every script, without a dictionary.

What is saved and what is asked is cut in the same way: letters are brought into one form (`letters`), scripts that put
spaces between words are cut at what is no letter (`compounds`), the others into characters and pairs (`characters`).
A text that has neither letter nor digit nor picture has no terms.

Traditional Chinese is found by simplified, and the other way round, where the package opencc is installed: a character
that has a simpler form is kept in both. Without it, all is found as it was written, also what was saved with it.
"""

from __future__ import annotations

import re
from functools import lru_cache

from systems.memory import characters, compounds
from systems.memory.compounds import Cut
from systems.memory.letters import plain
from systems.memory.manners import point

# What stands between spaces and is short is remembered, which is a vocabulary in two megabytes; but not of the scripts
# from Thai on, for where no spaces are nothing comes again and much would be kept.
_SHORT = 20
_THAI = "\u0e00"
_REMEMBERED = 4096

# "T恤", "5月" and "2024年" are words: a letter or a short number, and the character after it.
_SIGN = re.compile("(?:(?<![0-9A-Za-z])[A-Za-z]|(?<![0-9A-Za-z.])[0-9]{1,4})$")


def cut(text: str) -> list[str]:
    """Return every term of ``text``, in order, as often as it is said. None has a space in it, or 65 characters."""
    return [term for found in _found(text) for term in found.every]


def asked(text: str) -> list[str]:
    """Return the terms of ``text`` that are worth looking for, each once; all of them if none says anything.

    Clauses that say only that something is asked, and why, are left out (`systems.memory.manners`).
    """
    return both(text).worth


def both(text: str) -> Cut:
    """Return what `cut` and `asked` return, for the price of one."""
    found = _found(text)
    every = [term for one in found for term in one.every]
    wanted = point(text)
    worth = _worth(found if wanted == text else _found(wanted)) or _worth(found)
    return Cut(every, worth or list(dict.fromkeys(every)))


def _worth(found: list[Cut]) -> list[str]:
    return list(dict.fromkeys([term for one in found for term in one.worth]))


def _found(text: str) -> list[Cut]:
    return [_remembered(chunk) if len(chunk) <= _SHORT and chunk < _THAI else _chunk(chunk) for chunk in text.split()]


def _chunk(chunk: str) -> Cut:
    found = Cut([], [])
    for piece in plain(chunk).split():
        for part in [compounds.cut(piece)] if piece.isascii() else _parts(piece):
            found.every.extend(part.every)
            found.worth.extend(part.worth)
    return found


_remembered = lru_cache(_REMEMBERED)(_chunk)
_remembered_compound = lru_cache(_REMEMBERED)(compounds.cut)


def _parts(piece: str) -> list[Cut]:
    parts: list[Cut] = []
    end = 0
    for run in characters.RUN.finditer(piece):
        before, written = piece[end : run.start()], run[0]
        end = run.end()
        if before:
            parts.append((_remembered_compound if len(before) <= _SHORT else compounds.cut)(before))
            if (sign := _SIGN.search(before)) and characters.IS_HAN.match(written):
                joined = [sign[0].casefold() + written[0]]
                parts.append(Cut(joined, joined))
        parts.append(characters.cut(run.lastgroup, written))
    if end < len(piece):
        parts.append(compounds.cut(piece[end:]))
    return parts
