"""What a history becomes that is too long for its budget: what is critical stays, the rest is shortened, then dropped.

No model is asked for a summary: it would hold the one engine while the next turn waits, and may say what was not said.
"""

from __future__ import annotations

import re

import msgspec

from systems.turn.history import Exchange

# Characters that are left of an answer that is shortened: its first sentences, or else its beginning.
_BEGINNING = 160

_ENDS = re.compile(r"[.!?](?=\s)|[。！？\n]")


def compressed(exchanges: list[Exchange], most: int, characters: int) -> list[Exchange]:
    """Return at most ``most`` of ``exchanges`` in their original order, of at most so many ``characters`` together.

    Those that tell something of the user are critical. Of the others answers are shortened, the oldest first, until all
    have room; then they leave, the oldest first. Critical ones leave last, and only where what is left has twice as
    many characters, which is the whole budget. The newest stays as it is, even where it alone is too long, since the
    next question may refer to it; where none may stay, nothing does.
    """
    if most < 1:
        return []
    kept = list(exchanges)
    newest = len(kept) - 1
    by_worth = sorted(range(newest), key=lambda place: (kept[place].important, place))
    taken = sum(map(_characters, kept))
    for place in by_worth:
        if taken <= characters or kept[place].important:
            break
        shorter = msgspec.structs.replace(kept[place], answer=shortened(kept[place].answer))
        taken -= _characters(kept[place]) - _characters(shorter)
        kept[place] = shorter
    leaving: set[int] = set()
    for place in by_worth:
        room = 2 * characters if kept[place].important else characters
        if len(kept) - len(leaving) <= most and taken <= room:
            break
        leaving.add(place)
        taken -= _characters(kept[place])
    return [exchange for place, exchange in enumerate(kept) if place not in leaving]


def shortened(answer: str) -> str:
    """Return the first sentences of ``answer``, in 160 characters; a longer first one ends with an ellipsis."""
    if len(answer) <= _BEGINNING:
        return answer
    ends = [found.end() for found in _ENDS.finditer(answer, 0, _BEGINNING)]
    return answer[: ends[-1]].rstrip() if ends else f"{answer[: _BEGINNING - 1].rstrip()}…"


def _characters(exchange: Exchange) -> int:
    return len(exchange.question) + len(exchange.answer)
