"""Which processes a tracer that follows forks cannot see: those in which another program was started."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from types import TracebackType

from experiments.measuring.probes import processes

_INTERVAL_S = 0.02


class Untraced:
    """While open, watches what runs below this process and keeps in ``seen`` the processes that run another program.

    A process that was forked runs the command line of its parent, until it starts another program. One that lives for
    less than the interval between two looks (20 ms) may be missed.
    """

    def __init__(self) -> None:
        self.seen: set[int] = set()
        self._own = _command_line(os.getpid())
        self._left = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="untraced processes", daemon=True)

    def __enter__(self) -> Untraced:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._left.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._left.wait(_INTERVAL_S):
            if processes.has_children():
                below = processes.descendants(os.getpid())
                self.seen.update(pid for pid in below if _command_line(pid) not in (b"", self._own))


def _command_line(pid: int) -> bytes:
    """Return a process's command line; nothing where it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
