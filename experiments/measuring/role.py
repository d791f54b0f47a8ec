"""One role of one trial, as a study's code sees it.

The runner and a role speak in lines: the role says ``listening ADDRESS`` or ``look NAME`` on its standard output, the
runner answers ``go`` on its standard input. Everything else a role prints goes to its standard error.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Literal, NoReturn

import msgspec

from experiments.measuring.probes import processes
from experiments.measuring.recordable import encoded
from experiments.measuring.records import Part, TrialSpec
from experiments.measuring.runs import write_whole
from systems.errors import UnknownName


class Assignment(msgspec.Struct, frozen=True, kw_only=True):
    """What the runner tells a role: the trial, and where things are on this machine (which no record keeps).

    ``members`` is the kernel's list of the processes inside the limits, where there is one; ``others`` are those that
    the runner started inside them before.
    """

    role: Literal["subject", "engine", "client"]
    spec: TrialSpec
    work_dir: str
    part_path: str
    cpus: tuple[int, ...]
    runner_pid: int
    model_path: str | None = None
    address: str | None = None
    engine_address: str | None = None
    services: dict[str, str] = {}
    members: str | None = None
    others: tuple[int, ...] = ()


class Role:
    """What a study's code sees of its trial; what it observes goes into ``part``.

    ``processes`` are all that share the trial's limits: what a subject holds is read from them, never of one alone.
    """

    def __init__(self, assignment: Assignment, to_runner: int, from_runner: int = 0, part: Part | None = None) -> None:
        self.spec = assignment.spec
        self.work_dir = Path(assignment.work_dir)
        self.model_path = assignment.model_path
        self.address = assignment.address or ""
        self.engine_address = assignment.engine_address or ""
        self.part = part or Part(role=assignment.role)
        self._services = assignment.services
        self.processes = processes.Inside(assignment.members, assignment.others)
        self._part_path = Path(assignment.part_path)
        self._to_runner, self._from_runner = to_runner, from_runner

    def mark(self, name: str) -> None:
        """Note the moment under ``name``, on the machine's monotonic clock."""
        self.part.marks[name] = time.monotonic()

    def service(self, name: str) -> str:
        """Return the address of a service of this trial, which is ready. Raises `UnknownName`."""
        if name not in self._services:
            raise UnknownName("service of this trial", name, self._services)
        return self._services[name]

    def listening(self, address: str) -> None:
        """Tell the runner where the client can connect. Blocks until the client has finished."""
        self._ask(f"listening {address}")

    def outside_look(self, name: str = "end") -> None:
        """Let the runner read from outside what the subject holds and used so far, under ``name`` (one word).

        Blocks until it has. Of two looks with one name the record keeps the second.
        """
        self._ask(f"look {name}")

    def write(self) -> None:
        """Write what was observed, whole. Raises `Unrecordable`, which ends the trial as crashed."""
        self.part.cpu_seconds = round(time.process_time() + processes.waited_for_seconds(), 3)
        write_whole(self._part_path, encoded(self.part))

    def leave(self) -> NoReturn:
        """Write what was observed and end well at once, whatever still runs: a thread in llama.cpp heeds nobody."""
        self.write()
        processes.end_descendants()
        os._exit(0)

    def start_again(self) -> NoReturn:
        """Note the moment as ``started`` and begin anew: same process and placement, fresh interpreter, empty memory.

        ``part`` is kept as it is now. What this process has read stays in the page cache, charged to its group.
        """
        os.dup2(self._to_runner, 1)
        os.dup2(self._from_runner, 0)
        self.mark("started")
        so_far = encoded(self.part).decode()
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:], so_far])  # noqa: S606 - our own interpreter

    def _ask(self, line: str) -> None:
        os.write(self._to_runner, line.encode() + b"\n")
        if os.read(self._from_runner, 3) != b"go\n":
            raise ConnectionAbortedError("The runner has gone away.")
