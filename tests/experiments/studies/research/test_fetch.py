"""The part that fetches: its grid, and a small run of it from the trial to the figure."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from experiments import metrics
from experiments.analysis import claims
from experiments.measuring import records
from experiments.measuring.records import EngineSpec, Outcome
from experiments.measuring.study import BLOCKS, GRADED, Cell, GridRequest, Preset
from experiments.metrics.interface import Missing
from experiments.studies.research import Researching, fetch


def cells(preset: Preset) -> list[Cell]:
    return fetch.cells(GridRequest(preset=preset, systems=(), engine=EngineSpec(name="simulated")))


@pytest.mark.parametrize("preset", BLOCKS)
def test_every_cell_is_one_trial_and_every_measure_a_metric(preset: Preset) -> None:
    found = cells(preset)
    assert len({(str(cell.condition), cell.subject, cell.twin) for cell in found}) == len(found)
    assert all(0 < cell.estimate_s < cell.timeout_s and json.dumps(cell.condition) for cell in found)
    assert all(not service.inside for cell in found for service in cell.services)
    assert any(cell.twin for cell in found) is (preset in GRADED)
    for name in fetch.MEASURES:
        assert metrics.get(name)


def test_the_standard_preset_tests_every_condition_of_the_claim() -> None:
    found = cells("standard")
    assert cells("wide") == found
    claim = claims.get("S4-async")
    assert claim.study == Researching.name
    for test in claim.tests:
        fitting = [cell for cell in found if test.fits(cell.condition)]
        assert len({str(cell.condition) for cell in fitting}) == 1, test.title
        assert {test.subject, test.reference} <= {cell.subject for cell in fitting}, test.title


def test_the_standard_preset_takes_six_minutes_at_most() -> None:
    assert BLOCKS["standard"] * sum(cell.estimate_s for cell in cells("standard")) < 6 * 60


@pytest.mark.long
def test_a_small_run_measures_everything_and_is_drawn(fourgig, enforcement, tmp_path: Path) -> None:
    out = tmp_path / "run"
    arguments = ("research", "--part", "fetch", "--engine", "simulated", "--preset", "smoke", "--out", out)
    done = fourgig("run", *arguments, *enforcement)
    assert done.returncode == 0, done.stderr
    found = records.read(out / "trials.jsonl")
    assert {record.outcome for record in found} == {Outcome.OK}, [record.reason for record in found]
    three = {record.spec.subject: record for record in found if record.spec.condition["addresses"] == 3}
    assert set(three) == {"sequential", "threads", "tasks"}
    for record in found:
        for name in fetch.MEASURES:
            assert _value(name, record) >= 0, name
        assert _value("fetching_came", record) == 1
        part = record.part()
        assert part is not None and part.values["fetch_sampling_cpu_s"] > 0
        [service] = record.outside.services
        assert service.name == "site"
    mean_s = 0.02
    assert _value("fetching_time", three["sequential"]) >= 3 * mean_s
    assert _value("loop_delay_max", three["sequential"]) > 2 * mean_s
    [failing] = [record for record in found if record.spec.condition["failing"]]
    part = failing.part()
    assert part is not None
    assert sorted(row.outcome for row in part.requests) == ["ok"] * 9 + ["refused"]
    assert _value("fetching_time", failing) >= fetch.DEADLINE_S  # one never answers
    assert {path.name for path in (out / "figures").glob("research-fetch*.svg")} >= {"research-fetch.svg"}


def _value(metric: str, record: records.Record) -> float:
    value = metrics.get(metric).of(record)
    assert not isinstance(value, Missing), value.reason
    return value
