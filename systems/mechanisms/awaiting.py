"""Calling an engine from an event loop: awaited where it can be, on a thread where not, abandoned when cancelled."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial

from systems.engines.interface import AsyncEngine, Call, Engine
from systems.interface import TokenSink
from systems.mechanisms.calling import Called, generate
from systems.mechanisms.wanted import Wanted

OnThread = Callable[[Callable[[], Called]], Awaitable[Called]]
"""Runs a function where it may block, and returns what it returns."""


class Sink:
    """Passes the pieces of a reply on to ``on_token`` while the reply is wanted; ``used`` says whether any came."""

    __slots__ = ("_on_token", "_wanted", "used")

    def __init__(self, on_token: TokenSink, wanted: Wanted) -> None:
        self._on_token = on_token
        self._wanted = wanted
        self.used = False

    def __call__(self, piece: str) -> None:
        """Pass ``piece`` on. Raises what `Wanted.check` raises."""
        self._wanted.check()
        self.used = True
        self._on_token(piece)


async def reply(engine: Engine, call: Call, wanted: Wanted, on_thread: OnThread, *, may_await: bool = True) -> Called:
    """Call ``engine`` without holding up the event loop; ``may_await`` false calls it as one that cannot be awaited.

    A caller that is cancelled abandons ``wanted``, which ends a call whose ``check`` or ``on_token`` asks it. Raises
    `EngineError`.
    """
    try:
        if may_await and isinstance(engine, AsyncEngine):
            at = time.perf_counter()
            return Called(await engine.reply(call), at)
        return await on_thread(partial(generate, engine, call))
    except asyncio.CancelledError:
        wanted.abandon()
        raise
