"""Retry: what failed for a passing reason is tried again, after waits that grow and are jittered."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from random import Random
from typing import TypeVar

from systems.errors import FourgigError

T = TypeVar("T")

ATTEMPTS = 3


class Backoff:
    """The waits between attempts: doubling from ``first_s`` up to ``last_s`` seconds.

    Each is drawn evenly from the upper half of its length, so that callers that failed together do not come back
    together.
    """

    def __init__(self, first_s: float, last_s: float, random: Random) -> None:
        self._first_s = first_s
        self._last_s = last_s
        self._random = random

    def wait_s(self, failures: int) -> float:
        """Return how long to wait, in seconds, after ``failures`` (at least 1) failed attempts."""
        # The exponent is bounded because a store may be down for days.
        whole = min(self._last_s, self._first_s * 2.0 ** min(failures - 1, 64))
        return whole * self._random.uniform(0.5, 1.0)


async def retrying(
    call: Callable[[], Awaitable[T]],
    backoff: Backoff,
    *,
    until: Callable[[], float],
    may_repeat: Callable[[], bool],
    on_retry: Callable[[FourgigError], None],
) -> T:
    """Return the result of ``call``, which is called at most `ATTEMPTS` times.

    It is called again after a failure that says it is transient, if ``may_repeat`` agrees and the wait would end
    before ``until`` (`time.perf_counter`); otherwise its error passes through. ``on_retry`` hears of every repetition.
    """
    failures = 0
    while True:
        try:
            return await call()
        except FourgigError as error:
            failures += 1
            wait_s = backoff.wait_s(failures)
            if (
                not error.transient
                or failures >= ATTEMPTS
                or not may_repeat()
                or time.perf_counter() + wait_s >= until()
            ):
                raise
            on_retry(error)
        await asyncio.sleep(wait_s)
