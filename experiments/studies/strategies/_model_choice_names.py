"""What the plan of the part ``model-choice`` and its trials both name."""

from __future__ import annotations

from collections.abc import Sequence

LARGE_ALONE, SMALL_ALONE, BY_RULE, CASCADE, BEST = "large-model", "small-model", "by-rule", "cascade", "best-choice"

SHORT_NOTE_WORDS = 16
"""Words of the longest note beside which a question still counts as simple."""


def is_simple(notes: Sequence[str]) -> bool:
    """Return whether a question beside these ``notes`` is simple: each of them is one short sentence or two.

    What is said in few words is said plainly, and is read off; what is told at length must be understood.
    """
    return all(len(note.split()) <= SHORT_NOTE_WORDS for note in notes)
