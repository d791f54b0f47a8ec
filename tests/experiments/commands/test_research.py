"""The command that answers a question from sources: what it writes, what it refuses, and what it keeps when stopped."""

from __future__ import annotations

import json
import os
import pty
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.experiments.conftest import FOURGIG

QUESTION = "How long is the stone bridge of Velm?"


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "velm.md").write_text("# The town of Velm\n\nThe stone bridge of Velm is 84 metres long.\n")
    (folder / "secret.txt").symlink_to("/etc/hostname")
    return folder


def ask(fourgig, tiny_model: Path, data: Path, *arguments: object):
    """Ask with a model that takes no time and means nothing."""
    return fourgig(
        "research", QUESTION, "--model", tiny_model, "--data", data, "--set", "research.answer_tokens=8", *arguments
    )


def test_a_report_cites_or_shows_the_passages_and_says_what_was_refused(fourgig, tiny_model, notes, tmp_path) -> None:
    done = ask(fourgig, tiny_model, tmp_path / "data", "--source", notes)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"# {QUESTION}\n")
    assert "The stone bridge of Velm is 84 metres long." in done.stdout
    assert "velm.md" in done.stdout
    assert "Refused" in done.stderr
    assert "it is a link" in done.stderr
    again = shlex.split("".join(done.stderr.partition("to ask on: ")[2].splitlines()))
    for option, value in (("--source", notes), ("--model", tiny_model), ("--set", "research.answer_tokens=8")):
        assert again[again.index(option) + 1] == str(value), "asked on, it answers in the same way"


def test_without_a_source_the_shipped_documents_are_read(fourgig, tiny_model, tmp_path) -> None:
    done = ask(fourgig, tiny_model, tmp_path / "data", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["complete"]
    assert len(told["read"]) > 60
    assert told["passages"][0]["source"].endswith("town-velm.md")
    assert told["degraded"] == []


def test_the_report_goes_into_a_file_and_over_none(fourgig, tiny_model, notes, tmp_path) -> None:
    out = tmp_path / "report.md"
    done = ask(fourgig, tiny_model, tmp_path / "data", "--source", notes, "--out", out)
    assert (done.returncode, done.stdout) == (0, "")
    assert out.read_text().startswith(f"# {QUESTION}\n")
    done = ask(fourgig, tiny_model, tmp_path / "data", "--source", notes, "--out", out)
    assert done.returncode == 2
    assert "is there already" in done.stderr


def test_a_session_is_taken_up_again(fourgig, tiny_model, notes, tmp_path) -> None:
    from tests.systems.research.asking import kept

    for _ in range(2):
        done = ask(fourgig, tiny_model, tmp_path / "data", "--source", notes, "--session", "house")
        assert done.returncode == 0, done.stderr
    assert [(session, role) for session, role, _ in kept(tmp_path / "data")] == [
        ("house", "user"),
        ("house", "assistant"),
    ] * 2


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["--source", "no-such-folder"], 2, "There is no folder or file no-such-folder"),
        (["--source", "ftp://example.org/x"], 2, "only http, https and file are read"),
        (["--source", "http://user:word@example.org/"], 2, "carries a user's name or password"),
        (["--out", "no-such-folder/report.md"], 2, "There is no folder"),
        (["--encoder", "minlm"], 2, "did you mean minilm"),
        (["--model", "smolm2"], 2, "did you mean smollm2"),
        (["--set", "research.passages=0"], 2, "research"),
        (["--set", "resarch.passages=1"], 2, "did you mean research"),
        (["--source", "http://127.0.0.1:9/"], 10, "not in the public network"),
    ],
)
def test_what_cannot_be_is_one_sentence(fourgig, tiny_model, tmp_path, arguments, code, says) -> None:
    given = [] if "--model" in arguments else ["--model", tiny_model]
    done = fourgig("research", QUESTION, "--data", tmp_path / "data", *given, *arguments)
    assert done.returncode == code, done.stderr
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_a_link_to_what_no_report_can_name_is_refused(fourgig, tiny_model, tmp_path) -> None:
    named = tmp_path / os.fsdecode(b"\xff.txt")
    named.write_text("words")
    (tmp_path / "link.txt").symlink_to(named)
    done = ask(fourgig, tiny_model, tmp_path / "data", "--source", tmp_path / "link.txt")
    assert done.returncode == 2, done.stderr
    assert "is not UTF-8" in done.stderr


def test_a_question_of_nothing_is_refused(fourgig, tmp_path) -> None:
    done = fourgig("research", "  ", "--data", tmp_path)
    assert done.returncode == 2
    assert "the question is empty" in done.stderr


def test_its_help_teaches(fourgig) -> None:
    done = fourgig("research", "--help")
    assert done.returncode == 0
    for words in ("Examples", "--source", "--session", "Ctrl-C"):
        assert words in done.stdout


def test_an_interrupt_keeps_what_is_there(tiny_model, notes, tmp_path) -> None:
    from tests.systems.research.asking import kept

    here, there = pty.openpty()
    arguments = [QUESTION, "--model", tiny_model, "--data", tmp_path / "data", "--source", notes, "--session", "house"]
    # Random weights end no reply by themselves: it goes on until the context is full.
    command = [
        FOURGIG,
        "research",
        *arguments,
        "--set",
        "research.answer_tokens=100000",
        "--set",
        "research.topics=words",
    ]
    process = subprocess.Popen(
        [*map(str, command), "--set", "llama.context_tokens=131072"],
        stdout=subprocess.PIPE,
        stderr=there,
        env={**os.environ, "COLUMNS": "200"},
    )
    os.close(there)
    said = b""
    while b"The model reads" not in said:
        said += os.read(here, 4096)
    process.send_signal(signal.SIGINT)
    report, _ = process.communicate(timeout=120)
    try:
        while piece := os.read(here, 4096):
            said += piece
    except OSError:  # how the end of a terminal is told
        pass
    os.close(here)
    assert process.returncode == 130, said
    assert b"Traceback" not in said
    assert b"--session house" in said
    assert "This was stopped before it was done" in report.decode()
    assert "84 metres" in report.decode()
    assert kept(tmp_path / "data")[0] == ("house", "user", QUESTION)


def test_the_tab_key_offers_models_and_encoders(fourgig) -> None:
    environment = {**os.environ, "_FOURGIG_COMPLETE": "complete_bash", "COMP_WORDS": "fourgig research --encoder mi"}
    done = subprocess.run(
        [FOURGIG], env={**environment, "COMP_CWORD": "3"}, capture_output=True, text=True, check=False
    )
    assert "minilm" in done.stdout, (done.stdout, done.stderr, sys.version)
