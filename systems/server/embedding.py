"""An embedding model beside what is served: loaded at the first request, answering one caller after another."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

import numpy as np
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from systems.engines.interface import Embedded, EmbeddingEngine, Purpose
from systems.mechanisms.admission import Admission, deadline
from systems.mechanisms.draining import UnderWay
from systems.server.unloading import give_back

T = TypeVar("T")

# Texts between two looks at whether anybody still waits, and requests that may wait.
_AT_ONCE, _WAITING = 32, 64


class EmbeddingHost(Collector):
    """Hosts an embedding engine under ``name``. Its memory is taken when the first request comes, not before.

    With ``unload_after_s`` it is given back, by `unload_if_idle`, after so long without one.
    """

    def __init__(
        self,
        engine: EmbeddingEngine,
        name: str,
        unload_after_s: float = math.inf,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self._engine = engine
        self._unload_after_s = unload_after_s
        self._clock = clock
        self._last_use = clock()
        self._under_way = UnderWay()
        self._requests = self._texts = self._tokens = 0
        self._admission = Admission(1, _WAITING)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="embeddings")

    async def embed(self, texts: Sequence[str], purpose: Purpose, seconds: float) -> Embedded:
        """Return the vectors of ``texts``; what a caller who has left still wanted is not computed.

        Raises `ModelError`, `EngineError`, `PromptTooLong` for a text longer than the model reads, `Refused` and
        `DeadlineExceeded`.
        """
        found: list[Embedded] = []
        with self._under_way:
            try:
                async with deadline(seconds), self._admission.turn(), self._admission.slot():
                    await self._do(self._engine.load)
                    for start in range(0, len(texts), _AT_ONCE):
                        some = texts[start : start + _AT_ONCE]
                        found.append(await self._do(partial(self._engine.embed, some, purpose, cut=False)))
            finally:
                self._last_use = self._clock()
        tokens = sum(one.tokens for one in found)
        self._requests += 1
        self._texts += len(texts)
        self._tokens += tokens
        return Embedded(np.concatenate([one.vectors for one in found]), tokens)

    async def unload_if_idle(self) -> float:
        """Unload the model if nobody has asked for long enough; return after how many seconds to look again."""
        left_s = self._last_use + self._unload_after_s - self._clock()
        if self._under_way.count or left_s > 0 or not self._engine.weights_bytes:
            return left_s if left_s > 0 else self._unload_after_s
        # Who asks from now on loads it again, on the same thread and so after this.
        await self._do(self._engine.close)
        await self._do(give_back)
        return self._unload_after_s

    def collect(self) -> Iterable[Metric]:
        """Yield what was counted, and what the weights take once they are loaded."""
        weights = self._engine.weights_bytes
        yield GaugeMetricFamily("fourgig_embedding_weights_bytes", "Weights that are loaded, in bytes.", weights)
        yield CounterMetricFamily("fourgig_embedding_requests", "Requests answered with vectors.", self._requests)
        yield CounterMetricFamily("fourgig_embedding_texts", "Texts made into vectors.", self._texts)
        yield CounterMetricFamily("fourgig_embedding_tokens", "Tokens of these texts.", self._tokens)

    async def close(self) -> None:
        """Release the model."""
        await self._do(self._engine.close)
        self._thread.shutdown()

    async def _do(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)
