"""The traditional store for an event loop: its blocking calls are made on threads."""

from __future__ import annotations

from collections.abc import Sequence

from systems.mechanisms.isolation import Executors
from systems.memory.like import LikeStore
from systems.memory.schema import SavedTurn
from systems.turn.history import Exchange


class IsolatedLikeStore:
    """A `LikeStore` whose calls are made by ``executors``, as work of the kind "store"."""

    def __init__(self, store: LikeStore, executors: Executors) -> None:
        self._store = store
        self._executors = executors

    async def open(self) -> None:
        """Make the table, or bring it to this version. Raises `StoreError`."""
        await self._executors.run("store", self._store.open)

    async def find(self, session: str, question: str, keywords: Sequence[str], limit: int) -> list[str]:  # noqa: ARG002
        """Return the newest ``limit`` turns that match one of the ``keywords`` of ``question``, newest first."""
        return await self._executors.run("store", self._store.find, session, keywords, limit)

    async def find_answered(self, session: str, question: str, keywords: Sequence[str], limit: int) -> list[Exchange]:
        """Return the same; the traditional store tells of no answers."""
        return [Exchange(text, "") for text in await self.find(session, question, keywords, limit)]

    async def newest(self, session: str, conversation: str, most: int) -> list[Exchange]:  # noqa: ARG002
        """Return nothing: the traditional store is asked for what was said by its words alone."""
        return []

    async def empty_history(self, session: str, conversation: str) -> None:
        """Do nothing: no history is read from it."""

    async def save(self, turns: Sequence[SavedTurn]) -> None:
        """Save ``turns`` in one transaction. Raises `StoreError`."""
        await self._executors.run("store", self._store.save, turns)
