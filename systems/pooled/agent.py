"""The pooled agent: the shared turn, in a bounded pool of live conversations, with tiers below it and targets above."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import msgspec

from systems.answering.agent import Answering
from systems.answering.beside import LowerTiers, ModelChoice
from systems.answering.lookups import LongTermMemory
from systems.answering.opening import MakeVectors
from systems.answering.parts import Saver
from systems.answering.pipeline import Pipeline
from systems.engines.interface import EmbeddingEngine, Engine
from systems.errors import BadInput, NotHeeded, PromptTooLong, StoreError
from systems.interface import Reply, Request, SystemMetric, TokenSink
from systems.logs import event, swallowed
from systems.mechanisms.admission import Admitting
from systems.mechanisms.memory_in_use import Meter
from systems.mechanisms.resources import Resource
from systems.mechanisms.saving import GroupCommit, Save
from systems.mechanisms.steps import NoteStep
from systems.pooled.description import DESCRIPTION
from systems.pooled.monitoring import telling
from systems.pooled.monitoring.bottlenecks import Bottleneck, Situation, bottlenecks, disk_waited
from systems.pooled.monitoring.step_times import StepTimes
from systems.pooled.monitoring.targets import JudgedTarget, judged
from systems.pooled.monitoring.window import Readings, Window
from systems.pooled.pool import AgentPool
from systems.pooled.settings import PooledSettings
from systems.turn.history import Compress, Leave

if TYPE_CHECKING:
    from systems.memory.fulltext import FullTextStore
    from systems.memory.vectors import VectorIndex
    from systems.pooled.choosing import TwoEngines
    from systems.pooled.tiers.tiers import PooledTiers

log = logging.getLogger(__name__)

# What a client asks wrongly, or does not want any more, is no failure of the agent.
_NOT_FAILED = (BadInput, NotHeeded, PromptTooLong, asyncio.CancelledError)


class Pooled(Answering):
    """Answers many conversations on one event loop, of which a bounded number is live."""

    summary = DESCRIPTION.summary
    Settings: ClassVar[type[msgspec.Struct]] = PooledSettings

    def __init__(self, settings: PooledSettings, engine: Engine, data_dir: Path) -> None:
        self._both: TwoEngines | None = None
        if settings.easy_model is not None:
            from systems.pooled.choosing import TwoEngines

            engine = self._both = TwoEngines.of_file(engine, Path(settings.easy_model))
        super().__init__(settings, engine, data_dir)
        self._own = settings
        self._folder = data_dir
        self._pool: AgentPool | None = None
        self._lower: PooledTiers | None = None
        self._window = Window(settings.window_s, settings.window_turns, self._memory_share)
        self._meter: Meter | None = None
        self._times = StepTimes() if settings.profile_turns else None

    # The turn's parts that this agent has in its own way.

    def _saving(self, save: Save) -> Saver:
        if not self._own.group_commit:
            return super()._saving(save)
        return GroupCommit(save, batch=self._own.save_batch, seed=self._own.seed)

    def _admitting(self, limit: int) -> Admitting:
        inside = super()._admitting(limit)
        if not self._own.pool:
            return inside
        noting = self._own.tiers and self._own.cleaning
        self._pool = AgentPool(inside, self._own.agents, self._own.wait_s, noting=noting)
        return self._pool

    def _most_held(self) -> int:
        # Without tiers a history that leaves is dropped, and read anew from its turns.
        own = self._own
        return min(own.agents, own.sessions) if own.pool and own.tiers else own.sessions

    def _compressing(self) -> Compress | None:
        if not self._own.context_manager:
            return None
        from systems.pooled.context import compressed

        return compressed

    def _history_room(self) -> int:
        return max(1, int(super()._history_room() * self._own.compress_above))

    def _leaving(self) -> Leave | None:
        return None if self._lower is None else self._lower.leave_hot

    def _tiers(self, store: Resource[LongTermMemory]) -> LowerTiers | None:  # noqa: ARG002 - turns stay where they are
        own = self._own
        if not own.tiers:
            return None
        from systems.pooled.tiers.tiers import Ages, Bounds, PooledTiers

        hot = None
        if own.hot_at is not None:
            from systems.pooled.tiers.in_redis import RedisStates

            # Long enough for cleaning to come first; what a killed agent left must not stay for ever.
            expires_s = own.cold_s if not own.cleaning else 2 * (own.hot_s + own.clean_every_s)
            hot = RedisStates(own.hot_at, self._folder, connections=own.agents, expires_s=expires_s)
        self._lower = PooledTiers(
            self._folder,
            Bounds(own.bytes_hot(), own.bytes_warm(), own.bytes_cold()),
            hot=hot,
            ages=Ages(own.hot_s, own.warm_s, own.cold_s) if own.cleaning else None,
            every_s=own.clean_every_s,
            before_cleaning=self._let_idle_go,
        )
        return self._lower

    def _models(self) -> ModelChoice | None:
        return self._both

    def _vectors(self) -> MakeVectors | None:
        own = self._own

        def make(store: FullTextStore, engine: EmbeddingEngine) -> VectorIndex:
            from systems.pooled.nearest import vectors_of  # takes numpy

            graph_from = own.hnsw_from if own.hnsw else None
            return vectors_of(store, engine, graph_from=graph_from, batched=own.batched_embedding)

        return make

    def _noting(self) -> NoteStep | None:
        return None if self._times is None else self._times.note

    async def _begin(self, pipeline: Pipeline) -> None:  # noqa: ARG002 - what leaves its histories comes by itself
        if self._lower is not None:
            await self._lower.open()

    async def _warm_up(self, pipeline: Pipeline) -> None:
        await super()._warm_up(pipeline)
        if self._lower is not None:
            try:
                await self._lower.bring_near(self._own.idle_agents)
            except StoreError as error:  # whoever is asked for is fetched then
                swallowed(log, "conversations could not be brought near", error)

    async def _end(self, pipeline: Pipeline) -> None:
        if self._lower is not None:
            pipeline.histories.leave_all()
            await self._lower.close()
        if self._times is not None:
            event(log, logging.INFO, "profile of turns", turns=self._times.turns, table=self._times.table())

    def _let_idle_go(self) -> None:
        """Let conversations be live no longer that nobody used for a while."""
        if self._pool is None or self._pipeline is None:
            return
        histories = self._pipeline.histories
        idle = self._pool.idle(self._own.hot_s, self._own.idle_agents, histories.knows)
        histories.let_go(idle.__contains__)

    # What it measures of itself.

    async def answer(self, request: Request, on_token: TokenSink | None = None) -> Reply:
        """Answer one request; those of other conversations are answered meanwhile."""
        began = time.perf_counter()
        try:
            reply = await super().answer(request, on_token)
        except _NOT_FAILED:
            raise
        except BaseException:
            self._ended(time.perf_counter() - began, answered=False)
            raise
        self._ended(time.perf_counter() - began, answered=True)
        return reply

    def _ended(self, seconds: float, *, answered: bool) -> None:
        self._window.ended(seconds, answered=answered)
        if self._times is not None:
            self._times.turn(seconds)

    def _memory_share(self) -> float:
        if self._meter is None:
            self._meter = Meter(self._own.memory_bytes)
        return self._meter.read().share

    def targets(self) -> list[JudgedTarget]:
        """Return what the last turns were like beside each target of which there is a reading."""
        return list(judged(self._window.read()))

    def _short(self, readings: Readings) -> Iterator[Bottleneck]:
        return bottlenecks(
            Situation(
                readings,
                self.counters(),
                waiting=0 if self._pool is None else self._pool.waiting,
                steps={} if self._times is None else self._times.shares(),
                disk=disk_waited(),
            )
        )

    def profile(self) -> str | None:
        """Return what each step of the turns took, as lines of text; None where steps are not timed."""
        return None if self._times is None else self._times.table()

    def metrics(self) -> list[SystemMetric]:
        """Return how its pool and its tiers are filled, how it keeps its targets, and what is short."""
        live = 0 if self._pipeline is None else self._pipeline.histories.count
        readings = self._window.read()
        return [
            *(telling.of_pool(self._pool, live) if self._pool is not None else ()),
            *(telling.of_tiers(self._lower) if self._lower is not None else ()),
            *telling.of_targets(judged(readings)),
            *telling.of_bottlenecks(self._short(readings)),
            *(telling.of_steps(self._times) if self._times is not None else ()),
        ]
