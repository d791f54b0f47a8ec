from __future__ import annotations

from pathlib import Path

import pytest

from experiments.grading.archives import grade
from experiments.grading.stores import VARIANTS
from experiments.workloads.archives import read
from systems.errors import BadInput
from tests.experiments.workloads.archives.files import LOCOMO, LONGMEMEVAL, written


@pytest.mark.parametrize("store", VARIANTS)
def test_a_file_of_ones_own_is_graded_by_kind_of_question(store: str, tmp_path: Path) -> None:
    graded = grade(read(written(tmp_path / "locomo.json", LOCOMO)), store)

    assert {kind: means["questions"] for kind, means in graded.items()} == {
        "all": 3,
        "multi-hop": 1,
        "open-domain": 1,
        "single-hop": 1,
    }
    for means in graded.values():
        assert set(means) == {
            "questions",
            *(f"{name}@{k}" for name in ("recall", "any", "all", "ndcg") for k in (5, 10, 20)),
        }
        assert means["all@5"] <= means["recall@5"] <= means["any@5"]
    assert graded["multi-hop"]["recall@5"] == 1  # both turns about the bicycle


def test_what_the_assistant_said_is_not_searched(tmp_path: Path) -> None:
    graded = grade(read(written(tmp_path / "longmemeval.json", LONGMEMEVAL)), "relevance")

    assert graded["single-session-user"]["ndcg@5"] == 1


def test_a_file_without_evidence_cannot_be_graded(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="No question in the file"):
        grade(read(written(tmp_path / "abstaining.json", LONGMEMEVAL[1:])), "like")
