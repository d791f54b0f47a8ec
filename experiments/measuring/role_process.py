"""The process of one role of one trial: ``python -m experiments.measuring.role_process ASSIGNMENT``."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from pathlib import Path

import msgspec

from experiments.measuring.records import Part
from experiments.measuring.role import Assignment, Role

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def main() -> None:
    """Run the role that the assignment file describes; a second argument is the part it had when it started again."""
    assignment = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Assignment)
    _die_with(assignment.runner_pid)
    # Whatever a subject starts stays below this process, also when the parent in between has ended.
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)
    os.sched_setaffinity(0, assignment.cpus)
    to_runner = os.dup(1)
    os.set_inheritable(to_runner, False)
    os.dup2(2, 1)

    from experiments.measuring.study import studies

    study = studies.get(assignment.spec.study)()
    role = Role(assignment, to_runner, msgspec.json.decode(sys.argv[2], type=Part) if sys.argv[2:] else None)
    if assignment.role == "client":
        study.run_client(role)
    else:
        study.run_subject(role)
    role.write()


def _die_with(runner_pid: int) -> None:
    """Ask the kernel to kill this process when its runner dies, however it dies."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != runner_pid:
        sys.exit("The runner died before this role began.")


if __name__ == "__main__":
    main()
