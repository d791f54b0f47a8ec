"""Replies to questions that meant the same, as a turn asks for them: the semantic cache, off the event loop.

A question that another one's reply will do for is answered before anything else is looked up. Which those are, and
what a reply depends on beside the question, is said in `systems.tiered.semantic`.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from systems.answering.beside import Looked
from systems.engines.interface import EmbeddingEngine
from systems.interface import Reply, Request
from systems.mechanisms.resources import Resource
from systems.tiered.semantic.cache import SemanticCache
from systems.tiered.semantic.scopes import Scopes


class SimilarReplies:
    """The replies to what means the same, of an agent that answers with the engine called ``engine``.

    The encoder, the model file ``model``, is loaded when the first question comes that may be served; no more than
    ``capacity`` replies in ``most_bytes`` are held, each for ``seconds``.
    """

    def __init__(
        self, model: Path, engine: str, *, capacity: int, most_bytes: int, seconds: float, sessions: int
    ) -> None:
        self._model = model
        self._engine = engine
        self._capacity = capacity
        self._most_bytes = most_bytes
        self._seconds = seconds
        self._scopes = Scopes(sessions)
        self._cache = Resource("semantic cache", self._open)
        self._opened: SemanticCache | None = None
        self._encoder: EmbeddingEngine | None = None
        self._cleared = 0

    async def _open(self) -> SemanticCache:
        from systems.engines.embedding.opening import embedding_engine

        encoder = self._encoder = embedding_engine(self._model, 1)
        await asyncio.to_thread(encoder.load)
        self._opened = SemanticCache(
            encoder, capacity=self._capacity, max_bytes=self._most_bytes, seconds=self._seconds
        )
        return self._opened

    async def asked(self, request: Request) -> Looked:
        """Return what is known of the question of ``request``. Raises `EngineError`, `ModelError`, `BadInput`."""
        self.told(request)
        scope, cleared = self._scope(request), self._cleared
        cache = await self._cache.get()
        if not cache.may_serve(request.text):
            return Looked()
        hit = await asyncio.to_thread(cache.get, scope, request.text)
        if cleared != self._cleared:  # it may know what was forgotten meanwhile
            return Looked()
        return Looked(scope, cache.cleared, None if hit is None else hit.reply)

    async def answered(self, request: Request, asked: Looked, reply: Reply) -> None:
        """Let ``reply`` be that to the question, if it may be served again. Raises `EngineError`."""
        cache = await self._cache.get()
        await asyncio.to_thread(cache.put, asked.scope, request.text, reply, cleared=asked.cleared)

    def told(self, request: Request) -> None:
        """Note what ``request`` says: replies that did not know it will not do any more."""
        self._scopes.said(request.session, request.text)

    def forget(self, session: str) -> None:
        """Let go of every reply, for nobody knows what each was made of, and of those that are being made."""
        self._cleared += 1
        self._scopes.forget(session)
        if self._opened is not None:
            self._opened.clear()

    def resize(self, capacity: int) -> None:
        """Hold at most ``capacity`` replies from now on."""
        self._capacity = capacity
        if self._opened is not None:
            self._opened.resize(capacity)

    def counts(self) -> dict[str, int]:
        """Return how often a question was what (`SemanticCache.counts`)."""
        return {} if self._opened is None else dict(self._opened.counts)

    @property
    def bytes(self) -> int:
        """Bytes held."""
        return 0 if self._opened is None else self._opened.bytes

    async def finish(self) -> None:
        """Wait for the encoder, if it is being loaded, and let go of it."""
        await self._cache.finish()
        self._opened = None
        if self._encoder is not None:
            await asyncio.to_thread(self._encoder.close)

    def _scope(self, request: Request) -> str:
        form = repr((request.max_tokens, request.sampling, request.grammar, request.likeliest, request.all_messages))
        told = [part for message in request.before or () for part in (message.role, message.content)]
        return self._scopes.scope(
            request.session, self._engine, form, request.instructions, str(request.before is None), *told
        )
