"""A model that leaves memory while nobody wants it, and is loaded again for who wants it next.

It is an engine around another one, so that no agent need know of it: whoever calls it finds it loaded.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import logging
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import ClassVar, cast

import msgspec
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from systems.engines.around import AroundEngine
from systems.engines.interface import AddressedEngine, AsyncEngine, Call, Engine, Generation
from systems.errors import FourgigError
from systems.logs import event, swallowed

log = logging.getLogger(__name__)

Clock = Callable[[], float]

# Between two looks there are at least so many seconds.
_LOOK_S = 1.0


class UnloadingEngine(AroundEngine, Collector):
    """Another engine, which is closed once nobody has called it for ``after_s``, and loaded again by the next call.

    A call that finds it unloaded waits until it is loaded, and so does every other that comes meanwhile. A load that
    fails is told to the call that wanted it, as `ModelError`; the next one tries again. What the engine kept of
    conversations leaves with it.
    """

    name: ClassVar[str] = "unloading"
    summary: ClassVar[str] = "another engine, which leaves memory while nobody wants it"
    Settings: ClassVar[type[msgspec.Struct]] = msgspec.Struct

    def __init__(self, inner: Engine, after_s: float, clock: Clock = time.monotonic) -> None:
        super().__init__(inner)
        self._after_s = after_s
        self._clock = clock
        self._changing = threading.Lock()  # held while the model is loaded or unloaded
        self._counting = threading.Lock()  # of what follows; never held for long
        self._wanted = self._loaded = self._takes_memory = False
        self._uses = self._unloads = 0
        self._last_use = clock()
        self._beside: list[UnloadingEngine] = []

    @property
    def loaded(self) -> bool:
        """Whether the model is in memory."""
        return self._loaded

    def count(self, text: str) -> int:
        """Return what the inner engine counts. Raises `ModelError` if it cannot be loaded again."""
        with self._use():
            return self._inner.count(text)

    def load(self) -> None:
        """Load the model; a second call does nothing. Raises `ModelError`."""
        self._wanted = True
        with self._use():
            pass

    def generate(self, call: Call) -> Generation:
        """Do what ``call`` says. Raises `EngineError`, and `ModelError` if the model cannot be loaded again."""
        with self._use():
            return self._inner.generate(call)

    def beside(self, other: Engine) -> Engine:
        """Return ``other`` made to leave memory when it was idle for as long; `unload_if_idle` looks after it too."""
        made = unloading(other, self._after_s, self._clock)
        if isinstance(made, UnloadingEngine):
            self._beside.append(made)
        return made

    def unload_if_idle(self) -> float:
        """Unload the model if nobody has called for long enough; return after how many seconds to look again. Blocks.

        So does each that was opened beside it. Raises `EngineError` if one does not end.
        """
        try:
            mine_s = self._unload_if_idle()
        finally:
            beside_s = [each.unload_if_idle() for each in self._beside]
        return min([mine_s, *beside_s])

    def _unload_if_idle(self) -> float:
        with self._changing:
            with self._counting:
                left_s = self._after_s if self._uses else self._last_use + self._after_s - self._clock()
                if self._uses or left_s > 0 or not self._loaded:
                    return left_s if left_s > 0 else self._after_s
                self._loaded = False  # who comes from now on loads it again, when it has left
            self._inner.close()
        give_back()
        with self._counting:
            self._unloads += 1
            self._takes_memory = self._loaded  # somebody may have it back already
        event(log, logging.INFO, "the model left memory", idle_s=self._after_s)
        return self._after_s

    def close(self) -> None:
        """Release the model for good; a second call does nothing."""
        self._wanted = False
        with self._changing:
            self._loaded = self._takes_memory = False
            self._inner.close()

    def collect(self) -> Iterable[Metric]:
        """Yield whether a model is in memory, until that was given back, and how often one left."""
        all_of_them = (self, *self._beside)
        there = int(any(each._takes_memory for each in all_of_them))
        unloads = sum(each._unloads for each in all_of_them)
        yield GaugeMetricFamily("fourgig_model_loaded", "Whether the model is in memory: 1, or 0.", there)
        yield CounterMetricFamily("fourgig_model_unloads", "How often the model left memory, idle.", unloads)

    @contextmanager
    def _use(self) -> Iterator[None]:
        """Have the model loaded, and keep it. Raises `ModelError`."""
        with self._counted():
            self._load()
            yield

    @asynccontextmanager
    async def _use_in_loop(self) -> AsyncIterator[None]:
        """As `_use`, but who waits for the model does not hold the event loop."""
        with self._counted():
            if self._wanted and not self._loaded:
                await asyncio.to_thread(self._load)
            yield

    @contextmanager
    def _counted(self) -> Iterator[None]:
        # Counted first: a model that is still loaded then is not unloaded under the caller's hands.
        with self._counting:
            self._uses += 1
        try:
            yield
        finally:
            with self._counting:
                self._uses -= 1
                self._last_use = self._clock()

    def _load(self) -> None:
        if self._loaded or not self._wanted:  # one that is not wanted says so itself
            return
        with self._changing:
            if self._wanted and not self._loaded:
                self._inner.load()
                with self._counting:
                    self._loaded = self._takes_memory = True


class UnloadingAsyncEngine(UnloadingEngine, AsyncEngine):
    """As `UnloadingEngine`, around an engine whose replies can be awaited."""

    def __init__(self, inner: AsyncEngine, after_s: float, clock: Clock = time.monotonic) -> None:
        super().__init__(inner, after_s, clock)

    async def reply(self, call: Call) -> Generation:
        """Do what ``call`` says. Raises `EngineError`, and `ModelError` if the model cannot be loaded again."""
        async with self._use_in_loop():
            return await cast(AsyncEngine, self._inner).reply(call)


def unloading(engine: Engine, after_s: float, clock: Clock = time.monotonic) -> Engine:
    """Return ``engine`` made to leave memory when it was idle for ``after_s``; one elsewhere takes none of it here."""
    if isinstance(engine, AddressedEngine):
        return engine
    if isinstance(engine, AsyncEngine):
        return UnloadingAsyncEngine(engine, after_s, clock)
    return UnloadingEngine(engine, after_s, clock)


Unload = Callable[[], Awaitable[float]]
"""Unloads a model if it was idle for long enough, and says after how many seconds to look again."""


async def watch(unload: Sequence[Unload], turns: Callable[[], int], look_s: float = _LOOK_S) -> None:
    """Unload what is idle, again and again until cancelled; nothing while ``turns`` says that some are under way.

    A turn may have begun and not called its model yet, or no more for a while: it is not to wait for it twice.
    """
    wait_s = 0.0
    while True:
        await asyncio.sleep(max(wait_s, look_s))
        wait_s = 0.0
        if turns():
            continue
        for each in unload:
            try:
                left_s = await each()
            except FourgigError as error:  # the next who wants the model learns what is wrong with it
                swallowed(log, "a model could not be unloaded", error)
                left_s = look_s
            wait_s = min(wait_s or left_s, left_s)


def give_back() -> None:
    """Give the memory that was freed back to the system; the C library keeps some for what is allocated next."""
    gc.collect()
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):  # not glibc: what is freed is given back in its own way
        return
    trim(0)
