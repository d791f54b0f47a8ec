"""The part that compares patterns of making relevance: its grid, and a small run from the trial to the figure."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from experiments import metrics
from experiments.measuring import records
from experiments.measuring.records import EngineSpec, Outcome
from experiments.measuring.study import BLOCKS, GRADED, Cell, GridRequest, Preset
from experiments.metrics.interface import Missing
from experiments.studies.research import embeddings
from systems.models import embeddings as encoders
from systems.models.published import PUBLISHED
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


def _cache_with_the_encoder(folder: Path, embedding_model: Callable[[str], Path]) -> tuple[Path, set[str]]:
    """Return a cache folder with the encoder in it, and the kinds of work it allows; without one where none is here."""
    models = folder / "models"
    models.mkdir(parents=True)
    try:
        shutil.copy(embedding_model("minilm"), models / encoders.converted(PUBLISHED["minilm"]).name)
    except pytest.skip.Exception:
        return folder, {"terms"}
    return folder, {"minilm", "terms"}


@pytest.mark.long
def test_a_small_run_measures_everything_and_is_drawn(
    fourgig: Any, enforcement: list[str], tmp_path: Path, embedding_model: Callable[[str], Path]
) -> None:
    cache, works = _cache_with_the_encoder(tmp_path / "cache", embedding_model)
    out = tmp_path / "run"
    arguments = ("research", "--part", "embeddings", "--engine", "simulated", "--preset", "smoke", "--out", out)
    done = fourgig("run", *arguments, *enforcement, FOURGIG_CACHE=str(cache))
    assert done.returncode == 0, done.stderr
    found = records.read(out / "trials.jsonl")
    assert {record.outcome for record in found} == {Outcome.OK}
    assert {record.spec.condition["work"] for record in found} == works
    for record in found:
        assert _value("success_rate", record) == 1
        # So short a trial may end between two ticks of the sampler of the event loop's delay.
        assert all(_value(name, record) > 0 for name in embeddings.MEASURES[:3] if name != "loop_delay_max")
    for work in works:
        by_subject = {record.spec.subject: record for record in found if record.spec.condition["work"] == work}
        count = {subject: _value("relevance_processes", record) for subject, record in by_subject.items()}
        # A pool has a process for each processor, and a helper.
        extra = {subject: count[subject] - count["in-loop"] for subject in count}
        assert extra == {"in-loop": 0, "thread": 0, "processes": 3, "shared": 1}
        held = {subject: _value("relevance_peak_anonymous", record) for subject, record in by_subject.items()}
        assert held["processes"] > max(held["shared"], held["thread"])
        # What an encoder's threads hold at a moment varies by as much as a process takes; terms are counted in none.
        assert work != "terms" or held["shared"] > held["thread"]
    assert (out / "figures" / "research-embeddings.svg").exists()
