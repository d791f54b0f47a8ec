"""The optimized asynchronous agent: the shared turn, with nothing besides."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from systems.answering.agent import Answering
from systems.asynchronous.description import DESCRIPTION
from systems.asynchronous.settings import AsynchronousSettings


class Asynchronous(Answering):
    """Answers many conversations on one event loop; the turns of each stay in order."""

    summary = DESCRIPTION.summary
    Settings: ClassVar[type[msgspec.Struct]] = AsynchronousSettings
