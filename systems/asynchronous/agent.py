"""The optimized asynchronous agent: the shared turn, whose reply does not wait for the disk."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import msgspec

from systems.answering.agent import Answering
from systems.answering.parts import Saver
from systems.asynchronous.description import DESCRIPTION
from systems.asynchronous.settings import AsynchronousSettings
from systems.engines.interface import Engine
from systems.mechanisms.saving import BackgroundSaver, Save


class Asynchronous(Answering):
    """Answers many conversations on one event loop; the turns of each stay in order."""

    summary = DESCRIPTION.summary
    Settings: ClassVar[type[msgspec.Struct]] = AsynchronousSettings

    def __init__(self, settings: AsynchronousSettings, engine: Engine, data_dir: Path) -> None:
        super().__init__(settings, engine, data_dir)
        self._own = settings

    def _saving(self, save: Save) -> Saver:
        if not self._own.background_saving:
            return super()._saving(save)
        own = self._own
        return BackgroundSaver(save, batch=own.save_batch, queue_limit=own.save_queue, seed=own.seed)
