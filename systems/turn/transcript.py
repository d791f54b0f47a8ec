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
    sent = {(exchange.question, exchange.answer): exchange for exchange in held if exchange.sent}
    said = list(before)
    if sent:
        for place, (asked, answered) in enumerate(pairwise(before)):
            if asked.role == "user" and answered.role == "assistant":
                exchange = sent.get((asked.content, answered.content))
                if exchange is not None:
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
    known = {(exchange.question, exchange.answer): exchange for exchange in held}
    return [known.get((exchange.question, exchange.answer), exchange) for exchange in told]
