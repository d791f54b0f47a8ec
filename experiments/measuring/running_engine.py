"""The engine of one trial, served from a process of its own inside the limits: started first, ended last."""

from __future__ import annotations

import select
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from experiments.errors import EngineFailed
from experiments.measuring.records import Part
from experiments.measuring.running_roles import RunningRole

# How long it may take to release its model and to say what it counted, in seconds.
_ENDS_WITHIN_S = 30.0


class RunningEngine:
    """An engine's process, which is asked at ``address``."""

    def __init__(self, role: RunningRole, address: str) -> None:
        self._role = role
        self.address = address

    @property
    def pid(self) -> int:
        """The number of its process."""
        return self._role.popen.pid

    def ended(self) -> str:
        """Return that it ended by itself, and its last words; empty while it runs."""
        return "" if self._role.popen.poll() is None else f"the engine ended by itself: {self._role.last_words()}"

    def finish(self) -> Part | None:
        """Let it end, and return what it wrote; None if it did not end well, or not in time."""
        self._role.go()
        try:
            status = self._role.popen.wait(_ENDS_WITHIN_S)
        except subprocess.TimeoutExpired:
            return None
        return None if status else self._role.part()


@contextmanager
def running(start: Callable[[], RunningRole], within_s: float) -> Iterator[RunningEngine]:
    """Start the engine's role, wait until it listens, and end it whatever happens.

    Raises `EngineFailed` where it ends before, or does not listen ``within_s`` seconds.
    """
    role = start()
    try:
        yield RunningEngine(role, _address(role, role.spawned_s + within_s))
    finally:
        role.end()


def _address(role: RunningRole, until_s: float) -> str:
    assert role.popen.stdout is not None
    while (left_s := until_s - time.monotonic()) > 0:
        readable, _, _ = select.select([role.popen.stdout], [], [], left_s)
        if not readable:
            break
        lines = role.lines()
        for line in lines:
            word, _, address = line.partition(" ")
            if word == "listening":
                return address
        if role.silent:
            with suppress(subprocess.TimeoutExpired):
                role.popen.wait(max(0.0, until_s - time.monotonic()))
                raise EngineFailed(f"the engine: {role.last_words()}")
    raise EngineFailed("the engine was not ready in time")
