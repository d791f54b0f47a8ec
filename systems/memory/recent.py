"""The newest turns, which the full-text index does not have yet: to write it at every save costs more than the save."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Remembered(NamedTuple):
    """A turn as the table has it: ``terms`` are its scoped words."""

    number: int
    session: str
    created: float
    question: str
    terms: str
    important: int
    answered: int = 0


class Recent:
    """Turns by their terms as `schema.scoped` keeps them, in all so many ``characters``. Used from one thread."""

    def __init__(self) -> None:
        self._turns: dict[int, Remembered] = {}
        self._by_term: dict[str, list[int]] = defaultdict(list)
        self._unsorted: list[Remembered] = []
        self.characters = 0

    def __len__(self) -> int:
        return len(self._turns)

    def add(self, turns: Iterable[Remembered]) -> None:
        """Add ``turns``, each newer than all before."""
        for turn in turns:
            self._turns[turn.number] = turn
            self._unsorted.append(turn)
            self.characters += len(turn.question) + len(turn.terms)

    def clear(self) -> None:
        """Forget all of them: the index has them now."""
        self._turns.clear()
        self._by_term.clear()
        self._unsorted.clear()
        self.characters = 0

    def having(self, term: str) -> Sequence[int]:
        """Return the numbers of the turns that have ``term``, oldest first."""
        # Only now: as long as those who talk are held (`resident`), nobody asks.
        for turn in self._unsorted:
            for each in dict.fromkeys(turn.terms.split(" ")):
                self._by_term[each].append(turn.number)
        self._unsorted.clear()
        return self._by_term.get(term, ())

    def rows(self, numbers: Iterable[int]) -> list[Remembered]:
        """Return the turns of these ``numbers`` that are held."""
        return [self._turns[number] for number in numbers if number in self._turns]
