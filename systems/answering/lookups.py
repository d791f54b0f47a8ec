"""How long-term memory is asked: by all words of a question, or by its published keywords."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from functools import partial
from typing import Protocol

from systems.memory import keeping
from systems.memory.fulltext import FullTextStore
from systems.memory.hybrid import HybridStore
from systems.memory.schema import SavedTurn, store_error
from systems.turn import notes
from systems.turn.history import Exchange


class LongTermMemory(Protocol):
    """Long-term memory, as the pipeline uses it."""

    async def find(self, session: str, question: str, keywords: Sequence[str], limit: int) -> list[str]:
        """Return what was said before about ``question``, whose published keywords are ``keywords``."""
        ...

    async def find_answered(self, session: str, question: str, keywords: Sequence[str], limit: int) -> list[Exchange]:
        """Return the same, each with how its answer began, where that is known."""
        ...

    async def save(self, turns: Sequence[SavedTurn]) -> None:
        """Save ``turns``."""
        ...

    async def newest(self, session: str, conversation: str, most: int) -> list[Exchange]:
        """Return the newest ``most`` exchanges of a conversation, oldest first."""
        ...

    async def empty_history(self, session: str, conversation: str) -> None:
        """Have `newest` return nothing of a conversation that was saved before."""
        ...


async def _newest(store: FullTextStore | HybridStore, session: str, conversation: str, most: int) -> list[Exchange]:
    if not most:
        return []
    # A model that is shown turns without an answer takes that for how to answer.
    look = partial(keeping.turns, session=session, conversation=conversation, most=most, of_history=True)
    return [Exchange(turn.question, turn.answer) for turn in await store.with_connection(look)]


async def _find_answered(store: FullTextStore | HybridStore, session: str, asked: str, limit: int) -> list[Exchange]:
    found = await store.find_turns(session, asked, limit)
    if not found:
        return []
    look = partial(keeping.answers, session=session, turns=found, characters=notes.ANSWER_CHARACTERS + 1)
    try:
        answers = await store.with_connection(look)
    except sqlite3.Error as error:
        raise store_error("Long-term memory could not be searched", error) from error
    return [Exchange(turn.text, answer) for turn, answer in zip(found, answers, strict=True)]


async def _empty_history(store: FullTextStore | HybridStore, session: str, conversation: str) -> None:
    """Raises `StoreError`."""
    try:
        await store.change(partial(keeping.empty_history, session=session, conversation=conversation))
    except sqlite3.Error as error:
        raise store_error("That a history is empty could not be saved", error) from error


class AllWords:
    """Full text, asked by every word of the question that means something; perhaps with vectors."""

    def __init__(self, store: FullTextStore | HybridStore) -> None:
        self._store = store
        self.save = store.save
        self.newest = partial(_newest, store)
        self.empty_history = partial(_empty_history, store)

    async def find(self, session: str, question: str, keywords: Sequence[str], limit: int) -> list[str]:  # noqa: ARG002
        """Return what was said before about ``question``. Raises `StoreError`."""
        return await self._store.find(session, question, limit)

    async def find_answered(self, session: str, question: str, keywords: Sequence[str], limit: int) -> list[Exchange]:  # noqa: ARG002
        """Return the same, each with how its answer began. Raises `StoreError`."""
        return await _find_answered(self._store, session, question, limit)


class PublishedKeywords:
    """The same store, asked by the published three keywords."""

    def __init__(self, store: FullTextStore) -> None:
        self._store = store
        self.save = store.save
        self.newest = partial(_newest, store)
        self.empty_history = partial(_empty_history, store)

    async def find(self, session: str, question: str, keywords: Sequence[str], limit: int) -> list[str]:  # noqa: ARG002
        """Return what was said before about ``keywords``. Raises `StoreError`."""
        return await self._store.find(session, " ".join(keywords), limit)

    async def find_answered(self, session: str, question: str, keywords: Sequence[str], limit: int) -> list[Exchange]:  # noqa: ARG002
        """Return the same, each with how its answer began. Raises `StoreError`."""
        return await _find_answered(self._store, session, " ".join(keywords), limit)
