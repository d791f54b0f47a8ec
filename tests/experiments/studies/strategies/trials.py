"""Trials of parts in this process, and what is drawn of their records."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

from experiments import load_run, metrics
from experiments.measuring.records import Record
from experiments.measuring.role import Assignment, Role
from experiments.measuring.study import Cell
from experiments.metrics.interface import Missing
from experiments.report import drawing
from experiments.report.drawing import Drawn
from experiments.report.scene import UnknownStudy, scene
from tests.experiments.analysis import synthetic


class _Unseen(Role):
    """A role at which no runner looks."""

    def outside_look(self, name: str = "end") -> None:
        pass


def ran(part: ModuleType, cell: Cell, folder: Path, model: Path | None = None, block: int = 0) -> Record:
    """Run the trial of ``cell`` in a new folder under ``folder``, with the model file there is, for its record."""
    work = folder / f"{cell.subject}-{block}-{len(list(folder.iterdir()))}"
    work.mkdir()
    spec = synthetic.spec(
        "strategies", cell.subject, block, condition=cell.condition, engine=cell.engine, labels=cell.labels
    )
    role = _Unseen(
        Assignment(
            role="subject",
            spec=spec,
            work_dir=str(work),
            part_path="",
            cpus=(),
            runner_pid=os.getpid(),
            model_path=None if model is None else str(model),
        ),
        -1,
    )
    part.run(role)
    return synthetic.record(spec, role.part)


def value(metric: str, record: Record) -> float:
    """Return a metric of a record that has it."""
    found = metrics.get(metric).of(record)
    assert not isinstance(found, Missing), found
    return found


def drawn(figure: ModuleType, references: tuple[str, ...], records: Iterable[Record], folder: Path) -> dict[str, Drawn]:
    """Return what a module draws of records of the study, by name."""
    run = load_run(synthetic.write(folder / "drawn", list(records)))
    with drawing.style():
        shown = scene(run, "strategies", UnknownStudy(references=references))
        return {each.name: each for each in figure.draw(shown)}
