"""What a trial leaves running: ended and waited for after it, also where no control group holds its processes.

A role ends what it started when it ends. One that was killed cannot, and its daemons have left its session and its
parent. So every process of a run is started with a mark in its environment, which whatever it starts inherits, and the
runner is the parent of orphans for as long as a trial runs. Other children of this process (a notebook may have some)
are never touched: nothing is ended or waited for that has no mark and was not seen below a process of the trial. So
what had ended below a role before that was killed stays a zombie, which is a number and no more, until this one ends.
"""

from __future__ import annotations

import os
import secrets
import signal
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from experiments.measuring import placement
from experiments.measuring.limits import janitor
from experiments.measuring.limits.interface import TrialGroup
from experiments.measuring.probes import processes
from experiments.measuring.probes.processes import Seen

_VARIABLE = "FOURGIG_RUN"

_Identity = tuple[int, int]
"""A process's number and when it started: with both it is itself, whoever its parent is by now."""

# A killed process is gone in milliseconds, unless it waits for a disk or a device.
_END_WITHIN_S = 5.0
_LOOK_AGAIN_S = 0.005


class Leftovers:
    """What the trials of one run leave. ``environment`` is the mark, for every process that a trial starts."""

    def __init__(self) -> None:
        self.environment = {_VARIABLE: secrets.token_hex(8)}
        self.mark = f"{_VARIABLE}={self.environment[_VARIABLE]}"
        self._known: set[_Identity] = set()

    @contextmanager
    def ended_after(self, group: TrialGroup) -> Iterator[None]:
        """Adopt orphans inside the context, and end at its end all that the trial in ``group`` left.

        By then every process that this one started itself must have been waited for.
        """
        with placement.adopting_orphans():
            try:
                yield
            finally:
                if group.is_apart:  # the group kills them itself; they are waited for here
                    with suppress(OSError):
                        self._know_these(group.pids())
                self.end()

    def know(self, root: int) -> None:
        """Remember what is below the process ``root``, or in its session, before it is ended and no tree shows it."""
        every = list(processes.every())
        in_session = [seen for seen in every if seen.session == root and seen.pid != root]
        roots = [root, *(seen.pid for seen in in_session)]
        self._remember([*in_session, *processes.below(roots, every)])

    def end(self) -> None:
        """Kill and wait for all that is left: as long as that needs, but no more than some seconds."""
        until = time.monotonic() + _END_WITHIN_S
        while self._kill() and time.monotonic() < until:
            time.sleep(_LOOK_AGAIN_S)

    def still_running(self) -> str:
        """Return the names of what could not be ended until now, at another try; empty where nothing is left."""
        return ", ".join(f"{_command(pid)} ({pid})" for pid, _ in sorted(self._known and self._kill()))

    def _kill(self) -> set[_Identity]:
        """Kill what is known or bears the mark, wait for those that have ended, and return the others."""
        self._know_these(janitor.marked(self.mark))
        for pid, _ in self._known & _all():
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
            with suppress(ChildProcessError):  # its parent is another one, which was ended too and will leave it to us
                os.waitpid(pid, os.WNOHANG)
        self._known &= _all()
        return self._known

    def _know_these(self, pids: Iterable[int]) -> None:
        wanted = set(pids)
        self._remember(seen for seen in processes.every() if seen.pid in wanted)

    def _remember(self, found: Iterable[Seen]) -> None:
        self._known |= {(seen.pid, seen.started) for seen in found if seen.pid != os.getpid()}


def _all() -> set[_Identity]:
    return {(seen.pid, seen.started) for seen in processes.every()}


def _command(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text("utf-8", "replace").strip()
    return "a process"
