"""Which messages are worth keeping, and the pruning that keeps them.

The published pruning keeps *all* ordinary messages when the important ones fill the budget, and puts the important
ones first, out of order. These are pure functions without either defect.
"""

from __future__ import annotations

import re

from systems.turn.history import Exchange

_MINE = ("name", "birthday", "address", "number", "password", "job")
_MY_FAMILY = ("sister", "brother", "mother", "father", "wife", "husband", "son", "daughter", "dog", "cat")
_I = ("live", "work", "was born", "am allergic")
_SAID = (
    *("remember", "never forget", "important"),
    *(f"my {what}" for what in (*_MINE, *_MY_FAMILY)),
    *(f"i {what}" for what in _I),
)
_SAID_ZH = ("记住", "别忘", "不要忘", "我叫", "我的名字", "我住", "我的生日", "重要")
_KEY_INFORMATION = re.compile(
    rf"\b(?:{'|'.join(_SAID)})\b|{'|'.join(_SAID_ZH)}|我在.{{1,12}}工作|我对.{{1,12}}过敏", re.IGNORECASE
)
# Whatever matches has one of these; most texts have none, and to look for them is much faster than the pattern.
_HINTS = (*_SAID, *_SAID_ZH, "工作", "过敏")
_ASCII_HINTS = tuple(hint for hint in _HINTS if hint.isascii())


def is_important(text: str) -> bool:
    """Return whether ``text`` states key information about the user, by a two-language rule."""
    lowered = text.lower()
    for hint in _ASCII_HINTS if lowered.isascii() else _HINTS:
        if hint in lowered:
            return _KEY_INFORMATION.search(text) is not None
    return False


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
