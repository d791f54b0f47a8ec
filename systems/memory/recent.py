"""The newest turns, which the full-text index does not have yet: to write it at every save costs more than the save."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Match(NamedTuple):
    """A turn that has some of the asked words: they compare as they rank, the best is the greatest.

    How many it has; whether it tells something and does not only ask; which it has (a bit a word, the heaviest one's
    the highest); whether they are all, and its own keywords.
    """

    matched: int
    tells: bool
    which: int
    about: bool
    number: int
    question: str


Found = tuple[int, int, str, str]
"""Which words a turn has (a bit each), its number, its question and its own keywords."""


class _Turn(NamedTuple):
    session: str
    question: str
    keywords: str


class Recent:
    """Turns by their words as `schema.scoped` keeps them. Used from one thread."""

    def __init__(self) -> None:
        self._turns: dict[int, _Turn] = {}
        self._by_word: dict[str, list[int]] = defaultdict(list)

    def __len__(self) -> int:
        return len(self._turns)

    def add(self, turns: Iterable[tuple[int, str, str, str, str]]) -> None:
        """Add ``turns``: number, session, question, keywords and scoped words of each, as the table keeps them."""
        for number, session, question, keywords, words in turns:
            self._turns[number] = _Turn(session, question, keywords)
            for word in words.split(" "):
                self._by_word[word].append(number)

    def clear(self) -> None:
        """Forget all of them: the index has them now."""
        self._turns.clear()
        self._by_word.clear()

    def find(self, session: str, words: Sequence[str]) -> list[Found]:
        """Return the turns of ``session`` that have some of ``words``, scoped ones, heaviest first."""
        which: dict[int, int] = {}
        for place, word in enumerate(reversed(words)):
            for number in self._by_word.get(word, ()):
                which[number] = which.get(number, 0) | 1 << place
        found = ((bits, number, self._turns[number]) for number, bits in which.items())
        return [(bits, number, turn.question, turn.keywords) for bits, number, turn in found if turn.session == session]


def match(found: Found, asked: int, keywords: Sequence[str]) -> Match:
    """Return what ranks a turn that was found by so many words ``asked``, those of the ``keywords``."""
    which, number, question, own = found
    matched = which.bit_count()
    tells = not question.rstrip().endswith(("?", "？"))
    return Match(matched, tells, which, matched == asked and set(keywords).issubset(own.split(" ")), number, question)
