"""Much work shared among processors: each job runs in a process forked from this one, and finds all as it is here."""

from __future__ import annotations

import gc
import multiprocessing
import os
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any

_jobs: list[Callable[[], Any]] = []


def shared(jobs: Sequence[Callable[[], Any]]) -> list[Any]:
    """Return what each job returns, in their order; on one processor they are done here.

    Raises what a job raises, and `BrokenProcessPool` where a process was killed, for want of memory say.
    """
    workers = min(len(os.sched_getaffinity(0)), len(jobs))
    if workers < 2:
        return [job() for job in jobs]
    # A job holds what cannot be sent to another process: forked ones find it by its place.
    _jobs[:] = jobs
    try:
        with warnings.catch_warnings():
            # Newer Pythons warn of forking beside threads: numpy's, which hold no lock while they wait for work.
            warnings.simplefilter("ignore", DeprecationWarning)
            # None of them looks for garbage in what it finds: again and again it would, and copy every page of it.
            with ProcessPoolExecutor(workers, multiprocessing.get_context("fork"), initializer=gc.freeze) as pool:
                return [*pool.map(_do, range(len(jobs)))]
    finally:
        _jobs.clear()


def _do(place: int) -> Any:
    return _jobs[place]()
