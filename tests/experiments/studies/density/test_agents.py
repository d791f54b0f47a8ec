"""The part `agents`: what it plans, and that a kill of what it tries is a result and not the trial's end."""

from __future__ import annotations

import pytest

from experiments.measuring.records import EngineSpec
from experiments.measuring.study import GridRequest
from experiments.studies.density import agents
from systems import registry

LLAMA = EngineSpec(name="llama", model="smollm2")


def cells(preset, engine=LLAMA):
    return agents.cells(GridRequest(preset=preset, systems=("baseline",), engine=engine))


@pytest.mark.parametrize("preset", ["smoke", "quick", "standard", "wide", "paper"])
def test_every_subject_is_a_known_system_on_mapped_weights_with_equal_settings(preset):
    planned = cells(preset)
    assert {"per-process", "objects"} <= {cell.subject for cell in planned}
    for cell in planned:
        assert cell.system in registry.systems.names()
        assert cell.subject == "-".join(filter(None, (cell.system, cell.variant)))
        assert cell.engine.settings["repack"] is False
        assert cell.settings == {"history_length": 64}
        every = {"part", "profile", "tokens", "period_s", "deadline_s", "ceiling", "words"}
        assert set(cell.condition) - {"within"} == every


def test_what_is_judged_has_every_block_and_an_arm():
    planned = cells("standard")
    assert {cell.blocks for cell in planned} == {None}
    assert [cell.subject for cell in planned if cell.twin] == ["objects"]


def test_a_cell_is_planned_once():
    for preset in ("standard", "wide", "paper"):
        places = [(cell.subject, cell.twin, str(cell.condition)) for cell in cells(preset)]
        assert len(places) == len(set(places))


def test_without_a_model_no_engine_is_batched():
    assert all(cell.variant != "batched" for cell in cells("paper", EngineSpec(name="simulated")))
