"""Where a trial's process runs: on the processors it was given, and no longer than its runner lives.

A role says so itself. A service is a program of its own: ``python -m experiments.measuring.placement RUNNER_PID CPUS
COMMAND…`` takes the place and becomes that program, which keeps it.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER, _PR_GET_CHILD_SUBREAPER = 1, 36, 37


def take(runner_pid: int, cpus: Iterable[int]) -> None:
    """Run on ``cpus`` from now on, and ask the kernel to kill this process when its runner dies, however it dies."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != runner_pid:
        sys.exit("The runner died before this process began.")
    os.sched_setaffinity(0, cpus)


def split(count: int, allowed: Iterable[int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the processors of what is inside limits of ``count`` of them, and of the client and others outside.

    They are apart where enough are ``allowed``; else both have all of these.
    """
    every = tuple(sorted(allowed))
    return every[:count], every[count:] or every


def adopt_orphans() -> None:
    """Become the parent of every descendant that loses its own: what a subject starts stays below its role."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)


@contextmanager
def adopting_orphans() -> Iterator[None]:
    """Be the parent of descendants that lose their own inside the context; afterwards all is as it was before."""
    libc, before = ctypes.CDLL(None), ctypes.c_int(0)
    libc.prctl(_PR_GET_CHILD_SUBREAPER, ctypes.byref(before))
    adopt_orphans()
    try:
        yield
    finally:
        libc.prctl(_PR_SET_CHILD_SUBREAPER, before.value)


def placed(command: Sequence[str], cpus: Iterable[int]) -> list[str]:
    """Return the argument list that starts ``command`` on ``cpus``, as a child of this process."""
    where = [str(os.getpid()), ",".join(map(str, cpus))]
    return [sys.executable, "-P", "-m", "experiments.measuring.placement", *where, *command]


def _main(runner_pid: str, cpus: str, *command: str) -> None:
    take(int(runner_pid), map(int, cpus.split(",")))
    try:
        os.execvp(command[0], command)  # noqa: S606 - a registered service's own argument list
    except OSError as error:
        sys.exit(f"{command[0]}: {error.strerror}")


if __name__ == "__main__":
    _main(*sys.argv[1:])
