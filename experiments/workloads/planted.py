"""Texts as the turns that a long-term store holds: what somebody said, cut into words."""

from __future__ import annotations

from collections.abc import Iterable

from systems.memory.keywords import Keywords
from systems.memory.schema import SavedTurn

SESSION = "graded"


def planted(keywords: Keywords, texts: Iterable[str]) -> list[SavedTurn]:
    """Return a user's ``texts`` as turns of one session, a second apart."""
    turns = []
    for number, text in enumerate(texts):
        best, words = keywords.analyse(text)
        turns.append(
            SavedTurn(
                session=SESSION,
                question=text,
                answer="",
                keywords=tuple(best),
                words=tuple(words),
                created=float(number),
            )
        )
    return turns
