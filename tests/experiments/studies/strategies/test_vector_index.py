"""The part that compares a graph of vectors with a scan, and what its neighbours in this division have in common."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from experiments import metrics
from experiments.measuring.records import EngineSpec, Record
from experiments.measuring.study import BLOCKS, GRADED, Cell, GridRequest, Preset
from experiments.report.figures.strategies import vector_index as figure
from experiments.studies.strategies import batched_embedding, model_choice, prompts, vector_index
from tests.experiments.studies.strategies.in_process import drawn, tried, value

PARTS = (vector_index, prompts, batched_embedding, model_choice)


def _cells(part, preset: Preset, engine: str = "llama") -> list[Cell]:
    shapes = {name: EngineSpec(name=engine) for name in ("smollm2", "reader")} if engine == "llama" else {}
    return part.cells(GridRequest(preset=preset, systems=(), engine=EngineSpec(name=engine), shapes=shapes))


@pytest.mark.parametrize("preset", BLOCKS)
@pytest.mark.parametrize("engine", ["llama", "simulated"])
@pytest.mark.parametrize("part", PARTS)
def test_every_cell_is_one_trial_beside_its_reference_and_every_measure_a_metric(part, engine, preset: Preset) -> None:
    cells = _cells(part, preset, engine)
    assert bool(cells) == (engine == "llama" or part is not model_choice)
    assert len({(str(cell.condition), cell.subject, cell.twin) for cell in cells}) == len(cells)
    assert all(0 < cell.estimate_s < cell.timeout_s and json.dumps(cell.condition) for cell in cells)
    assert any(cell.twin for cell in cells) == (preset in GRADED and bool(cells))
    subjects = Counter((str(cell.condition), cell.subject) for cell in cells if not cell.twin)
    for condition in {condition for condition, _ in subjects}:
        assert sum(subjects[condition, reference] for reference in part.REFERENCES) == 1
    assert all(metrics.get(name) for name in part.MEASURES)
    assert 0 < part.PRIMARY <= len(part.MEASURES)


@pytest.mark.parametrize("part", PARTS)
def test_the_wide_preset_has_every_cell_of_the_standard_one(part) -> None:
    def keys(preset: Preset) -> set[tuple[str, str, bool]]:
        # How many questions are asked in own words is a matter of time.
        return {
            (json.dumps(cell.condition), cell.subject, cell.twin)
            for cell in _cells(part, preset)
            if cell.condition.get("work") != "own words"
        }

    assert keys("standard") <= keys("wide")


def test_planning_imports_nothing_of_what_the_trials_measure() -> None:
    names = ", ".join(part.__name__ for part in PARTS)
    look = f"import sys, {names}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert {"numpy", "pandas", "llama_cpp", "usearch"} & set(done.stdout.split()) == set()


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Record]:
    """One trial a way, with as few rows as the preset smoke has."""
    pytest.importorskip("usearch")
    folder = tmp_path_factory.mktemp("vectors")
    cells = _cells(vector_index, "smoke")
    return {cell.subject: tried(vector_index, cell, folder) for cell in cells}


def test_a_scan_finds_all_of_the_nearest_whatever_is_left_out_or_removed(records: dict[str, Record]) -> None:
    for recall in ("index_recall", "index_filtered_recall", "index_recall_removed"):
        assert value(recall, records["exact-scan"]) == 1


def test_a_graph_finds_most_of_them_and_more_the_more_rows_it_looks_at(records: dict[str, Record]) -> None:
    graph = records["hnsw"]
    for recall in ("index_recall", "index_filtered_recall", "index_recall_removed"):
        assert 0.5 < value(recall, graph) <= 1
    swept = graph.part().series
    assert swept["swept"] == sorted(swept["swept"])
    assert swept["swept_recall"][-1] >= swept["swept_recall"][0]
    # Of 500 rows a graph that looks at 400 misses hardly any.
    assert swept["swept_recall"][-1] > 0.95
    assert all(value(name, graph) > 0 for name in vector_index.MEASURES)


def test_without_the_package_a_graph_is_skipped_with_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vector_index, "find_spec", lambda _name: None)
    why = {cell.subject: cell.impossible for cell in _cells(vector_index, "smoke")}
    assert why["exact-scan"] == ""
    assert "pip install usearch" in why["hnsw"]


def test_recall_is_drawn_over_the_time_of_a_lookup_and_costs_beside_it(
    records: dict[str, Record], tmp_path: Path
) -> None:
    found = drawn(figure, records.values(), tmp_path)
    assert set(found) == {"strategies-vector-index", "strategies-vector-index-costs"}
    curve = found["strategies-vector-index"]
    assert len([row for row in curve.data[1:] if row[0] == "500 points of 32 numbers"]) >= 5
