"""What importing a system's own code costs: a fresh interpreter each time, inside the trial's group."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial

from experiments.measuring.probes import memory, processes
from experiments.measuring.role import Role
from systems import registry

_REPETITIONS = 5

# Says when its first line ran and, once it may go on, how long the import took; then waits to be looked at again.
_CHILD = """
import time
started = time.monotonic()
import importlib, sys
print(started, flush=True)
sys.stdin.readline()
began = time.monotonic()
importlib.import_module(sys.argv[1])
print(time.monotonic() - began, flush=True)
sys.stdin.readline()
"""


def run(role: Role) -> None:
    """Import the trial's system in fresh interpreters of the kind that runs it, one after another."""
    description = registry.systems.get(str(role.spec.system))
    python = [description.interpreter] if description.interpreter else [sys.executable, "-P"]
    argv = [*python, "-c", _CHILD, description.module]
    environment = {**os.environ, **(description.environment if description.interpreter else {})}
    series = role.part.series
    for _ in range(_REPETITIONS):
        spawned = time.monotonic()
        started, took, grown = _imported(argv, environment)
        series.setdefault("interpreter_s", []).append(started - spawned)
        series.setdefault("import_s", []).append(took)
        if grown is not None:
            series.setdefault("import_anonymous_bytes", []).append(float(grown))
    role.outside_look()


def _imported(argv: Sequence[str], environment: Mapping[str, str]) -> tuple[float, float, int | None]:
    """Return when a fresh interpreter ran its first line, how long the import took, and by how many bytes it grew.

    What it started while importing counts too; what leaves it stays below this process. Not every kernel tells what
    several processes hold.
    """
    with subprocess.Popen(argv, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        said = partial(next, iter(child.stdout or ()), "")
        started = said()
        before = _held(child.pid)
        _go(child)
        took = said()
        after = _held(child.pid)
        _go(child)
    if child.returncode != 0:
        raise subprocess.CalledProcessError(child.returncode, argv)
    return float(started), float(took), None if before is None or after is None else after - before


def _go(child: subprocess.Popen[str]) -> None:
    with suppress(BrokenPipeError):  # how it ended tells more
        if child.stdin is not None:
            child.stdin.write("\n")
            child.stdin.flush()


def _held(child: int) -> int | None:
    """Return the anonymous bytes of all processes below this one; none where the interpreter has ended."""
    below = processes.descendants(os.getpid())
    if below == [child]:
        with suppress(OSError, KeyError):
            return memory.anonymous_bytes(child)
    return processes.together(use.anonymous_bytes for use in processes.uses(below))
