"""The newest turns, which the full-text index does not have yet: to write it at every save costs more than the save."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Row(NamedTuple):
    """What ranking reads of a turn: ``terms`` are its scoped words, as the table keeps them."""

    number: int
    session: str
    created: float
    question: str
    terms: str
    important: int


class Recent:
    """Turns by their terms as `schema.scoped` keeps them. Used from one thread."""

    def __init__(self) -> None:
        self._turns: dict[int, Row] = {}
        self._by_term: dict[str, list[int]] = defaultdict(list)

    def __len__(self) -> int:
        return len(self._turns)

    def add(self, turns: Iterable[Row]) -> None:
        """Add ``turns``, each newer than all before."""
        for turn in turns:
            self._turns[turn.number] = turn
            for term in dict.fromkeys(turn.terms.split(" ")):
                self._by_term[term].append(turn.number)

    def clear(self) -> None:
        """Forget all of them: the index has them now."""
        self._turns.clear()
        self._by_term.clear()

    def having(self, term: str) -> Sequence[int]:
        """Return the numbers of the turns that have ``term``, oldest first."""
        return self._by_term.get(term, ())

    def rows(self, numbers: Iterable[int]) -> list[Row]:
        """Return the turns of these ``numbers`` that are held."""
        return [self._turns[number] for number in numbers if number in self._turns]
