"""What a reply says so far: bytes of tokens in, whole characters out, until a string that ends it."""

from __future__ import annotations

import codecs
from collections.abc import Sequence


class Spoken:
    """Bytes of tokens in, whole characters of a reply out; nothing at or after a stop string."""

    def __init__(self, stop: Sequence[str]) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._stop = [text for text in stop if text]
        self._held_back = ""
        self.stopped = False
        self.parts: list[str] = []

    def add(self, piece: bytes) -> str:
        """Return what may be shown now that ``piece`` was added."""
        text = self._held_back + self._decoder.decode(piece)
        ends = [place for stop in self._stop if (place := text.find(stop)) >= 0]
        if ends:
            self.stopped = True
            text, self._held_back = text[: min(ends)], ""
        else:
            # What may be the beginning of a stop string waits for what follows.
            keep = max((_overlap(text, stop) for stop in self._stop), default=0)
            text, self._held_back = text[: len(text) - keep], text[len(text) - keep :]
        if text:
            self.parts.append(text)
        return text

    def rest(self) -> str:
        """Return what was held back, now that nothing follows; half a character is dropped."""
        text, self._held_back = self._held_back, ""
        if text:
            self.parts.append(text)
        return text


def _overlap(text: str, stop: str) -> int:
    """Return how long an end of ``text`` is that ``stop`` begins with."""
    for length in range(min(len(text), len(stop) - 1), 0, -1):
        if stop.startswith(text[-length:]):
            return length
    return 0
