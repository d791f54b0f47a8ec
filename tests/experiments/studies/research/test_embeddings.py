"""The part that compares patterns of making relevance: its grid, and a small run from the trial to the figure."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from experiments import metrics
from experiments.measuring import records
from experiments.measuring.records import EngineSpec, Outcome
from experiments.measuring.study import BLOCKS, GRADED, Cell, GridRequest, Preset
from experiments.metrics.interface import Missing
from experiments.studies.research import embeddings
from systems.research.embedding import relevance


def _cells(preset: Preset) -> list[Cell]:
    return embeddings.cells(GridRequest(preset=preset, systems=(), engine=EngineSpec(name="simulated")))


def _value(metric: str, record: records.Record) -> float:
    value = metrics.get(metric).of(record)
    assert not isinstance(value, Missing)
    return value


@pytest.mark.parametrize("preset", BLOCKS)
def test_every_pattern_is_in_every_condition_once_and_every_measure_a_metric(preset: Preset) -> None:
    cells = _cells(preset)
    assert len({(str(cell.condition), cell.subject, cell.twin) for cell in cells}) == len(cells)
    assert all(0 < cell.estimate_s < cell.timeout_s and json.dumps(cell.condition) for cell in cells)
    assert any(cell.twin for cell in cells) == (preset in GRADED)
    conditions = {str(cell.condition) for cell in cells}
    for condition in conditions:
        there = [cell.subject for cell in cells if str(cell.condition) == condition and not cell.twin]
        assert there == list(relevance.PATTERNS)
    assert all(metrics.get(name) for name in embeddings.MEASURES)


def test_planning_imports_nothing_of_what_the_trials_measure() -> None:
    look = "import sys, experiments.studies.research.embeddings; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    heavy = {"numpy", "pandas", "llama_cpp", "multiprocessing", "systems.research.embedding.relevance"}
    assert heavy & set(done.stdout.split()) == set()


def test_a_small_run_measures_everything_and_is_drawn(
    fourgig: Any, enforcement: list[str], tmp_path: Path, embedding_model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from systems.models import embeddings as encoders
    from systems.models.published import PUBLISHED

    kept = encoders.converted(PUBLISHED["minilm"])
    kept.parent.mkdir(parents=True, exist_ok=True)
    if not kept.exists():
        os.link(embedding_model("minilm"), kept)
    out = tmp_path / "run"
    arguments = ("research", "--part", "embeddings", "--engine", "simulated", "--preset", "smoke", "--out", out)
    done = fourgig("run", *arguments, *enforcement)
    assert done.returncode == 0, done.stderr
    found = records.read(out / "trials.jsonl")
    assert {record.outcome for record in found} == {Outcome.OK}
    assert {record.spec.condition["work"] for record in found} == {"minilm", "terms"}
    for record in found:
        assert _value("success_rate", record) == 1
        assert all(_value(name, record) > 0 for name in embeddings.MEASURES[:3])
    by_subject = {record.spec.subject: record for record in found if record.spec.condition["work"] == "minilm"}
    count = {subject: _value("relevance_processes", record) for subject, record in by_subject.items()}
    # A pool has a process for each processor, and a helper.
    extra = {subject: count[subject] - count["in-loop"] for subject in count}
    assert extra == {"in-loop": 0, "thread": 0, "processes": 3, "shared": 1}
    held = {subject: _value("relevance_peak_anonymous", record) for subject, record in by_subject.items()}
    assert held["processes"] > held["shared"] > held["thread"]
    assert (out / "figures" / "research-embeddings.png").exists()
