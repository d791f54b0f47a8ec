"""The part that compares the whole agent with its twin: its grid, and a small run from the trial to the figure."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from experiments import metrics
from experiments.measuring import records
from experiments.measuring.records import EngineSpec, Outcome
from experiments.measuring.study import BLOCKS, GRADED, Cell, GridRequest, Preset
from experiments.metrics.interface import Missing
from experiments.report.figures.research.pipeline import wilson
from experiments.studies.research import pipeline
from systems.research.settings import NAIVE, ResearchSettings


def _cells(preset: Preset, engine: str = "llama") -> list[Cell]:
    shapes = {"smollm2": EngineSpec(name=engine)} if engine == "llama" else {}
    return pipeline.cells(GridRequest(preset=preset, systems=(), engine=EngineSpec(name=engine), shapes=shapes))


def _value(metric: str, record: records.Record) -> float:
    value = metrics.get(metric).of(record)
    assert not isinstance(value, Missing)
    return value


@pytest.mark.parametrize("preset", BLOCKS)
@pytest.mark.parametrize("engine", ["llama", "simulated"])
def test_every_cell_is_one_trial_and_every_measure_a_metric(preset: Preset, engine: str) -> None:
    cells = _cells(preset, engine)
    assert len({(str(cell.condition), cell.subject, cell.twin) for cell in cells}) == len(cells)
    assert all(0 < cell.estimate_s < cell.timeout_s and json.dumps(cell.condition) for cell in cells)
    assert any(cell.twin for cell in cells) == (preset in GRADED)
    assert all(metrics.get(name) for name in pipeline.MEASURES)
    assert any(cell.condition["work"] == "own words" for cell in cells) == (engine == "llama")


def test_the_twin_is_naive_in_everything_and_a_rung_in_one_thing() -> None:
    by_subject = {cell.subject: cell for cell in _cells("paper")}
    assert {name: by_subject["sequential"].settings[name] for name in NAIVE} == dict(NAIVE)
    for name, naive in NAIVE.items():
        patterns = {key: value for key, value in by_subject[f"all-{name}"].settings.items() if key in NAIVE}
        assert patterns == {name: naive}
        assert getattr(ResearchSettings(), name) != naive


def test_planning_imports_nothing_of_what_the_trials_measure() -> None:
    look = "import sys, experiments.studies.research.pipeline; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    heavy = {"numpy", "pandas", "llama_cpp", "systems.research.agent", "experiments.workloads.research.world"}
    assert heavy & set(done.stdout.split()) == set()


def test_a_small_run_measures_everything_and_is_drawn(fourgig, enforcement, tmp_path: Path) -> None:
    out = tmp_path / "run"
    arguments = ("research", "--part", "pipeline", "--engine", "simulated", "--preset", "smoke", "--out", out)
    done = fourgig("run", *arguments, *enforcement)
    assert done.returncode == 0, done.stderr
    found = records.read(out / "trials.jsonl")
    assert {record.outcome for record in found} == {Outcome.OK}, [record.reason for record in found]
    assert {record.spec.subject for record in found} == {"sequential", "all"}
    for record in found:
        assert _value("success_rate", record) == 1
        assert _value("research_found", record) == 1
        assert 0 < _value("time_to_first_token_p50", record) <= _value("latency_p50", record)
        assert _value("research_calls", record) == 2
    assert list((out / "figures").glob("research-pipeline*.svg"))


def test_an_interval_of_a_share_holds_it_and_shrinks_with_the_questions() -> None:
    for share in (0.0, 0.5, 1.0):
        few, many = wilson(share, 10), wilson(share, 1000)
        assert few[0] <= many[0] <= share <= many[1] <= few[1]
        assert 0 <= few[0] < few[1] <= 1
