"""Keywords without a dictionary: what a text's longest words are, found by rules alone, in any script."""

from __future__ import annotations

from systems.memory.keywords import KEPT
from systems.memory.words import cut


class TermKeywords:
    """In place of `systems.memory.keywords.Keywords` where some fifty megabytes a process are too much for it."""

    def load(self) -> None:
        """Do nothing: there is nothing to load."""

    def extract(self, text: str) -> list[str]:
        """Return the longest terms of ``text``, longest first, each once."""
        return sorted(dict.fromkeys(cut(text)), key=len, reverse=True)[:KEPT]
