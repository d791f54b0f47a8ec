"""The tiered agent: the shared turn, with the parts that let many live agents fit into little memory."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import msgspec

from systems.answering.agent import Answering
from systems.answering.beside import LowerTiers, Similar
from systems.answering.lookups import LongTermMemory
from systems.answering.parts import Saver
from systems.answering.pipeline import Pipeline
from systems.engines.interface import Engine
from systems.errors import NotKept
from systems.interface import Request, SystemMetric
from systems.mechanisms.resources import Resource
from systems.mechanisms.saving import GroupCommit, Save
from systems.memory.importance import keep_important
from systems.tiered import telling
from systems.tiered.description import DESCRIPTION
from systems.tiered.relief import Relief
from systems.tiered.settings import TieredSettings
from systems.turn.history import Leave, Prune, keep_newest

if TYPE_CHECKING:
    from systems.tiered.pressure.judging import Stage
    from systems.tiered.pressure.returning import Returning
    from systems.tiered.pressure.stages import Pressure
    from systems.tiered.similar import SimilarReplies
    from systems.tiered.tiers.objects import ObjectStore
    from systems.tiered.tiers.tiers import Tiers
    from systems.tiered.tiers.turns import Store


class Tiered(Answering):
    """Answers many conversations on one event loop, most of which lie packed until they are asked again."""

    summary = DESCRIPTION.summary
    Settings: ClassVar[type[msgspec.Struct]] = TieredSettings

    def __init__(self, settings: TieredSettings, engine: Engine, data_dir: Path) -> None:
        super().__init__(settings, engine, data_dir)
        self._own = settings
        self._folder = data_dir
        self._lower: Tiers | None = None
        self._meant: SimilarReplies | None = None
        self._pressure: Pressure | None = None
        self._returning: Returning | None = None

    def _saving(self, save: Save) -> Saver:
        if not self._own.group_commit:
            return super()._saving(save)
        return GroupCommit(save, batch=self._own.save_batch, seed=self._own.seed)

    def _pruning(self) -> Prune:
        if not self._own.relevance_pruning:
            return keep_important if self._own.importance_pruning else keep_newest
        from systems.tiered.pruning import keep_relevant

        return keep_relevant

    def _bytes_held(self) -> int:
        return self._own.bytes_hot() if self._own.tiers else super()._bytes_held()

    def _leaving(self) -> Leave | None:
        return None if self._lower is None else self._lower.leave_hot

    def _tiers(self, store: Resource[LongTermMemory]) -> LowerTiers | None:
        own = self._own
        if not own.tiers:
            return None
        from systems.tiered.tiers.tiers import Tiers
        from systems.tiered.tiers.turns import StoredTurns

        objects = self._objects()
        self._lower = Tiers(
            self._folder,
            warm_bytes=own.bytes_warm(),
            cold_bytes=own.bytes_cold(),
            objects=objects,
            turns=None if objects is None else StoredTurns(partial(self._store, store)),
            dictionary=own.dictionary,
            prefetch=own.prefetch,
            freeze_after_s=own.freeze_after_s,
        )
        return self._lower

    def _objects(self) -> ObjectStore | None:
        """Return where bundles are kept; None where nothing is frozen. Raises `BadInput`.

        Turns that are not full text stay where they are.
        """
        if not (self._own.frozen and self._own.full_text):
            return None
        from systems.tiered.tiers.objects import opened

        return opened(self._own.frozen_at or "", self._folder / "frozen")

    async def _store(self, store: Resource[LongTermMemory]) -> Store:
        await store.get()
        found = self._opened()
        if found is None:
            raise NotKept("What this agent keeps cannot be moved: its memory is not full text.")
        return found

    def _similar(self) -> Similar | None:
        own = self._own
        if not own.semantic_cache or own.semantic_model is None:
            return None
        from systems.tiered.similar import SimilarReplies  # takes numpy

        self._meant = SimilarReplies(
            Path(own.semantic_model),
            self._engine.identity,
            capacity=own.semantic_replies,
            most_bytes=own.bytes_semantic(),
            seconds=own.cache_seconds,
            sessions=own.sessions,
        )
        return self._meant

    def _admit(self, request: Request) -> None:
        if self._pressure is not None and self._own.back_pressure:
            self._pressure.admit()
        if self._lower is not None and self._own.prefetch:
            self._lower.expect(request.session)

    async def _begin(self, pipeline: Pipeline) -> None:
        if self._lower is not None:
            await self._lower.open()
        if self._own.memory_return:
            from systems.tiered.pressure.returning import Returning

            self._returning = Returning()
        if self._own.staged_degradation or self._own.back_pressure:
            self._pressure = self._watching(pipeline)
            self._pressure.start()

    def _watching(self, pipeline: Pipeline) -> Pressure:
        """Return what looks at memory, and has the agent do without what a stage names."""
        from systems.mechanisms.memory_in_use import Meter
        from systems.tiered.pressure.forecast import Forecast
        from systems.tiered.pressure.stages import Pressure

        own = self._own
        relief = Relief(
            pipeline.histories, own.bytes_hot(), pipeline.cache, self._lower, self._meant, own.semantic_replies
        )

        async def reclaim(stage: Stage, _too_many: int) -> None:
            if own.staged_degradation:
                relief.take(stage)
            if self._returning is not None:
                await self._returning.give_back()

        return Pressure(
            Meter(own.memory_bytes).read,
            reclaim,
            forecast=Forecast() if own.forecast else None,
            refuses=own.back_pressure,
            every_s=own.look_every_s,
        )

    async def _end(self, pipeline: Pipeline) -> None:
        try:
            if self._pressure is not None:
                await self._pressure.close()
            if self._returning is not None:
                await self._returning.close()
        finally:
            await self._end_of_tiers(pipeline)

    async def _end_of_tiers(self, pipeline: Pipeline) -> None:
        try:
            if self._lower is not None:
                pipeline.histories.leave_all()
                await self._lower.close()
        finally:
            if self._meant is not None:
                await self._meant.finish()

    def metrics(self) -> list[SystemMetric]:
        """Return what its tiers and caches hold, and what memory pressure made of it."""
        return [
            *(telling.of_tiers(self._lower) if self._lower is not None else ()),
            *(telling.of_similar(self._meant) if self._meant is not None else ()),
            *(telling.of_pressure(self._pressure) if self._pressure is not None else ()),
            *(telling.of_returning(self._returning) if self._returning is not None else ()),
        ]
