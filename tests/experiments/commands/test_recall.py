from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
from pathlib import Path

import pytest
from rich.cells import cell_len

from experiments.grading.stores import VARIANTS
from tests.experiments.conftest import FOURGIG
from tests.experiments.workloads.archives.files import LOCOMO, LONGMEMEVAL, written


@pytest.fixture
def locomo(tmp_path: Path) -> str:
    return str(written(tmp_path / "locomo.json", LOCOMO))


def test_a_table_a_store_is_printed_and_what_was_left_out(fourgig, locomo: str) -> None:
    done = fourgig("recall", locomo)

    assert done.returncode == 0, done.stderr
    for name in VARIANTS:
        assert f"{name}, locomo.json" in done.stdout
    assert "ndcg@20" in done.stdout
    assert "recall@10 of every store" in done.stdout
    assert "Conversations: 1; sessions: 2; turns: 4; questions: 3." in done.stdout
    assert "questions that nothing answers, as their makers say: 1" in done.stdout


def test_misses_tell_what_was_asked_looked_for_found_and_right(fourgig, tmp_path: Path) -> None:
    said = [{"text": "I sold my bicycle to a neighbour."}, {"text": "It rained on Monday,\nall day."}]
    asked = [
        {"text": "Who has the bicycle now?", "evidence": ["2"], "kind": "hard"},
        {"text": "Who has bought the bicycle?", "evidence": ["1"], "kind": "easy"},
    ]
    file = written(tmp_path / "own.json", {"name": "ours", "turns": said, "questions": asked})
    done = fourgig("recall", str(file), "--store", "bm25", "--store", "like", "--misses", "5")

    assert done.returncode == 0, done.stderr
    assert "bm25: the 1 worst of 2 questions" in done.stdout
    assert "1. ours, hard, 0 of 1 among the first 10" in done.stdout
    assert "asked       Who has the bicycle now?" in done.stdout
    assert "looked for  bicycl" in done.stdout
    assert "found    1  I sold my bicycle to a neighbour." in done.stdout
    assert "evidence    2, not among 20, with none of the words: It rained on Monday, all day." in done.stdout
    assert "like: the" in done.stdout


def test_where_nothing_is_missed_it_says_so(fourgig, locomo: str) -> None:
    done = fourgig("recall", locomo, "--store", "relevance", "--misses", "1", "--kind", "single-hop")

    assert "relevance: all evidence of 1 questions is among the first 10." in done.stdout
    assert "multi-hop" not in done.stdout


def test_json_has_a_line_a_question_and_nothing_else(fourgig, locomo: str) -> None:
    done = fourgig("recall", locomo, "--store", "bm25", "--store", "like", "--json")

    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert [record["store"] for record in records] == ["bm25"] * 3 + ["like"] * 3
    assert set(records[0]) == {
        *("store", "conversation", "question", "kind", "terms", "found", "evidence", "measures"),
    }
    assert "Conversations: 1" in done.stderr


@pytest.mark.parametrize(
    ("option", "name", "known"),
    [("--store", "bm52", "bm25"), ("--store", "tfidf", "relevance"), ("--kind", "hop", "multi-hop")],
)
def test_a_name_nobody_knows_is_refused_with_those_there_are(
    option: str, name: str, known: str, fourgig, locomo: str
) -> None:
    done = fourgig("recall", locomo, option, name)

    assert done.returncode != 0
    assert known in done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_without_evidence_is_refused_with_what_was_left_out(fourgig, tmp_path: Path) -> None:
    done = fourgig("recall", str(written(tmp_path / "abstaining.json", LONGMEMEVAL[1:])))

    assert done.returncode != 0
    assert "No question in " in done.stderr
    assert "as their makers say: 1" in done.stderr


@pytest.mark.parametrize("columns", [40, 80])
def test_nothing_is_wider_than_the_terminal(columns: int, fourgig, tmp_path: Path) -> None:
    said = [{"text": "今天我把自行车卖给了邻居，" * 20}, {"text": "a very long story about a bicycle " * 30}]
    asked = [
        {"text": f"自行车在哪里？ Where is the bicycle? {kind}", "evidence": ["1", "2", "3"], "kind": kind * 3}
        for kind in ("quite-long", "rather-long", "fairly-long", "too-long", "overly-long")
    ]
    said += [{"text": f"Nothing of the kind {'at all ' * 30}"}]
    file = written(tmp_path / "own.json", {"turns": said, "questions": asked})
    done = fourgig("recall", str(file), "--store", "bm25", "--store", "blended", "--misses", "2", COLUMNS=str(columns))

    assert done.returncode == 0, done.stderr
    laid_out = [line for line in done.stdout.splitlines() if line.startswith((" ", "│", "┃"))]
    assert len(laid_out) > 40
    assert max(map(cell_len, laid_out)) <= columns
    assert "…" in done.stdout


def test_what_users_said_is_shown_and_not_obeyed(fourgig, tmp_path: Path) -> None:
    said = [{"text": "[bold]bicycle[/bold] \x1b[31mred\x07"}, {"text": "[/nothing] \x1b]0;title\x07"}]
    asked = [{"text": "[red]bicycle[/red]?", "evidence": ["2"], "kind": "[b]"}]
    file = written(tmp_path / "own.json", {"turns": said, "questions": asked})
    done = fourgig("recall", str(file), "--store", "bm25", "--misses", "1")

    assert done.returncode == 0, done.stderr
    assert "[bold]bicycle[/bold]" in done.stdout
    assert "\x1b" not in done.stdout


def test_an_interrupt_says_what_is_whole(tmp_path: Path) -> None:
    """On a terminal, where the bar shows that questions are being asked."""
    said = [{"text": f"I told {number} people about bicycle {number % 7}."} for number in range(3_000)]
    asked = [{"text": f"Whom did I tell of bicycle {number}?", "evidence": ["1"]} for number in range(5_000)]
    file = written(tmp_path / "own.json", {"turns": said, "questions": asked})
    ours, theirs = pty.openpty()
    command = [str(FOURGIG), "recall", str(file), "--store", "relevance"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=theirs, text=True) as process:
        os.close(theirs)
        seen = b""
        while b"asking relevance" not in seen:
            seen += os.read(ours, 1_000)
        process.send_signal(signal.SIGINT)
        printed, _ = process.communicate()
        while chunk := _read(ours):
            seen += chunk
    os.close(ours)

    assert process.returncode == 130
    assert "Conversations: 1" in printed
    assert b"Interrupted: no store was asked everything." in seen
    assert b"Traceback" not in seen


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 1_000)
    except OSError:  # nobody writes to it any more
        return b""
