"""How often a turn calls the model: counted by what it is called for, and bounded."""

from __future__ import annotations

from collections import Counter
from typing import Literal

from systems.errors import CallsSpent

CalledFor = Literal["topics", "answer", "summary"]
"""What the model is called for."""


class ModelCalls:
    """Counts the calls of all turns, ``made`` by what for; each turn has its own `TurnCalls`."""

    def __init__(self) -> None:
        self.made: Counter[CalledFor] = Counter()

    def turn(self, most: int) -> TurnCalls:
        """Return the calls of a turn, ``most`` at most."""
        return TurnCalls(self, most)


class TurnCalls:
    """The calls of one turn."""

    def __init__(self, calls: ModelCalls, most: int) -> None:
        self._calls = calls
        self._most = most
        self.made = 0

    def spend(self, what_for: CalledFor) -> None:
        """Count a call that is about to be made. Raises `CallsSpent` if the turn has made as many as it may."""
        if self.made >= self._most:
            raise CallsSpent(f"The turn has called the model {self._most} times, which is as often as it may.")
        self.made += 1
        self._calls.made[what_for] += 1
