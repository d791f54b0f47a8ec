"""The parts that measure states and vectors: their grids, and a small run of each from the trial to the figure."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import numpy as np
import pytest

from experiments import metrics
from experiments.analysis import claims
from experiments.measuring import records
from experiments.measuring.records import EngineSpec, Outcome
from experiments.measuring.study import BLOCKS, Cell, GridRequest, Preset
from experiments.metrics.interface import Missing
from experiments.studies.density import states, vectors
from experiments.workloads import states as made_states
from experiments.workloads import vector_files
from experiments.workloads import vectors as made_vectors


def _cells(part: str, preset: Preset) -> list[Cell]:
    request = GridRequest(preset=preset, systems=(), engine=EngineSpec(name="simulated"))
    return {"states": states, "vectors": vectors}[part].cells(request)


@pytest.mark.parametrize("preset", BLOCKS)
@pytest.mark.parametrize("part", ["states", "vectors"])
def test_every_cell_is_one_trial_and_every_measure_a_metric(part: str, preset: Preset) -> None:
    cells = _cells(part, preset)
    assert len({(str(cell.condition), cell.subject, cell.twin) for cell in cells}) == len(cells)
    assert all(0 < cell.estimate_s < cell.timeout_s and json.dumps(cell.condition) for cell in cells)
    for name in (*states.MEASURES, *vectors.MEASURES):
        assert metrics.get(name)


@pytest.mark.parametrize("claim", ["S1-delta", "S1-int8"])
def test_the_standard_preset_tests_every_condition_of_the_claims(claim: str) -> None:
    cells = [cell for part in ("states", "vectors") for cell in _cells(part, "standard")]
    tests = claims.get(claim).tests
    assert tests
    for test in tests:
        there = {cell.subject for cell in cells if test.fits(cell.condition)}
        assert {test.subject, test.reference or test.subject} <= there, test.title


@pytest.mark.parametrize("kind", made_states.KINDS)
def test_states_are_json_made_from_the_seed_and_change_a_little_at_a_time(kind: made_states.Kind) -> None:
    made = list(made_states.successive("a", kind, 30))
    assert made == list(made_states.successive("a", kind, 30))
    assert made != list(made_states.successive("b", kind, 30))
    assert all(msgspec.json.encode(msgspec.json.decode(state)) == state for state in made)
    assert len(set(made)) == 30
    grows = len(made[-1]) / len(made[14])
    assert grows > 1.5 if kind in ("conversation", "tools") else grows < 1.5


def test_near_texts_differ_in_little_and_are_asked_for_in_other_words() -> None:
    pairs = list(made_vectors.texts(1, 400))
    assert len({text for text, _ in pairs}) == 400
    assert not {text for text, _ in pairs} & {asked for _, asked in pairs}
    assert pairs == list(made_vectors.texts(1, 400))


def test_the_threshold_of_the_ten_nearest_is_that_of_whole_numbers(tmp_path: Path) -> None:
    made_vectors.make(made_vectors.CLUSTERS, 500, 5, 1, tmp_path)
    rows, asked = vector_files.rows(tmp_path), np.load(tmp_path / vector_files.ASKED)
    assert rows.shape == (500, asked.shape[1])
    for vector, tenth in zip(asked, np.load(tmp_path / vector_files.NEAREST), strict=True):
        assert np.sort(rows @ vector)[-10] == pytest.approx(tenth, abs=1e-5)


@pytest.mark.parametrize("part", [pytest.param("states", marks=pytest.mark.long), "vectors"])
def test_a_small_run_measures_everything_and_is_drawn(fourgig, enforcement, tmp_path: Path, part: str) -> None:
    out = tmp_path / "run"
    arguments = ("density", "--part", part, "--engine", "simulated", "--preset", "smoke", "--out", out)
    done = fourgig("run", *arguments, *enforcement)
    assert done.returncode == 0, done.stderr
    found = records.read(out / "trials.jsonl")
    assert {record.outcome for record in found} == {Outcome.OK}
    by_subject = {record.spec.subject: record for record in found}
    if part == "states":
        assert _value("states_bytes", by_subject["difference"]) < _value("states_bytes", by_subject["full"])
        assert _value("states_bytes", by_subject["sparse-zstd"]) < _value("states_bytes", by_subject["sparse"])
        assert _value("training_time", by_subject["rows-dictionary"]) > 0
        assert isinstance(metrics.get("training_time").of(by_subject["full"]), Missing)
    else:
        assert _value("nearest_recall", by_subject["float"]) == 1
        assert _value("nearest_recall", by_subject["int4"]) < _value("nearest_recall", by_subject["int8"])
        assert _value("vectors_bytes", by_subject["int4"]) < _value("vectors_bytes", by_subject["float"]) / 7
        assert _value("vectors_peak_memory", by_subject["int8"]) > _value("vectors_anonymous", by_subject["int8"])
    for record in found:
        for name in (states if part == "states" else vectors).MEASURES[:2]:
            assert _value(name, record) > 0
    assert list((out / "figures").glob(f"density-{part}*.svg"))


def _value(metric: str, record: records.Record) -> float:
    value = metrics.get(metric).of(record)
    assert not isinstance(value, Missing)
    return value
