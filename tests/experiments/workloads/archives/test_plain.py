from __future__ import annotations

import json
from pathlib import Path

import pytest

from experiments.workloads.archives import read
from experiments.workloads.archives.parsing import date
from tests.experiments.workloads.archives.files import written

TURNS = [
    {"text": "My kiln broke.", "speaker": "Ada", "session": "monday", "said_at": "2024-03-04T10:00", "id": "kiln"},
    {"text": "What a pity!", "speaker": "Ben", "session": "monday"},
    {"text": "I have a new one.", "session": "friday", "said_at": "2024-03-08 18:30"},
]
QUESTIONS = [
    {"text": "What broke?", "evidence": ["kiln"], "kind": "short"},
    {"text": "Who has a new kiln?", "evidence": "3"},
    {"text": "Who paints?", "evidence": []},
]


def lines(*found: object) -> str:
    return "\n".join(json.dumps(one) for one in found)


@pytest.mark.parametrize(
    "content",
    [
        json.dumps({"turns": TURNS, "questions": QUESTIONS}),
        json.dumps([{"turns": TURNS, "questions": QUESTIONS}], indent=1),
        lines(*TURNS, *QUESTIONS),
        lines(*QUESTIONS, *TURNS),
    ],
)
def test_turns_and_questions_are_read_as_json_and_as_lines(content: str, tmp_path: Path) -> None:
    (tmp_path / "own.json").write_text(content)
    [archive] = read(tmp_path / "own.json")

    assert [(turn.id, turn.text, turn.session) for turn in archive.turns] == [
        ("kiln", "Ada: My kiln broke.", "monday"),
        ("2", "Ben: What a pity!", "monday"),
        ("3", "I have a new one.", "friday"),
    ]
    monday, friday = date("2024-03-04T10:00"), date("2024-03-08T18:30")
    assert [turn.said_at for turn in archive.turns] == [monday, monday + 1, friday]
    assert [(one.text, one.kind, one.evidence) for one in archive.questions] == [
        ("What broke?", "short", ("kiln",)),
        ("Who has a new kiln?", "all kinds", ("3",)),
    ]
    assert archive.left_out == {"questions that name no turn with the answer": 1}


def test_a_line_may_be_a_conversation(tmp_path: Path) -> None:
    (tmp_path / "own.jsonl").write_text(
        lines({"name": "first", "turns": TURNS, "questions": []}, {"turns": TURNS[:1], "questions": QUESTIONS})
    )

    assert [(archive.name, len(archive.turns)) for archive in read(tmp_path / "own.jsonl")] == [
        ("first", 3),
        ("conversation 2", 1),
    ]


def test_turns_alone_need_nothing_but_their_text(tmp_path: Path) -> None:
    said = {"turns": [{"text": "one"}, {"text": "two"}], "questions": [{"text": "?", "evidence": [2]}]}
    [archive] = read(written(tmp_path / "own.json", said))

    assert [(turn.id, turn.text, turn.said_at) for turn in archive.turns] == [("1", "one", 0.0), ("2", "two", 1.0)]
    assert archive.questions[0].evidence == ("2",)


def test_a_clock_that_was_set_back_does_not_turn_a_sitting_round(tmp_path: Path) -> None:
    times = ["2024-03-04T10:00", "2024-03-04T09:00", None, "2024-03-04T10:05"]
    said = [{"text": str(number), "said_at": time} for number, time in enumerate(times)]
    [archive] = read(written(tmp_path / "own.json", {"turns": said, "questions": []}))

    began = archive.turns[0].said_at
    assert [turn.said_at - began for turn in archive.turns] == [0, 1, 2, 300]
