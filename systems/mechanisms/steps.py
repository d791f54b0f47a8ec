"""The steps of one turn: each is timed, tried again after a passing failure, and degrades where it can.

Who swallows an error logs it; an error that is raised is logged by the last boundary it reaches.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from systems.errors import Abandoned, DeadlineExceeded, FourgigError, SystemClosed
from systems.interface import Counters, Degraded, Request, Step
from systems.logs import event, session_digest, swallowed
from systems.mechanisms.retrying import Backoff, retrying
from systems.mechanisms.wanted import Wanted

T = TypeVar("T")

NoteStep = Callable[[Step, float], None]
"""Is told of each step that ended, however it did, and how many seconds it took."""

log = logging.getLogger(__name__)


class Steps:
    """What one turn has met so far. Without ``backoff`` nothing is tried again; without ``degrade`` failures raise.

    ``noted`` is told how long each step took.
    """

    __slots__ = ("_backoff", "_counters", "_degrade", "_logs", "_noted", "_request", "degraded", "retries", "wanted")

    def __init__(
        self,
        request: Request,
        wanted: Wanted,
        counters: Counters,
        backoff: Backoff | None,
        *,
        degrade: bool,
        noted: NoteStep | None = None,
    ) -> None:
        self._request = request
        self._counters = counters
        self._backoff = backoff
        self._degrade = degrade
        self._logs = log.isEnabledFor(logging.DEBUG)
        self._noted = noted
        self.wanted = wanted
        self.degraded: tuple[Degraded, ...] = ()
        self.retries = 0

    def run(
        self, step: Step, call: Callable[[], Awaitable[T]], may_repeat: Callable[[], bool] = lambda: True
    ) -> Awaitable[T]:
        """Return the result of ``call``; ``may_repeat`` says whether a transient failure may be tried again.

        A turn nobody waits for any more does not begin the step: raises `Abandoned` or `DeadlineExceeded`.
        """
        self.wanted.check()
        tried = self._tried(step, call, may_repeat)
        return self._timed(step, tried) if self._logs or self._noted is not None else tried

    async def _timed(self, step: Step, tried: Awaitable[T]) -> T:
        began, retries, outcome = time.perf_counter(), self.retries, "ok"
        try:
            return await tried
        except BaseException as error:
            outcome = type(error).__name__
            raise
        finally:
            duration_s = time.perf_counter() - began
            if self._noted is not None:
                self._noted(step, duration_s)
            if self._logs:
                event(
                    log,
                    logging.DEBUG,
                    "step",
                    **self.named(step),
                    duration_s=round(duration_s, 6),
                    outcome=outcome,
                    retries=self.retries - retries,
                )

    async def run_or(self, step: Step, call: Callable[[], Awaitable[T]], empty: T, to: str) -> T:
        """Return the result of ``call``, or ``empty``, which is called ``to``, if the step fails and may degrade."""
        try:
            return await self.run(step, call)
        except Exception as error:  # noqa: BLE001 - whatever a step meets, the turn can go on without it
            self.failed(step, error, to)
            return empty

    def failed(self, step: Step, error: Exception, to: str) -> None:
        """Degrade ``step`` to what is called ``to``. Raises ``error`` if it is the turn's, or nothing may degrade."""
        if not self._degrade or isinstance(error, (Abandoned, DeadlineExceeded, SystemClosed)):
            raise error
        self._counters.degraded += 1
        self.degraded += (Degraded(step=step, to=to, error=type(error).__name__),)
        swallowed(log, "degraded", error, **self.named(step), to=to)

    def named(self, step: Step) -> dict[str, Any]:
        """Return the fields by which logs name a step of this turn."""
        return {"request": self._request.id, "session": session_digest(self._request.session), "step": step}

    def _tried(self, step: Step, call: Callable[[], Awaitable[T]], may_repeat: Callable[[], bool]) -> Awaitable[T]:
        if self._backoff is None:
            return call()

        def on_retry(error: FourgigError) -> None:
            self.retries += 1
            self._counters.retries += 1
            swallowed(log, "retry", error, **self.named(step), retries=self.retries)

        return retrying(call, self._backoff, until=lambda: self.wanted.until, may_repeat=may_repeat, on_retry=on_retry)
