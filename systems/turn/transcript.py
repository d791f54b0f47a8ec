"""What a prompt has in common with the one before it, where a history keeps what was sent as it was sent.

The next prompt is then the last one, its reply and the new message, so that an engine computes only what is new.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from systems.engines.interface import Message
from systems.turn.history import AsSent, Exchange


def as_sent(before: Sequence[Message], held: Iterable[Exchange]) -> list[Message]:
    """Return what a client says was said ``before``, each question as it was sent, if its exchange is ``held``."""
    known = _Held(held)
    said = list(before)
    if known.any_sent:
        for place, (asked, answered) in reversed([*enumerate(pairwise(before))]):
            if asked.role == "user" and answered.role == "assistant":
                exchange = known.newest(asked.content, answered.content)
                if exchange is not None and exchange.sent:
                    said[place] = AsSent("user", exchange.sent, exchange.question)
    return said


def bare(said: Sequence[Message]) -> list[Message] | None:
    """Return what was ``said``, each question without what the prompt had besides; None if it is all so already."""
    if not any(isinstance(message, AsSent) for message in said):
        return None
    return [Message(each.role, each.question) if isinstance(each, AsSent) else each for each in said]


def gone_on(told: Sequence[Exchange], held: Sequence[Exchange]) -> list[Exchange] | None:
    """Return what was ``told`` after what is ``held``; None if that is not told as it is held.

    What was told before it left the history earlier.
    """
    if not held:
        return None
    said = [(exchange.question, exchange.answer) for exchange in told]
    known = [(exchange.question, exchange.answer) for exchange in held]
    for start in range(len(said) - len(known) + 1):
        if said[start : start + len(known)] == known:
            return list(told[start + len(known) :])
    return None


def carried(told: Iterable[Exchange], held: Iterable[Exchange]) -> list[Exchange]:
    """Return what was ``told``, each exchange as it is ``held``, if it is."""
    known = _Held(held)
    newest_first = [known.newest(each.question, each.answer) or each for each in reversed([*told])]
    return newest_first[::-1]


class _Held:
    """Exchanges that are held, to be found from the newest on: what was said twice is as it was sent each time."""

    def __init__(self, exchanges: Iterable[Exchange]) -> None:
        self.any_sent = False
        self._said: dict[tuple[str, str], list[Exchange]] = {}
        for exchange in exchanges:
            self._said.setdefault((exchange.question, exchange.answer), []).append(exchange)
            self.any_sent = self.any_sent or exchange.sent != ""

    def newest(self, question: str, answer: str) -> Exchange | None:
        """Return the newest exchange of these words that was not found yet; None if there is none."""
        same = self._said.get((question, answer))
        return same.pop() if same else None
