"""The part semantic-cache: its cells, and what it notes of pairs and streams."""

import os

import pytest

from experiments import metrics
from experiments.measuring import profiles
from experiments.measuring.records import EngineSpec, TrialSpec
from experiments.measuring.role import Assignment, Role
from experiments.measuring.study import GridRequest
from experiments.studies.density import semantic_cache
from systems.errors import BadInput
from tests.systems.tiered.semantic.letters import LetterPairs

PAIRS = {"part": semantic_cache.PART, "from": "pairs", "language": "en", "gate": "on"}
STREAM = {
    "part": semantic_cache.PART,
    "from": "stream",
    "language": "en",
    "questions": 120,
    "repeats": 0.3,
    "paraphrases": 0.2,
    "search": "exact",
}


@pytest.fixture
def noted(tmp_path, monkeypatch):
    monkeypatch.setattr(Role, "outside_look", lambda _role, _name="end": None)

    def run(condition, subject):
        spec = TrialSpec(
            study="density",
            condition=condition,
            subject=subject,
            profile=profiles.load("4gb"),
            block=0,
            seed=1,
            timeout_s=60.0,
            code_version="test",
        )
        role = Role(
            Assignment(
                role="subject", spec=spec, work_dir=str(tmp_path), part_path="", cpus=(), runner_pid=os.getpid()
            ),
            -1,
        )
        semantic_cache.run(role)
        return role.part

    return run


def test_an_encoder_is_asked_in_the_languages_that_it_reads_and_needs_its_model():
    found = semantic_cache.cells(GridRequest(preset="wide", systems=("baseline",), engine=EngineSpec(name="simulated")))
    for cell in found:
        if cell.subject in semantic_cache.ENCODERS:
            assert cell.condition["language"] in semantic_cache.ENCODERS[cell.subject]
            assert cell.requires == (cell.subject,)
    assert any(cell.twin for cell in found)
    assert {cell.condition["gate"] for cell in found if cell.condition["from"] == "pairs"} == {"on", "off"}


def test_every_measure_is_a_metric():
    for name in semantic_cache.MEASURES:
        assert metrics.get(name).name == name


def test_the_oracle_serves_all_that_is_right_and_the_exact_key_the_same_words(noted):
    oracle, exact = noted(PAIRS, "oracle").values, noted(PAIRS, "exact").values
    assert oracle["paraphrase_hits"] == oracle["paraphrase"] > 0
    assert all(oracle[f"{kind}_hits"] == 0 for kind in ("polarity", "changed", "history"))
    assert exact["paraphrase_hits"] == exact["changed_hits"] == 0
    assert exact["history_hits"] == exact["history"] > 0  # whatever was said before, and whoever asks


def test_a_stream_is_answered_and_wrong_hits_are_seen(noted):
    oracle, exact = noted(STREAM, "oracle"), noted(STREAM, "exact")
    assert oracle.values["hits"] > exact.values["hits"] > 0
    assert oracle.values["wrong"] == exact.values["wrong"] == 0
    assert oracle.values["hits"] == oracle.values["accesses"] - oracle.values["distinct"]
    assert len(oracle.series["lookup_s"]) == 120


def test_an_encoder_without_a_curve_ends_the_trial_in_a_sentence(noted, monkeypatch):
    monkeypatch.setattr("systems.models.embeddings.resolve", lambda name: type("File", (), {"path": name}))
    monkeypatch.setattr("systems.engines.embedding.opening.embedding_engine", lambda _path: LetterPairs())
    with pytest.raises(BadInput, match="letters"):
        noted(STREAM, "minilm")
