"""What callers hand to the decoding thread: requests in order of arrival, what to forget, and the wish to end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from time import perf_counter

from systems.engines.batched.jobs import Job
from systems.errors import EngineError


class Inbox:
    """Requests that wait for a slot. Any thread may `add`, `forget` and `close`; the decoding thread does the rest."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._jobs: list[Job] = []
        self._forgotten: list[str] = []
        self._closed = False
        self._step_began: float | None = None

    def add(self, job: Job) -> None:
        """Let ``job`` wait. Raises `EngineError` once the inbox is closed."""
        with self._changed:
            if self._closed:
                raise EngineError("The batched engine is closed.")
            self._jobs.append(job)
            self._changed.notify()

    def forget(self, conversation: str) -> None:
        """Let what was computed of ``conversation`` be forgotten before the next step; a closed inbox has no more."""
        with self._changed:
            if not self._closed:
                self._forgotten.append(conversation)
                self._changed.notify()

    def close(self) -> None:
        """Take no more requests, and wake the decoding thread; a second call does nothing."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def wait(self, *, busy: bool) -> bool:
        """Return True when there is something to do, at once if ``busy``; False once the inbox is closed."""
        with self._changed:
            while not (self._closed or self._jobs or self._forgotten or busy):
                self._changed.wait()
            return not self._closed

    def take(self, chosen: Callable[[Job], bool]) -> list[Job]:
        """Remove and return the requests for which ``chosen``, called in order of arrival, says so."""
        with self._changed:
            jobs = list(self._jobs)
        taken = [job for job in jobs if chosen(job)]  # outside the lock: it may call what callers brought
        with self._changed:
            for job in taken:
                self._jobs.remove(job)
        return taken

    def forgotten(self) -> list[str]:
        """Remove and return the conversations that are to be forgotten."""
        with self._changed:
            names, self._forgotten = self._forgotten, []
        return names

    def empty(self) -> list[Job]:
        """Remove and return all requests."""
        with self._changed:
            jobs, self._jobs = self._jobs, []
        return jobs

    def begin_step(self) -> None:
        """Note that a step of llama.cpp's begins."""
        self._step_began = perf_counter()

    def end_step(self) -> None:
        """Note that it has ended."""
        self._step_began = None

    def stuck_s(self) -> float:
        """Return how long the step under way has taken, in seconds."""
        began = self._step_began
        return 0.0 if began is None else perf_counter() - began
