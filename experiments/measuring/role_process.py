"""The process of one role of one trial: ``python -m experiments.measuring.role_process ASSIGNMENT``."""

from __future__ import annotations

import atexit
import os
import sys
from pathlib import Path

import msgspec

from experiments.measuring import endings, placement
from experiments.measuring.probes import processes
from experiments.measuring.records import Part
from experiments.measuring.role import Assignment, Role


def main() -> None:
    """Run the role that the assignment file describes; a second argument is the part it had when it started again."""
    endings.tell_in_one_line()
    assignment = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Assignment)
    placement.take(assignment.runner_pid, assignment.cpus)
    placement.adopt_orphans()
    atexit.register(_end_descendants, os.getpid())  # the first to be registered is the last to be called
    to_runner, from_runner = os.dup(1), os.dup(0)
    os.dup2(2, 1)
    # A worker that a system forks closes its standard input; it would wait for ever for a thread that is reading there.
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)

    from experiments.measuring.study import studies

    study = studies.get(assignment.spec.study)()
    part = msgspec.json.decode(sys.argv[2], type=Part) if sys.argv[2:] else None
    role = Role(assignment, to_runner, from_runner, part)
    if assignment.role == "client":
        study.run_client(role)
    elif assignment.role == "engine":
        from experiments.measuring import serving  # much to import, and no other role serves an engine

        serving.serve(role)
    else:
        study.run_subject(role)
    role.write()


def _end_descendants(role: int) -> None:
    """Kill whatever the process ``role`` leaves behind, and wait for it; a fork of it leaves alone what it started."""
    if os.getpid() == role:
        processes.end_descendants()


if __name__ == "__main__":
    main()
