"""Which exchanges stay in a history that is too long: those that the newest questions are about, and what matters.

What was said long ago and is taken up again is worth more than what was said last and led nowhere.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from systems.memory import words
from systems.turn.history import Exchange

# So many of the newest questions say what a conversation is about now.
_ASKED = 2

# Characters. Of a long text its beginning says what it is about, and a turn must not wait for all of it to be cut.
_READ = 2_000


def keep_relevant(exchanges: list[Exchange], most: int) -> list[Exchange]:
    """Return at most ``most`` exchanges in their original order.

    The newest one is always kept, since the next question may refer to it. Then come those that tell something of the
    user, the newest first; then those that share most with the newest questions, each word weighing by how few
    exchanges say it; the newer of two that share as much.
    """
    if len(exchanges) <= most:
        return list(exchanges)
    newest = len(exchanges) - 1
    shared = _shared(exchanges)
    ranked = sorted(
        range(len(exchanges)),
        key=lambda place: (place == newest, exchanges[place].important, shared[place], place),
        reverse=True,
    )
    return [exchanges[place] for place in sorted(ranked[: max(0, most)])]


def _shared(exchanges: Sequence[Exchange]) -> list[float]:
    """Return for each exchange what it shares with the newest questions; 0 for important ones, which stay anyway."""
    said = [set(words.cut(f"{each.question[:_READ]} {each.answer[:_READ]}")) for each in exchanges]
    told_by = Counter(term for terms in said for term in terms)
    wanted = {term for each in exchanges[-_ASKED:] for term in words.asked(each.question[:_READ])}
    weights = {term: math.log(1 + len(exchanges) / told_by[term]) for term in wanted if term in told_by}
    return [
        0.0 if each.important else sum(weights[term] for term in weights.keys() & terms)
        for each, terms in zip(exchanges, said, strict=True)
    ]
