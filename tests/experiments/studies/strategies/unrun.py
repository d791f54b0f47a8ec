"""A trial without a runner: what the subject does, in this process, and the record of it."""

from __future__ import annotations

import os
from pathlib import Path
from types import ModuleType

from experiments.measuring.records import Record
from experiments.measuring.role import Assignment, Role
from experiments.measuring.study import Cell
from tests.experiments.analysis import synthetic


def record_of(module: ModuleType, cell: Cell, folder: Path) -> Record:
    """Run ``cell`` of the part ``module`` in ``folder``, whose files it leaves there; nobody looks from outside."""
    spec = synthetic.spec(
        "strategies",
        cell.subject,
        condition=cell.condition,
        system=cell.system,
        settings=cell.settings,
        engine=cell.engine,
        labels=cell.labels,
    )
    folder.mkdir()
    assignment = Assignment(
        role="subject", spec=spec, work_dir=str(folder), part_path=str(folder / "part"), cpus=(0,), runner_pid=1
    )
    asked, answers = os.pipe()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.write(answers, b"go\n")  # the one look at the end
        role = Role(assignment, to_runner=nowhere, from_runner=asked)
        module.run(role)
    finally:
        for descriptor in (asked, answers, nowhere):
            os.close(descriptor)
    return synthetic.record(spec, role.part)
