"""Whether anybody still waits for a result: cancellation and deadlines, carried to wherever the work is done."""

from __future__ import annotations

import time

from systems.errors import Abandoned, DeadlineExceeded


class Wanted:
    """A result is wanted until ``until`` (`time.perf_counter`), or until it is abandoned. Any thread may ask."""

    __slots__ = ("_abandoned", "until")

    def __init__(self, until: float) -> None:
        self.until = until
        self._abandoned = False

    def join(self, other: Wanted) -> None:
        """Somebody else waits for the same result, perhaps longer."""
        self.until = max(self.until, other.until)

    def abandon(self) -> None:
        """Nobody waits any more."""
        self._abandoned = True

    def check(self) -> None:
        """Raise `Abandoned` or `DeadlineExceeded` if the result is of no use any more."""
        if self._abandoned:
            raise Abandoned("Nobody waits for this reply.")
        if time.perf_counter() >= self.until:
            raise DeadlineExceeded("The deadline passed before the reply was ready.")
