"""Calling an engine, and noting when it was called."""

from __future__ import annotations

import time
from typing import NamedTuple

from systems.engines.interface import Call, Engine, Generation


class Called(NamedTuple):
    """What a call of an engine produced, and when it was made (`time.perf_counter`)."""

    generation: Generation
    at: float


def generate(engine: Engine, call: Call) -> Called:
    """Call ``engine`` on this thread. Raises `EngineError`."""
    at = time.perf_counter()
    return Called(engine.generate(call), at)
