"""Which messages are worth keeping, and the pruning that keeps them.

The published pruning keeps *all* ordinary messages when the important ones fill the budget, and puts the important
ones first, out of order. These are pure functions without either defect.
"""

from __future__ import annotations

import re

from systems.history import Remembered

_KEY_INFORMATION = re.compile(
    r"\b(?:remember|never forget|my (?:name|birthday|address|number|password|job|sister|brother|mother|father|wife|"
    r"husband|son|daughter|dog|cat)|i (?:live|work|was born|am allergic)|important)\b"
    r"|记住|别忘|不要忘|我叫|我的名字|我住|我在.{1,12}工作|我的生日|我对.{1,12}过敏|重要",
    re.IGNORECASE,
)


def is_important(text: str) -> bool:
    """Return whether ``text`` states key information about the user, by a two-language rule."""
    return _KEY_INFORMATION.search(text) is not None


def keep_important(entries: list[Remembered], length: int) -> list[Remembered]:
    """Return at most ``length`` entries in their original order: the newest important ones, then the newest others.

    Keeping what is already within the bound unchanged makes it idempotent.
    """
    if len(entries) <= length:
        return list(entries)
    ranked = sorted(range(len(entries)), key=lambda place: (entries[place].important, place), reverse=True)
    kept = sorted(ranked[: max(0, length)])
    return [entries[place] for place in kept]
