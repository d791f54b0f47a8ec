"""Whether an answer is the right one: equal after normalisation, nothing more and nothing less."""

from __future__ import annotations

import unicodedata

from experiments.workloads.remembering.language import WORDS


def normalised(text: str) -> str:
    """Return ``text`` without case, punctuation, width of characters and superfluous spaces."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return " ".join("".join(letter for letter in plain if not unicodedata.category(letter).startswith("P")).split())


def is_exact(answer: str, right: str) -> bool:
    """Return whether ``answer`` says what ``right`` says."""
    return normalised(answer) == normalised(right)


def is_refusal(answer: str) -> bool:
    """Return whether ``answer`` says, in either language, that it is not known."""
    return any(is_exact(answer, words.unknown) for words in WORDS.values())
