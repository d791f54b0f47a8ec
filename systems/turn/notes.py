"""How many tokens the notes of a turn may be together, and what becomes of those that are too many."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence

from systems.settings import LayoutName
from systems.turn.layouts import LAYOUTS
from systems.turn.prompt import note

ELLIPSIS = "…"

ANSWER_CHARACTERS = 100
"""How much of an answer a note has at most: how it began."""

# Tokens. What is left of a note must be worth reading: where less would be left of each, the weakest are dropped.
_LEAST = 16

# Tokens. The best note is whole before a weaker one has more than this.
_BEGINNING = 64

# Characters. A word is not longer; where no space is as near as that, words have none between them.
_WORD = 24

Count = Callable[[str], int]
"""How many tokens a text has, or at most has."""


def answered(text: str, answer: str) -> str:
    """Return a note of ``text`` and of what was answered to it: that comes first, for a long note loses its end."""
    answer = answer.strip()
    if not answer:
        return text
    if len(answer) > ANSWER_CHARACTERS:
        answer = answer[: _word_end(answer, ANSWER_CHARACTERS)] + ELLIPSIS
    return f"(You answered: {answer}) {text}"


def worth(layout: LayoutName, memories: Sequence[str]) -> list[str]:
    """Return those of ``memories`` that the prompt should have a note of."""
    return LAYOUTS[layout].worth(memories)


def fit_surely(layout: LayoutName, memories: Sequence[str], most: int) -> bool:
    """Return whether the notes of ``memories`` are at most ``most`` tokens, whatever counts them: bytes are no fewer.

    Nothing need be counted then.
    """
    # A note is longer than what was remembered by what it is laid out with, and by the spaces that break markup; and
    # some vocabularies put a space before any text.
    block = LAYOUTS[layout].laid_out(memories)
    return len(block.encode()) + block.count("<") < most or not memories


def within(layout: LayoutName, memories: Sequence[str], most: int, count: Count) -> list[str]:
    """Return notes of ``memories``, which come best first, that are at most ``most`` tokens as they are laid out.

    Notes that fit stay whole. Else the best is as long as it needs to be while each of the others keeps room for a
    beginning: the weakest are shortened first, at the end of a word, and dropped where hardly anything would be left.
    """

    def tokens(notes: Sequence[str]) -> int:
        return count(LAYOUTS[layout].laid_out(notes))

    notes = [note(memory) for memory in memories]
    if tokens(notes) <= most:
        return notes
    notes = notes[: max(most // _LEAST, 1)]
    needs = [tokens([each]) for each in notes]
    least = min(_BEGINNING, most // len(notes))
    left = most
    for number, need in enumerate(needs):
        room = min(need, left - sum([min(other, least) for other in needs[number + 1 :]]))
        left -= room
        if need > room:
            notes[number] = _shortened(notes[number], room, tokens)
    # Together they may be cut into tokens in other places than one by one; and a note may be nothing but its ellipsis.
    while notes and (tokens(notes) > most or notes[-1] == ELLIPSIS):
        over = tokens(notes) - most
        last = _shortened(notes[-1], tokens(notes[-1:]) - over, tokens) if over > 0 else ELLIPSIS
        notes[-1:] = [] if last in (notes[-1], ELLIPSIS) else [last]
    return notes


def _shortened(text: str, room: int, tokens: Callable[[Sequence[str]], int]) -> str:
    """Return the longest beginning of ``text`` that ends with a word and is ``room`` tokens, laid out, if any is."""

    def too_long(end: int) -> bool:
        return tokens([text[:end] + ELLIPSIS]) > room

    # No token of any known vocabulary is as long as this many characters of text on the average.
    text = text.removesuffix(ELLIPSIS)[: 16 * room] if room > 0 else ""
    end = bisect_right(range(len(text)), False, key=too_long) - 1
    while True:
        end = _word_end(text, max(end, 0))
        if end == 0 or not too_long(end):  # more characters may be fewer tokens: the search may have been led astray
            return text[:end] + ELLIPSIS
        end -= 1


def _word_end(text: str, end: int) -> int:
    """Return where the last whole word of ``text[:end]`` ends."""
    if end < len(text) and not text[end].isspace():
        space = text.rfind(" ", max(0, end - _WORD), end)
        if space >= 0:
            end = space
    return len(text[:end].rstrip(" ,;:-"))
