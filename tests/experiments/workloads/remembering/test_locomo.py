from __future__ import annotations

from pathlib import Path

import pytest

from experiments.workloads.archives import read
from experiments.workloads.remembering import locomo
from experiments.workloads.remembering.natural.conversation import converse_naturally
from tests.experiments.workloads.remembering.exported import SEED, archives, found


def test_an_exported_conversation_is_read_with_every_turn_and_question(tmp_path: Path) -> None:
    made = converse_naturally(SEED, 500, 200)
    [archive] = archives(tmp_path)
    ids = [turn.id for turn in archive.turns]

    assert len(archive.turns) == len(made.turns)
    for ours, theirs in zip(made.turns, archive.turns, strict=True):
        said = ours.text if ours.speaker is None else ours.text.removeprefix(ours.speaker)[1:].strip()
        assert theirs.text == f"{ours.speaker or 'User'}: {said}"
    assert len(archive.questions) == len(made.questions) == 200
    for question, asked in zip(made.questions, archive.questions, strict=True):
        assert asked.text == question.text
        assert asked.evidence == tuple(ids[turn] for turn in question.evidence)
        assert asked.kind == ("temporal" if question.kind == "dated" else "single-hop")
    assert {question.language for question in made.questions} == {"en", "zh"}


def test_the_command_writes_a_file_that_is_read(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    locomo.main(["--seed", "3", "--turns", "60", "--questions", "9", "--language", "zh"])
    path = tmp_path / "file.json"
    path.write_bytes(capfdbinary.readouterr().out)

    [archive] = read(path)
    assert archive.name == "natural-3-60"
    assert len(archive.turns) == 60
    assert 0 < len(archive.questions) <= 9


def test_all_words_find_more_of_it_than_the_published_keywords(tmp_path: Path) -> None:
    conversations = archives(tmp_path)
    assert found("bm25", conversations) > found("like", conversations)
