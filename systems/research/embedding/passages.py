"""Passages of a text: short enough for an encoder, cut where the text itself pauses, and never within a character.

A passage ends with a paragraph where one ends in its later half, else with a sentence, a line or a word, and only in a
text without any of these anywhere. The next begins with whole sentences (lines, words) of the last one's end, so that
what belongs together is together in one of them. Where a paragraph ended, nothing is said twice.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Sequence

import msgspec

from systems.errors import BadInput

MOST_CHARACTERS = 800
"""About 200 tokens of English, of which MiniLM reads 256."""

OVERLAP_CHARACTERS = 100
"""A sentence or two."""

# Possessive, and from the first mark of a row on: a page of nothing but marks takes no longer than another one.
_PARAGRAPH = re.compile(r"\n[^\S\n]*+\n\s*+")
_SENTENCE = re.compile(r"(?<![.!?؟…])[.!?؟…]++[\"'”’»)\]]*+\s++|[。！？｡][」』”’）]*+\s*+")
_LINE = re.compile(r"\n\s*+")
_SPACE = re.compile(r"\s++")

_JOINER = "\u200d"
_PLAIN = "\u0300"  # before it nothing belongs to the character before
_SKINS = ("\U0001f3fb", "\U0001f3ff")
_FLAGS = ("\U0001f1e6", "\U0001f1ff")
# Vowels and finals of a Korean syllable that is written in parts.
_JAMO = ("\u1160", "\u11ff")
# A longer row of letters of flags is no text, and to count them all again and again would take its square.
_MOST_FLAGS = 1_000


class Stretch(msgspec.Struct, frozen=True):
    """A passage: ``text`` is what stands from ``start`` to ``end`` in its document, counted in characters."""

    start: int
    end: int
    text: str


def passages(text: str, *, most: int = MOST_CHARACTERS, overlap: int = OVERLAP_CHARACTERS) -> list[Stretch]:
    """Return the passages of ``text``, in order: each has at most ``most`` characters, and is white at neither end.

    A passage repeats at most ``overlap`` characters of the one before; whatever is not white is in some passage. Raises
    `BadInput` for bounds that leave no way on.
    """
    if most < 1 or not 0 <= overlap <= most // 2:
        raise BadInput("A passage has at least one character, and repeats at most half of what one may have.")
    pauses = _Pauses(text)
    found = []
    start = pauses.after_white(0)
    while start < len(text):
        end = pauses.end(start, most)
        whole = text[start:end].rstrip()
        found.append(Stretch(start, start + len(whole), whole))
        start = pauses.after_white(pauses.again(start, end, overlap))
    return found


class _Pauses:
    """Where a text may be cut: the places after a paragraph, a sentence, a line, a word."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._paragraphs, self._sentences, self._lines, self._words = (
            [end for match in pause.finditer(text) if (end := match.end()) < len(text) and not self._within(end)]
            for pause in (_PARAGRAPH, _SENTENCE, _LINE, _SPACE)
        )

    def after_white(self, place: int) -> int:
        """Return the first place from ``place`` on that is not white; the length where there is none."""
        match = _SPACE.match(self._text, place)
        return match.end() if match else place

    def end(self, start: int, most: int) -> int:
        """Return where a passage that begins at ``start`` ends, with the white that follows it."""
        last = start + most
        if last >= len(self._text):
            return len(self._text)
        # In the later half, or passages of a few words would come of short sentences; and the next, which begins up to
        # half a passage earlier, still ends later.
        half, widest = start + most // 2, self.after_white(last)
        for places in (self._paragraphs, self._sentences, self._lines, self._words):
            place = _last(places, half, widest)
            if place is not None:
                return place
        if widest > last:  # a mark of its own stands after the white, which no word begins with
            return widest
        place = last
        while place > half and self._within(place):
            place -= 1
        return place if place > half else last  # one character of so many marks is none

    def again(self, start: int, end: int, overlap: int) -> int:
        """Return where the passage after the one from ``start`` to ``end`` begins: later than it, not after ``end``."""
        if end >= len(self._text) or _has(self._paragraphs, end):
            return end
        first = max(start + 1, end - overlap)
        for places in (self._sentences, self._lines, self._words):
            place = _first(places, first, end)
            if place is not None:
                return place
        if _has(self._words, end):
            return end
        place = first
        while place < end and self._within(place):
            place += 1
        return place

    def _within(self, place: int) -> bool:
        """Return whether a reader sees one character where a cut at ``place`` would make two."""
        before, after = self._text[place - 1], self._text[place]
        if before == _JOINER:
            return True
        if after < _PLAIN:
            return False
        if after == _JOINER or unicodedata.category(after)[0] == "M":
            return True
        if any(first <= after <= last for first, last in (_SKINS, _JAMO)):
            return True
        return _is_flag(before) and _is_flag(after) and self._flags_before(place) % 2 == 1

    def _flags_before(self, place: int) -> int:
        """Return how many letters of flags stand right before ``place``: two make a flag."""
        count = 0
        while count < min(place, _MOST_FLAGS) and _is_flag(self._text[place - count - 1]):
            count += 1
        return count


def _is_flag(character: str) -> bool:
    return _FLAGS[0] <= character <= _FLAGS[1]


def _last(places: Sequence[int], after: int, until: int) -> int | None:
    """Return the last of the sorted ``places`` that lies after ``after`` and not after ``until``."""
    at = bisect_right(places, until) - 1
    return places[at] if at >= 0 and places[at] > after else None


def _first(places: Sequence[int], start: int, before: int) -> int | None:
    """Return the first of the sorted ``places`` from ``start`` on that lies before ``before``."""
    at = bisect_left(places, start)
    return places[at] if at < len(places) and places[at] < before else None


def _has(places: Sequence[int], place: int) -> bool:
    at = bisect_left(places, place)
    return at < len(places) and places[at] == place
