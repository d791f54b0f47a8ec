"""What a session said, in the package's memory manager: found by words, and kept in a file when the session is let go.

The package looks a text up as a whole, letter for letter, which finds no earlier turn by a later question: so it is
asked for each of the question's words, as the traditional agent asks its store. It exports a memory and reads none
back; that is done here.
"""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

from agenticaiframework.memory import MemoryManager

from systems.errors import StoreError
from systems.memory.terms import TermKeywords


class SessionMemory:
    """The newest ``kept`` questions of one session, of which at most ``shown`` are found; in the file ``path`` at rest.

    ``found`` are those of the last look-up, newest first. Raises `StoreError` where the file cannot be read.
    """

    def __init__(self, path: Path, *, kept: int, shown: int) -> None:
        self._path = path
        self._shown = shown
        self._words = TermKeywords()
        self._memory = MemoryManager(long_term_limit=kept)
        self._turns = 0
        self.found: tuple[str, ...] = ()
        if path.exists():
            self._read()

    def retrieve(self, query: str) -> list[str]:
        """Return the newest questions that have one of the words of ``query``: what the package's agent asks for."""
        keys = {
            entry.key
            for word in self._words.extract(query)
            for entry in self._memory.search(word, memory_type="long_term")
        }
        newest = sorted(keys, reverse=True)[: self._shown]
        self.found = tuple(self._memory.long_term[key].value for key in newest)
        return list(self.found)

    def keep(self, question: str, answer: str) -> None:
        """Keep a turn. Where there are too many, the oldest leaves: of equals the package takes the least key."""
        self._memory.store_long_term(f"{self._turns:09d}", question, metadata={"answer": answer})
        self._turns += 1

    def save(self) -> None:
        """Write what is kept into the file, which is the old or the new one, and whole, at any time.

        Raises `StoreError`.
        """
        # The package writes in place.
        beside = self._path.with_suffix(".part")
        try:
            self._memory.export_to_json(str(beside))
            beside.replace(self._path)
        except OSError as error:
            with suppress(OSError):
                beside.unlink(missing_ok=True)
            raise StoreError(f"A session's memory could not be saved: {error.strerror}.") from error

    def _read(self) -> None:
        try:
            entries = json.loads(self._path.read_text("utf-8"))["long_term"]
            for key, entry in sorted(entries.items()):
                self._memory.store_long_term(key, entry["value"], metadata=entry["metadata"])
                self._turns = int(key) + 1
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StoreError(f"The memory file {self._path.name} cannot be read: {error}.") from error
