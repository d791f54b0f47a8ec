"""What runs in the processes of a pool: each loads an encoder of its own when it is first asked."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from functools import lru_cache

from systems.errors import FourgigError
from systems.research.embedding.parent import end_with
from systems.research.embedding.work import RelevanceWork, RelevanceWorker

# Seconds in which a process that has said it is ready leaves the next such question to another one.
_LEFT_TO_OTHERS_S = 0.01


@lru_cache(1)
def _worker(encoder: str | None) -> RelevanceWorker:
    """Return this process's worker: between two calls a pool's process has nothing but the names of its modules."""
    worker = RelevanceWorker(encoder, threads=1)
    worker.load()
    return worker


def begin(parent: int, encoder: str | None) -> None:
    """Begin a process of the pool of the process ``parent``, and load the encoder."""
    end_with(parent)
    with suppress(FourgigError):  # whoever asks is told: an error here would break the pool without a reason
        _worker(encoder)


def ready(encoder: str | None) -> int:
    """Return the number of a process that has loaded its encoder. Raises `FourgigError`."""
    _worker(encoder)
    time.sleep(_LEFT_TO_OTHERS_S)
    return os.getpid()


def done(encoder: str | None, work: RelevanceWork) -> bytes:
    """Do ``work`` with this process's encoder. Raises `FourgigError`."""
    return _worker(encoder).do(work)
