"""The tiered agent: the shared turn, with the parts that let many live agents fit into little memory."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import msgspec

from systems.answering.agent import Answering
from systems.answering.beside import Similar
from systems.answering.pipeline import Saver
from systems.engines.interface import Engine
from systems.interface import SystemMetric
from systems.mechanisms.saving import GroupCommit, Save
from systems.memory.importance import keep_important
from systems.tiered.description import DESCRIPTION
from systems.tiered.settings import TieredSettings
from systems.turn.history import Prune, keep_newest


class Tiered(Answering):
    """Answers many conversations on one event loop, most of which lie packed until they are asked again."""

    summary = DESCRIPTION.summary
    Settings: ClassVar[type[msgspec.Struct]] = TieredSettings

    def __init__(self, settings: TieredSettings, engine: Engine, data_dir: Path) -> None:
        super().__init__(settings, engine, data_dir)
        self._own = settings

    def _saving(self, save: Save) -> Saver:
        if not self._own.group_commit:
            return super()._saving(save)
        return GroupCommit(save, batch=self._own.save_batch, seed=self._own.seed)

    def _pruning(self) -> Prune:
        if not self._own.relevance_pruning:
            return keep_important if self._own.importance_pruning else keep_newest
        from systems.tiered.pruning import keep_relevant

        return keep_relevant

    def _similar(self) -> Similar | None:
        own = self._own
        if not own.semantic_cache or own.semantic_model is None:
            return None
        from systems.tiered.similar import SimilarReplies  # takes numpy

        return SimilarReplies(
            Path(own.semantic_model),
            self._engine.identity,
            capacity=own.semantic_replies,
            most_bytes=own.bytes_semantic(),
            seconds=own.cache_seconds,
            sessions=own.sessions,
        )

    def metrics(self) -> list[SystemMetric]:
        """Return what its tiers hold."""
        return []
