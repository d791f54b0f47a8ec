"""Which messages are worth keeping, and the pruning that keeps them.

The published pruning keeps *all* ordinary messages when the important ones fill the budget, and puts the important
ones first, out of order. These are pure functions without either defect.
"""

from __future__ import annotations

from systems.memory.asking import asks
from systems.memory.personal import may_state_fact, states_fact
from systems.memory.sentences import plain, sentences
from systems.turn.history import Exchange


def is_important(text: str) -> bool:
    """Return whether ``text`` tells something of the user, by a two-language rule.

    What the user asks for ("do you remember my name?") and what only says "my" in a question is not told.
    """
    text = plain(text)
    return may_state_fact(text) and any(
        states_fact(sentence) and asks(sentence, marked=marked) is not True for sentence, marked in sentences(text)
    )


def keep_important(exchanges: list[Exchange], most: int) -> list[Exchange]:
    """Return at most ``most`` exchanges in their original order.

    The newest one is always kept, since the next question may refer to it; then come the newest important ones, then
    the newest others. Pruning again changes nothing.
    """
    if len(exchanges) <= most:
        return list(exchanges)
    newest = len(exchanges) - 1
    ranked = sorted(
        range(len(exchanges)), key=lambda place: (place == newest, exchanges[place].important, place), reverse=True
    )
    return [exchanges[place] for place in sorted(ranked[: max(0, most)])]
