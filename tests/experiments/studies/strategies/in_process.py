"""A part's trials in the tests' own process: real processes and real records, without limits and without a runner."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

from experiments import load_run, metrics
from experiments.measuring import profiles
from experiments.measuring.records import EngineSpec, Record
from experiments.measuring.study import BLOCKS, GRADED, Cell, GridRequest, Preset
from experiments.report import drawing
from experiments.report.drawing import Drawn
from experiments.report.scene import scene
from experiments.studies.strategies import Strategies
from tests.experiments.analysis import synthetic
from tests.experiments.studies.alone import Alone, value

__all__ = ["check_claims", "check_grid", "drawn", "planned", "tried", "value", "words"]


def planned(part: ModuleType, preset: Preset) -> list[Cell]:
    """Return the cells of a part."""
    return list(part.cells(GridRequest(preset=preset, systems=(), engine=EngineSpec(name="simulated"))))


def tried(
    part: ModuleType, cell: Cell, folder: Path, block: int = 0, *, model: Path | None = None, **settings: Any
) -> Record:
    """Run one trial of a part in a new folder under ``folder``, with the file of the model there is for its record.

    It has these settings instead of the cell's.
    """
    work_dir = folder / f"{cell.subject}-{len(list(folder.iterdir()))}"
    work_dir.mkdir()
    spec = synthetic.spec(
        Strategies.name,
        cell.subject,
        block,
        condition=cell.condition,
        system=cell.system,
        settings={**cell.settings, **settings},
        engine=cell.engine,
        profile=profiles.load(cell.profile or "4gb"),
        labels=cell.labels,
    )
    role = Alone(spec, work_dir, model_path=None if model is None else str(model))
    part.run(role)
    return synthetic.record(spec, role.part, outside=synthetic.outside(looks=role.looks))


def drawn(figures: ModuleType, records: Iterable[Record], folder: Path) -> dict[str, Drawn]:
    """Return the figures of these records by name."""
    run = load_run(synthetic.write(folder / "run", list(records)))
    with drawing.style():
        return {each.name: each for each in figures.draw(scene(run, Strategies.name, Strategies))}


def words(figure: Drawn) -> str:
    """Return a figure's title with ordinary spaces."""
    return figure.title.replace("\N{NO-BREAK SPACE}", " ")


def check_grid(part: ModuleType, most_s: float) -> None:
    """Hold a part's grid to what holds of each: one trial a cell, metrics that exist, and the time it may take."""
    for preset in BLOCKS:
        cells = planned(part, preset)
        assert len({(str(cell.condition), cell.subject, cell.twin) for cell in cells}) == len(cells)
        assert all(0 < cell.estimate_s < cell.timeout_s and json.dumps(cell.condition) for cell in cells)
        assert all(cell.part == part.PART == cell.condition["part"] for cell in cells)
        assert any(cell.twin for cell in cells) is (preset in GRADED)
        # Of two subjects that share a condition a reference is one of them, or nothing is compared.
        conditions = {str(cell.condition) for cell in cells}
        referred = {str(cell.condition) for cell in cells if cell.subject in part.REFERENCES}
        assert conditions == referred
    for name in part.MEASURES:
        assert metrics.get(name)
    assert BLOCKS["standard"] * sum(cell.estimate_s for cell in planned(part, "standard")) < most_s
    assert BLOCKS["quick"] * sum(cell.estimate_s for cell in planned(part, "quick")) < 60


def check_claims(part: ModuleType, *names: str, preset: Preset = "standard") -> None:
    """Hold claims to the grid of a preset: what they compare is planned in every condition that fits."""
    from experiments.analysis import claims

    cells = planned(part, preset)
    for name in names:
        claim = claims.get(name)
        assert claim.study == Strategies.name
        for test in claim.tests:
            fitting = [cell for cell in cells if test.fits(cell.condition)]
            assert fitting, (name, test.title)
            for condition in {str(cell.condition) for cell in fitting}:
                subjects = {cell.subject for cell in fitting if str(cell.condition) == condition}
                assert {test.subject, test.reference} - {None} <= subjects, (name, test.title)
