"""The process of one role of one trial: ``python -m experiments.measuring.role_process ASSIGNMENT``."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import msgspec

from experiments.measuring import placement
from experiments.measuring.records import Part
from experiments.measuring.role import Assignment, Role


def main() -> None:
    """Run the role that the assignment file describes; a second argument is the part it had when it started again."""
    assignment = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Assignment)
    placement.take(assignment.runner_pid, assignment.cpus)
    placement.adopt_orphans()
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


if __name__ == "__main__":
    main()
