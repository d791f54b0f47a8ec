"""What was read of the sources, in passages that can be searched; kept for a while, for the next question."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple, Protocol

import msgspec

from systems.errors import ExitCode, FourgigError
from systems.research.embedding.passages import passages
from systems.research.ranking import PassageIndex
from systems.research.sources.documents import Document, SourceRefusal
from systems.research.synthesis import FoundPassage

Told = Callable[[Document | SourceRefusal], None]
"""Hears of each source as soon as it is read or refused."""

# Characters that a passage repeats of the one before.
_OVERLAP = 60


class NothingRead(FourgigError):
    """None of the sources could be read."""

    exit_code = ExitCode.NO_ANSWER


class Reads(Protocol):
    """What reads sources."""

    async def fetch(self, sources: Sequence[str], on_done: Told | None = None) -> list[Document | SourceRefusal]:
        """Return what is read of ``sources``, in the order asked."""
        ...


class Shelf(msgspec.Struct, frozen=True):
    """What was read at once: documents, refusals, and the passages of the documents with the index of their words.

    ``places`` are the numbers of the passages' documents.
    """

    documents: tuple[Document, ...]
    refused: tuple[SourceRefusal, ...]
    passages: tuple[FoundPassage, ...]
    places: tuple[int, ...]
    index: PassageIndex


class _Kept(NamedTuple):
    shelf: Shelf
    read_at: float


class Library:
    """Reads sources by ``fetcher``, and reads them again when that is ``kept_s`` ago; one reading at a time.

    ``shelved`` runs what makes a shelf of documents, wherever that may block: it takes a while.
    """

    def __init__(
        self,
        fetcher: Reads,
        shelved: Callable[[Callable[[], Shelf]], Awaitable[Shelf]],
        *,
        kept_s: float,
        passage_characters: int,
    ) -> None:
        self._fetcher = fetcher
        self._shelved = shelved
        self._kept_s = kept_s
        self._characters = passage_characters
        self._kept: dict[tuple[str, ...], _Kept] = {}
        self._reading = asyncio.Lock()

    async def read(self, sources: Sequence[str], on_done: Told) -> Shelf:
        """Return what is read of ``sources``; ``on_done`` hears of each. What was refused is tried again next time."""
        key = tuple(sources)
        async with self._reading:
            kept = self._kept.get(key)
            if kept is not None and time.monotonic() - kept.read_at < self._kept_s:
                for document in kept.shelf.documents:
                    on_done(document)
                return kept.shelf
            self._kept.pop(key, None)
            found = await self._fetcher.fetch(sources, on_done)
            shelf = await self._shelved(lambda: shelve(found, self._characters))
            if not shelf.refused:
                self._kept = {key: _Kept(shelf, time.monotonic())}  # of one set of sources: they may be large
            return shelf


def shelve(found: Sequence[Document | SourceRefusal], characters: int) -> Shelf:
    """Return what was ``found`` in passages of at most ``characters``, with the index of their words."""
    documents = tuple(each for each in found if isinstance(each, Document))
    cut: list[FoundPassage] = []
    places: list[int] = []
    for place, document in enumerate(documents):
        overlap = min(_OVERLAP, characters // 2)
        for passage in passages(document.text, most=characters, overlap=overlap):
            cut.append(FoundPassage(source=document.source, title=document.title, text=passage.text))
            places.append(place)
    return Shelf(
        documents=documents,
        refused=tuple(each for each in found if isinstance(each, SourceRefusal)),
        passages=tuple(cut),
        places=tuple(places),
        index=PassageIndex([each.title for each in cut], [each.text for each in cut]),
    )
