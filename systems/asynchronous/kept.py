"""What a person may do with the conversations that a running agent keeps: the agent's side of a `Keeper`.

What is forgotten must not come back: so it is taken out of the file when no turn of its conversation is under way and
none waits to be saved, and then out of all that the agent holds in memory.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from systems.asynchronous.pipeline import Pipeline
from systems.errors import NotKept
from systems.interface import KeptConversation, KeptTurn, talk
from systems.mechanisms.sessions import Sessions
from systems.memory import keeping
from systems.memory.fulltext import FullTextStore
from systems.memory.hybrid import HybridStore

Store = FullTextStore | HybridStore


class Kept:
    """The conversations in ``store``, which is opened when it is asked for; None if it keeps none to be looked into."""

    def __init__(self, pipeline: Pipeline, sessions: Sessions, store: Callable[[], Store | None]) -> None:
        self._pipeline = pipeline
        self._sessions = sessions
        self._opened = store

    async def conversations(self, session: str) -> list[KeptConversation]:
        """Return the conversations of ``session``, the latest first. Raises `StoreError`."""
        store = await self._store()
        return await store.with_connection(partial(keeping.conversations, session=session))

    async def turns(
        self, session: str, conversation: str | None, containing: str, before: int | None
    ) -> list[KeptTurn]:
        """Return a page of turns. Raises `StoreError`."""
        store = await self._store()
        look = partial(keeping.turns, session=session, conversation=conversation, containing=containing, before=before)
        return await store.with_connection(look)

    async def forget(self, session: str, turn: int | None, conversation: str | None, since: int | None) -> int:
        """Forget what is named. Raises `BadInput` if it is not there, `StillReadable`, `StoreError`."""
        store = await self._store()
        meant = partial(keeping.concerned, session=session, turn=turn, conversation=conversation, since=since)
        [name] = {each.conversation for each in await store.with_connection(meant)}
        async with self._sessions.turn(talk(session, name)):
            await self._pipeline.saver.settled()
            gone = await store.with_connection(meant)
            try:
                await store.take_out(partial(keeping.delete, numbers=[each.id for each in gone]))
            finally:
                self._let_go(session, name, gone)
        return len(gone)

    async def correct(self, session: str, turn: int, question: str) -> KeptTurn:
        """Have ``turn`` say ``question``. Raises `BadInput` if it is not there, `StillReadable`, `StoreError`."""
        store = await self._store()
        meant = partial(keeping.concerned, session=session, turn=turn)
        [found] = await store.with_connection(meant)
        async with self._sessions.turn(talk(session, found.conversation)):
            await self._pipeline.saver.settled()
            [found] = await store.with_connection(meant)
            try:
                return await store.take_out(partial(keeping.replace, session=session, turn=found, question=question))
            finally:
                self._let_go(session, found.conversation, [found])

    def _let_go(self, session: str, conversation: str, gone: list[KeptTurn]) -> None:
        """Take what is gone out of what is held in memory; of cached replies nobody knows what they were made of."""
        self._pipeline.histories.take_out(talk(session, conversation), {each.question for each in gone})
        self._pipeline.cache.clear()

    async def _store(self) -> Store:
        await self._pipeline.store.get()
        await self._pipeline.saver.settled()
        store = self._opened()
        if store is None:
            raise NotKept("What this agent keeps cannot be looked into: its memory is not full text.")
        return store
