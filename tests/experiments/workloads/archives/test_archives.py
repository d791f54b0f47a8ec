from __future__ import annotations

from pathlib import Path

import pytest

from experiments.workloads.archives import read
from systems.errors import BadInput
from tests.experiments.workloads.archives.files import LOCOMO, LONGMEMEVAL, written


def test_a_locomo_file_is_read_in_the_order_of_its_sessions(tmp_path: Path) -> None:
    [archive] = read(written(tmp_path / "locomo.json", LOCOMO))

    assert [turn.id for turn in archive.turns] == ["D1:1", "D1:2", "D2:1", "D2:2"]
    assert archive.turns[3].text == "Ada: Look! [a lighthouse by the sea]"
    assert [(question.kind, question.evidence) for question in archive.questions] == [
        ("single-hop", ("D1:1",)),
        ("multi-hop", ("D1:2", "D2:1")),
        ("open-domain", ("D2:2",)),
    ]
    assert archive.left_out == {
        "questions that nothing answers, as their makers say": 1,
        "questions whose named turns are not there": 1,
    }


def test_a_longmemeval_file_has_a_history_for_every_question(tmp_path: Path) -> None:
    asked, abstaining = read(written(tmp_path / "longmemeval.json", LONGMEMEVAL))

    assert [turn.text for turn in asked.turns] == [
        "Tell me about tides.",
        "I practise an instrument, the oboe, every day.",
    ]
    assert [question.evidence for question in asked.questions] == [(asked.turns[1].id,)]
    assert not abstaining.questions
    assert abstaining.left_out == {"questions that nothing answers, as their makers say": 1}


@pytest.mark.parametrize("content", [[{"question": "?"}], {"qa": []}, "text", [1], [{"conversation": {}, "qa": 1}]])
def test_another_format_is_refused_with_the_reasons(content: object, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"no known format.*LoCoMo.*LongMemEval"):
        read(written(tmp_path / "other.json", content))


@pytest.mark.parametrize("data", [b"", b"\xff\xfe", b"[{", b'[{"conversation": {"session_1": 3}, "qa": []}]'])
def test_a_damaged_file_is_refused(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "broken.json").write_bytes(data)

    with pytest.raises(BadInput):
        read(tmp_path / "broken.json")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be read"):
        read(tmp_path / "none.json")
