"""What a person may do with the conversations that a running agent keeps: the agent's side of a `Keeper`.

What is forgotten must not come back: so it is taken out of the file when no turn of its conversation is under way and
none waits to be saved, and then out of all that the agent holds in memory.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from functools import partial

import msgspec

from systems.answering.order import turn_of
from systems.answering.pipeline import Pipeline
from systems.engines.interface import Engine
from systems.errors import Damaged, NotKept, StoreError
from systems.interface import Forgotten, KeptConversation, KeptTurn, is_talk_of, talk
from systems.logs import swallowed
from systems.mechanisms.sessions import Sessions
from systems.memory import keeping
from systems.memory.fulltext import FullTextStore
from systems.memory.hybrid import HybridStore

log = logging.getLogger(__name__)

Store = FullTextStore | HybridStore


class Kept:
    """The conversations in ``store``, which is opened when it is asked for; None if it keeps none to be looked into."""

    def __init__(
        self, pipeline: Pipeline, sessions: Sessions, engine: Engine, store: Callable[[], Store | None]
    ) -> None:
        self._pipeline = pipeline
        self._sessions = sessions
        self._engine = engine
        self._opened = store

    async def conversations(self, session: str, most: int | None, after: str | None) -> list[KeptConversation]:
        """Return the conversations of ``session``, the latest first. Raises `BadInput`, `StoreError`."""
        look = partial(keeping.conversations, session=session, most=most, after=after)
        found = await (await self._store(session)).beside(look)
        if self._pipeline.tiers is None:
            return found
        return [msgspec.structs.replace(each, tier=self._tier(talk(session, each.id))) for each in found]

    def _tier(self, name: str) -> str | None:
        if self._pipeline.histories.knows(name):
            return "hot"
        return None if self._pipeline.tiers is None else self._pipeline.tiers.where(name)

    async def turns(
        self, session: str, conversation: str | None, containing: str, before: str | None
    ) -> list[KeptTurn]:
        """Return a page of turns. Raises `StoreError`."""
        store = await self._store(session)
        look = partial(keeping.turns, session=session, conversation=conversation, containing=containing, before=before)
        return await store.beside(look)

    async def forget(self, session: str, turn: str | None, conversation: str | None, since: str | None) -> Forgotten:
        """Forget what is named. Raises `BadInput` if it is not there, `StillReadable`, `StoreError`."""
        store = await self._store(session)
        meant = partial(keeping.concerned, session=session, turn=turn, conversation=conversation, since=since)
        [name] = {each.conversation for each in await store.beside(meant)}
        async with turn_of(talk(session, name), self._sessions, self._pipeline.histories):
            await self._pipeline.saver.settled()
            gone = await store.beside(meant)
            try:
                await store.take_out(partial(keeping.delete, turns=gone), len(gone))
            finally:
                await self._let_go(session, name, len(gone))
        return Forgotten(conversation=name, turns=len(gone))

    async def correct(self, session: str, turn: str, question: str) -> KeptTurn:
        """Have ``turn`` say ``question``. Raises `BadInput` if it is not there, `StillReadable`, `StoreError`."""
        store = await self._store(session)
        meant = partial(keeping.concerned, session=session, turn=turn)
        [found] = await store.beside(meant)
        async with turn_of(talk(session, found.conversation), self._sessions, self._pipeline.histories):
            await self._pipeline.saver.settled()
            [found] = await store.beside(meant)
            try:
                return await store.take_out(partial(keeping.replace, session=session, turn=found, question=question), 1)
            finally:
                await self._let_go(session, found.conversation, 1)

    async def _let_go(self, session: str, conversation: str, gone: int) -> None:
        """Hold nothing of what is ``gone``; of cached replies nobody knows what they were made of.

        Other conversations of the session may have been shown it in a note: their questions are bare from now on, and
        what the engine has computed of them goes. A client may have told of it in other words, so the history is read
        anew: no more of it than was held besides, for what was forgotten before by a command is in the file.
        """
        name, pipeline = talk(session, conversation), self._pipeline
        pipeline.cache.clear()
        if pipeline.similar is not None:
            pipeline.similar.forget(session)
        others = pipeline.histories.lay_bare(partial(is_talk_of, session))  # at once: these go on meanwhile
        # The engine need not be loaded for that.
        await asyncio.to_thread(self._forget, [name, *(each for each in others if each != name)])
        left = len(pipeline.histories.messages(name)) // 2 - gone
        pipeline.histories.forget(name)
        try:
            if pipeline.tiers is not None:  # they may hold it too; what they held is made again from its turns
                lay = await pipeline.tiers.forget(session)
                await asyncio.to_thread(self._forget, lay)
        except StoreError:  # which lay there is not said then
            await self._forget_all(session)
            raise
        finally:
            if left > 0:
                await self._go_on_anew(session, conversation, left)

    async def _forget_all(self, session: str) -> None:
        store = self._opened()
        assert store is not None
        try:
            found = await store.beside(partial(keeping.conversations, session=session))
            await asyncio.to_thread(self._forget, [talk(session, each.id) for each in found])
        except StoreError as error:  # the caller raises what went wrong first
            swallowed(log, "the engine could not be told which conversations there are", error)

    async def _go_on_anew(self, session: str, conversation: str, left: int) -> None:
        try:
            memory = await self._pipeline.store.get()
            self._pipeline.go_on_from(talk(session, conversation), await memory.newest(session, conversation, left))
        except StoreError as error:  # what was to be done is done: the conversation goes on without its history
            swallowed(log, "a history could not be read anew", error)

    def _forget(self, talks: Iterable[str]) -> None:
        for each in talks:
            self._engine.forget(each)

    async def _store(self, session: str) -> Store:
        await self._pipeline.store.get()
        await self._pipeline.saver.settled()
        if self._pipeline.tiers is not None:
            try:
                await self._pipeline.tiers.wake(session)
            except Damaged as error:  # the rest can be looked into, and all of it be forgotten
                swallowed(log, "what was said earlier cannot be read any more", error)
        store = self._opened()
        if store is None:
            raise NotKept("What this agent keeps cannot be looked into: its memory is not full text.")
        return store
