"""The part `hierarchy`: what is planned, and a small run of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from experiments import metrics
from experiments.analysis import claims
from experiments.measuring.records import EngineSpec
from experiments.measuring.study import BLOCKS, GRADED, Cell, GridRequest, Preset
from experiments.studies.strategies import hierarchy
from systems import registry
from systems.settings import parse
from tests.experiments.studies.strategies.in_process import tried

MODEL = EngineSpec(name="llama", model="smollm2")


def cells(preset: Preset, engine: EngineSpec = MODEL) -> list[Cell]:
    return hierarchy.cells(GridRequest(preset=preset, systems=(), engine=engine))


@pytest.mark.parametrize("preset", BLOCKS)
def test_every_cell_is_one_trial_of_settings_that_the_agent_has(preset: Preset) -> None:
    found = cells(preset)
    assert len({(str(cell.condition), cell.subject, cell.twin) for cell in found}) == len(found)
    assert all(0 < cell.estimate_s < cell.timeout_s and json.dumps(cell.condition) for cell in found)
    assert any(cell.twin for cell in found) is (preset in GRADED)
    kind = registry.systems.get(hierarchy.SYSTEM).settings
    assert all(parse(kind, cell.settings, hierarchy.SYSTEM) for cell in found)
    assert all(metrics.get(name) for name in hierarchy.MEASURES)


def test_the_wide_preset_tests_every_condition_of_the_claim_and_the_standard_one_takes_two_minutes() -> None:
    found = cells("wide")
    standard = [cell for cell in found if cell.condition["work"] == hierarchy.NO_MODEL]
    assert cells("standard") == standard
    for test in claims.get("S2-hierarchy").tests:
        fitting = [cell for cell in found if test.fits(cell.condition)]
        assert len({str(cell.condition) for cell in fitting}) == 1, test.title
        assert {test.subject, test.reference} <= {cell.subject for cell in fitting}, test.title
    assert BLOCKS["standard"] * sum(cell.estimate_s for cell in standard) < 2 * 60


def test_without_a_model_whose_words_mean_something_nothing_is_said() -> None:
    spoken = [cell for cell in cells("wide") if cell.condition["work"] == hierarchy.OWN_WORDS]
    assert len(spoken) == 2
    assert not any(cell.impossible for cell in spoken)
    made = EngineSpec(name="llama", model="135m", words_are_meaningless=True)
    assert {cell.impossible for cell in cells("wide", made) if cell not in cells("standard")} == {hierarchy.WORDLESS}
    simulated = cells("wide", EngineSpec(name="simulated"))
    assert {cell.condition["work"] for cell in simulated} == {hierarchy.NO_MODEL}


def test_what_is_looked_up_saves_tasks_that_the_last_messages_lost(tmp_path: Path) -> None:
    found = {cell.subject: tried(hierarchy, cell, tmp_path) for cell in cells("smoke")}
    shares = {name: metrics.get("tasks_in_prompt").of(record) for name, record in found.items()}
    assert shares["hierarchical"] > shares["short-term"]
    tokens = {name: metrics.get("prompt_tokens_read").of(record) for name, record in found.items()}
    assert tokens["hierarchical"] > tokens["short-term"] > 0
