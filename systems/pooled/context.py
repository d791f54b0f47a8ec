"""What a history becomes that is too long for its budget: what is critical stays word for word, the rest is shortened.

No model is asked for a summary: it would hold the one engine while the next turn waits, and may say what was not said.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from systems.turn.history import Exchange

# Characters that are left of an answer that is shortened: its first sentences, or else its beginning.
_BEGINNING = 160

_ENDS = re.compile(r"[.!?](?=\s)|[。！？\n]")


def compressed(exchanges: list[Exchange], most: int, characters: int) -> list[Exchange]:
    """Return at most ``most`` of ``exchanges`` in their original order, of at most so many ``characters`` together.

    Those that tell something of the user are critical and stay word for word; of the others answers are shortened, the
    oldest first, until all have room. Then the oldest leave: half of either bound is for what is critical, the rest for
    the others and the newest, and either has what the other does not need. The newest stays as it is, even where it
    alone is too long, since the next question may refer to it, and beside it what is critical has its half all the
    same; where none may stay, nothing does.

    So what stays is bounded however much is critical, and a history grows for a while until it is compressed again: an
    engine computes only what is new.
    """
    if most < 1 or not exchanges:
        return []
    *before, newest = exchanges
    kept = dict(enumerate(before))
    critical = [place for place, exchange in kept.items() if exchange.important]
    others = [place for place, exchange in kept.items() if not exchange.important]

    room = most - 1
    others = _last(others, room - min(len(critical), most // 2))
    critical = _last(critical, room - len(others))

    room = characters - _characters([newest])
    told = _characters(kept[place] for place in critical)
    said = _characters(kept[place] for place in others)
    for place in others:
        if told + said <= room:
            break
        said -= _characters([kept[place]])
        kept[place] = msgspec.structs.replace(kept[place], answer=shortened(kept[place].answer))
        said += _characters([kept[place]])
    while others and told + said > room and said > room - min(told, characters // 2):
        said -= _characters([kept[others.pop(0)]])
    while critical and told > max(characters // 2, room - said):
        told -= _characters([kept[critical.pop(0)]])
    return [*(kept[place] for place in sorted([*critical, *others])), newest]


def shortened(answer: str) -> str:
    """Return the first sentences of ``answer``, in 160 characters; a longer first one ends with an ellipsis."""
    if len(answer) <= _BEGINNING:
        return answer
    ends = [found.end() for found in _ENDS.finditer(answer, 0, _BEGINNING)]
    return answer[: ends[-1]].rstrip() if ends else f"{answer[: _BEGINNING - 1].rstrip()}…"


def _last(places: list[int], count: int) -> list[int]:
    return places[max(0, len(places) - count) :]


def _characters(exchanges: Iterable[Exchange]) -> int:
    return sum(len(exchange.question) + len(exchange.answer) for exchange in exchanges)
