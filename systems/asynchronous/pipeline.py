"""One turn of the asynchronous agent, step by step, in the order of the traditional one."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Sequence
from typing import Protocol

import msgspec

from systems import commands, prompt
from systems.asynchronous.admission import Admission, Unbounded
from systems.asynchronous.isolation import Executors
from systems.asynchronous.resources import Resource
from systems.asynchronous.settings import AsynchronousSettings
from systems.engines.interface import Engine, Generation, Message
from systems.errors import Abandoned
from systems.history import Exchange, Histories
from systems.interface import Counters, Reply, Request, Source, TokenSink
from systems.memory.importance import is_important
from systems.memory.keywords import Keywords
from systems.memory.schema import SavedTurn
from systems.surroundings import classify_emotion, observe, read_system_information


class Store(Protocol):
    """Long-term memory, as the pipeline uses it."""

    async def find(self, session: str, keywords: Sequence[str], limit: int) -> list[str]:
        """Return what was said before about ``keywords``."""
        ...

    async def save(self, turns: Sequence[SavedTurn]) -> None:
        """Save ``turns``."""
        ...


class ReplyCache(Protocol):
    """Replies by key."""

    def get(self, key: str) -> Reply | None:
        """Return the reply under ``key``, or None."""
        ...

    def put(self, key: str, reply: Reply) -> None:
        """Store ``reply`` under ``key``."""
        ...


class Saver(Protocol):
    """Takes over turns to be saved; ``saved`` counts turns, ``failures`` attempts."""

    saved: int
    failures: int

    async def close(self) -> None:
        """Save what was accepted."""
        ...

    async def add(self, turn: SavedTurn) -> None:
        """Accept ``turn``."""
        ...


class Pipeline(msgspec.Struct, frozen=True, kw_only=True):
    """The parts one turn passes through."""

    settings: AsynchronousSettings
    executors: Executors
    admission: Admission | Unbounded
    keywords: Resource[Keywords]
    engine: Resource[Engine]
    engine_identity: str
    store: Resource[Store]
    saver: Saver
    histories: Histories
    cache: ReplyCache
    counters: Counters

    async def turn(self, request: Request, on_token: TokenSink | None, arrived: float) -> Reply:
        """Answer ``request``, which arrived at ``arrived`` (`time.perf_counter`)."""
        if commands.is_command(request.text):
            text = commands.answer(request.text, forget=lambda: self.histories.forget(request.session))
            self.counters.turns += 1
            return _finished(Reply(request_id=request.id, text=text, source=Source.COMMAND), arrived)

        keywords, words = await self._analyse(request.text)
        system = await self.executors.run("system", read_system_information)
        observed = observe(system, classify_emotion(request.text), request.observed)
        memories = await (await self.store.get()).find(request.session, keywords, self.settings.memories)
        history = self.histories.messages(request.session)
        messages = prompt.build(history, memories, observed, request.text)

        key = prompt.cache_key(self.settings.cache_key, request, self.engine_identity, messages)
        cached = self.cache.get(key)
        if cached is None:
            self.counters.cache_misses += 1
            reply = await self._generate(request, messages, memories, on_token, arrived)
            self.cache.put(key, reply)
        else:
            self.counters.cache_hits += 1
            reply = cached.served_again(request.id, first_token_s=time.perf_counter() - arrived)
            if on_token is not None:
                on_token(reply.text)

        await self._remember(request, reply.text, keywords, words)
        return _finished(reply, arrived)

    async def turn_again(self, request: Request, reply: Reply) -> None:
        """Remember a turn that got the ``reply`` of another one, asked at the same time."""
        self.counters.coalesced += 1
        if reply.source is not Source.COMMAND:
            await self._remember(request, reply.text, *await self._analyse(request.text))

    async def _remember(self, request: Request, answer: str, keywords: Sequence[str], words: Sequence[str]) -> None:
        await self.saver.add(
            SavedTurn(
                session=request.session,
                question=request.text,
                answer=answer,
                keywords=tuple(keywords),
                words=tuple(words),
            )
        )
        exchange = Exchange(request.text, answer, important=is_important(request.text))
        self.histories.add(request.session, exchange)
        self.counters.turns += 1

    async def _analyse(self, text: str) -> tuple[list[str], list[str]]:
        """Return the keywords of ``text``, and its words where an index wants them, in one trip to a thread."""
        extractor = await self.keywords.get()

        def analyse() -> tuple[list[str], list[str]]:
            return extractor.extract(text), extractor.segment(text) if self.settings.full_text else []

        return await self.executors.run("keywords", analyse)

    async def _generate(
        self,
        request: Request,
        messages: list[Message],
        memories: list[str],
        on_token: TokenSink | None,
        arrived: float,
    ) -> Reply:
        engine = await self.engine.get()
        abandoned = threading.Event()

        def pass_on(token: str) -> None:
            if abandoned.is_set():
                raise Abandoned("Nobody waits for this reply.")
            if on_token is not None:
                on_token(token)

        def generate() -> tuple[float, Generation]:
            called = time.perf_counter()
            return called, engine.generate(
                messages, max_tokens=request.max_tokens, forced_reply=request.scripted_reply, on_token=pass_on
            )

        async with self.admission.slot():
            self.counters.generations += 1
            try:
                called, generation = await self.executors.run("engine", generate)
            except asyncio.CancelledError:
                abandoned.set()
                raise
        return Reply(
            request_id=request.id,
            text=generation.text,
            source=Source.MODEL,
            memories=tuple(memories),
            prompt_tokens=generation.prompt_tokens,
            generated_tokens=generation.generated_tokens,
            first_token_s=called - arrived + generation.first_token_s,
        )


def _finished(reply: Reply, arrived: float) -> Reply:
    return msgspec.structs.replace(reply, total_s=time.perf_counter() - arrived)
