"""An engine served without an agent: nothing is remembered, the messages a client sends are the prompt."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from systems.engines.interface import AsyncEngine, Engine, Generation, Message, Sampling
from systems.errors import BadInput
from systems.interface import Counters, Reply, Request, Source, TokenSink
from systems.mechanisms.admission import deadline
from systems.mechanisms.wanted import Wanted
from systems.server.hosting import Host, into_loop


class EngineHost(Host):
    """Hosts an engine. One that can be awaited is; calls of another wait on threads, as many as it can use."""

    def __init__(self, engine: Engine, deadline_s: float) -> None:
        self._engine = engine
        self._deadline_s = deadline_s
        self._counters = Counters()
        self._threads = ThreadPoolExecutor(engine.parallelism, thread_name_prefix="engine")

    @property
    def sampling(self) -> Sampling | None:
        """How the engine samples for a request that does not say; None if a request cannot say."""
        return self._engine.sampling if isinstance(self._engine, AsyncEngine) else None

    async def start(self) -> None:
        """Load the model. Raises `ModelError`."""
        await asyncio.to_thread(self._engine.load)

    async def complete(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        on_token: TokenSink | None = None,
        deadline_s: float | None = None,
        conversation: str | None = None,
        sampling: Sampling | None = None,
        scripted_reply: str | None = None,
    ) -> Generation:
        """Generate after ``messages``; ``on_token`` is called in the event loop, in order.

        Raises `EngineError` and `DeadlineExceeded`, and `BadInput` for a sampling that the engine cannot be told.
        """
        engine, seconds = self._engine, self._deadline_s if deadline_s is None else deadline_s
        async with deadline(seconds):
            if isinstance(engine, AsyncEngine):
                generation = await engine.reply(
                    messages,
                    max_tokens=max_tokens,
                    forced_reply=scripted_reply,
                    on_token=into_loop(on_token),
                    conversation=conversation,
                    sampling=sampling,
                )
            elif sampling is not None:
                raise BadInput(f"The engine {engine.name} samples every request alike.")
            else:
                wanted, hand_over = Wanted(time.perf_counter() + seconds), into_loop(on_token)

                def pass_on(token: str) -> None:
                    wanted.check()
                    if hand_over is not None:
                        hand_over(token)

                call = partial(
                    engine.generate,
                    messages,
                    max_tokens=max_tokens,
                    forced_reply=scripted_reply,
                    on_token=pass_on,
                    conversation=conversation,
                    check=wanted.check,
                )
                try:
                    generation = await asyncio.get_running_loop().run_in_executor(self._threads, call)
                finally:
                    wanted.abandon()
        self._counters.turns += 1
        self._counters.generations += 1
        self._counters.prompt_tokens += generation.prompt_tokens
        self._counters.reused_tokens += generation.reused_tokens
        return generation

    async def answer(self, request: Request, on_token: TokenSink | None = None) -> Reply:
        """Answer one request as if nothing had been said before it."""
        arrived = time.perf_counter()
        generation = await self.complete(
            [Message("user", request.text)],
            max_tokens=request.max_tokens,
            on_token=on_token,
            deadline_s=request.deadline_s,
            scripted_reply=request.scripted_reply,
        )
        return Reply(
            request_id=request.id,
            text=generation.text,
            source=Source.MODEL,
            prompt_tokens=generation.prompt_tokens,
            reused_tokens=generation.reused_tokens,
            generated_tokens=generation.generated_tokens,
            finish_reason=generation.finish_reason,
            first_token_s=generation.first_token_s,
            total_s=time.perf_counter() - arrived,
        )

    def counters(self) -> Counters:
        """Return what was generated."""
        return self._counters

    async def close(self) -> None:
        """Release the model."""
        await asyncio.to_thread(self._engine.close)
        self._threads.shutdown(wait=False, cancel_futures=True)
