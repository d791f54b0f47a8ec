"""An engine served without an agent: nothing is remembered, the messages a client sends are the prompt."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import msgspec

from systems.engines.interface import Call, Engine, Generation, Message
from systems.interface import Counters, Reply, Request, TokenSink
from systems.mechanisms.admission import deadline
from systems.mechanisms.awaiting import Sink, reply
from systems.mechanisms.calling import Called
from systems.mechanisms.wanted import Wanted
from systems.server.hosting import Host, into_loop


class EngineHost(Host):
    """Hosts an engine. One that can be awaited is; calls of another wait on threads, as many as it can use."""

    def __init__(self, engine: Engine, deadline_s: float) -> None:
        self._engine = engine
        self._deadline_s = deadline_s
        self._counters = Counters()
        self._threads = ThreadPoolExecutor(engine.parallelism, thread_name_prefix="engine")

    async def start(self) -> None:
        """Load the model. Raises `ModelError`."""
        await asyncio.to_thread(self._engine.load)

    async def complete(self, call: Call) -> Generation:
        """Do what ``call`` says; its ``on_token`` is called in the event loop, in order.

        Raises `EngineError`, also for what the engine would not heed, and `DeadlineExceeded`.
        """
        return (await self._call(call, self._deadline_s)).generation

    async def _call(self, call: Call, seconds: float) -> Called:
        self._engine.check_heeds(call.sampling, call.grammar, call.likeliest)
        wanted, hand_over = Wanted(time.perf_counter() + seconds), into_loop(call.on_token)
        sink = None if hand_over is None else Sink(hand_over, wanted)
        wired = msgspec.structs.replace(call, on_token=sink, check=wanted.check)
        on_thread = partial(asyncio.get_running_loop().run_in_executor, self._threads)
        async with deadline(seconds):
            called = await reply(self._engine, wired, wanted, on_thread)
        generation = called.generation
        self._counters.turns += 1
        self._counters.generations += 1
        self._counters.prompt_tokens += generation.prompt_tokens
        self._counters.reused_tokens += generation.reused_tokens
        return called

    async def answer(self, request: Request, on_token: TokenSink | None = None) -> Reply:
        """Answer one request as if nothing had been said before it."""
        arrived = time.perf_counter()
        call = Call(messages=[Message("user", request.text)], max_tokens=request.max_tokens, on_token=on_token)
        generation, called = await self._call(
            call, self._deadline_s if request.deadline_s is None else request.deadline_s
        )
        answered = Reply.of(request, generation, called_s=called - arrived)
        return msgspec.structs.replace(answered, total_s=time.perf_counter() - arrived)

    def counters(self) -> Counters:
        """Return what was generated."""
        return self._counters

    async def close(self) -> None:
        """Release the model."""
        await asyncio.to_thread(self._engine.close)
        self._threads.shutdown(wait=False, cancel_futures=True)
