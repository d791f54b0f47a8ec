"""``fourgig memory`` as a person uses it."""

import os
import sqlite3
import subprocess
import unicodedata
from contextlib import closing

import pytest
from typer.testing import CliRunner

from experiments.commands.cli import app, main
from systems.memory.like import LikeStore
from systems.memory.schema import SavedTurn
from tests.experiments.conftest import FOURGIG


@pytest.fixture
def path(tmp_path):
    store = LikeStore(tmp_path / "memory.sqlite")
    store.open()
    store.save([SavedTurn(session=session, question=f"I am {session}", answer="", keywords=("i",)) for session in "ab"])
    return tmp_path / "memory.sqlite"


def fourgig(*arguments):
    return CliRunner().invoke(app, ["memory", *map(str, arguments)])


def test_turns_go_out_and_come_in_and_a_session_is_forgotten(path, tmp_path):
    out, copy = tmp_path / "out.jsonl", tmp_path / "copy.sqlite"
    assert "2 turns written" in fourgig("export", path, out).stdout
    assert "I am a" in fourgig("export", path, "--session", "a").stdout
    assert "2 new turns" in fourgig("import", copy, out).stdout
    assert "1 turns of a deleted" in fourgig("forget", copy, "a").stdout
    assert "0 turns deleted" in fourgig("compact", copy, "--size", "1GiB").stdout
    assert "I am a" not in fourgig("export", copy).stdout


def test_what_a_tiered_agent_keeps_beside_its_file_is_said_and_not_left_behind(path):
    path.with_name("tiers.sqlite").touch()
    done = fourgig("export", path)
    assert "I am a" in done.stdout and "are not in it" in done.stderr
    refused = subprocess.run([FOURGIG, "memory", "forget", str(path), "a"], capture_output=True, text=True, check=False)
    assert refused.returncode == 2 and "tiered agent's" in refused.stderr
    assert "I am a" in fourgig("export", path).stdout


def test_what_a_pooled_agent_keeps_beside_its_file_is_not_left_behind(path):
    path.with_name("pool.sqlite").touch()
    refused = fourgig("forget", path, "a")
    assert "pooled agent's" in str(refused.exception)
    assert "I am a" in fourgig("export", path).stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["export", "none.sqlite"], "There is no memory file none.sqlite."),
        (["compact", "{path}", "--size", "big"], "'big' is no size"),
        (["export", "{path}", "{path}"], "is there already"),
        (["import", "{path}", "{path}"], "Line 1 is no beginning of an export"),
    ],
)
def test_a_mistake_gets_one_sentence(path, arguments, says, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["fourgig", "memory", *(argument.format(path=path) for argument in arguments)])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 2
    assert says in " ".join(capsys.readouterr().err.split())


def test_sessions_complete(path):
    done = CliRunner().invoke(
        app,
        [],
        prog_name="fourgig",
        env={"_FOURGIG_COMPLETE": "complete_bash", "COMP_WORDS": f"fourgig memory forget {path} ", "COMP_CWORD": "4"},
    )
    assert done.stdout.split() == ["a", "b"]


def run(*arguments, **how):
    """Return what the command did, in a process of its own."""
    return subprocess.run([FOURGIG, "memory", *map(str, arguments)], capture_output=True, timeout=60, **how)


def test_an_export_goes_into_an_import_through_a_pipe_byte_for_byte(path, tmp_path):
    lines = run("export", path).stdout
    assert run("import", tmp_path / "copy.sqlite", "-", input=lines).returncode == 0
    assert run("export", tmp_path / "copy.sqlite").stdout == lines


def test_an_export_that_nobody_reads_on_ends_quietly(path):
    store = LikeStore(path)
    store.save([SavedTurn(session="a", question="x" * 10_000, answer="", keywords=()) for _ in range(100)])
    done = subprocess.run(
        ["bash", "-c", 'set -o pipefail; "$0" memory export "$1" | head -1', FOURGIG, str(path)], capture_output=True
    )
    assert done.stdout == b'{"format":"fourgig-memories","version":1}\n'
    assert done.stderr == b""
    assert done.returncode == 0


def test_an_export_to_a_full_output_is_one_sentence(path):
    with open("/dev/full", "wb") as full:  # noqa: PTH123 - a device
        done = subprocess.run([FOURGIG, "memory", "export", path], stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 5
    assert done.stderr == b"Error: the output: No space left on device.\n"


def test_an_export_that_does_not_fit_leaves_nothing_that_looks_whole(path, tmp_path):
    store = LikeStore(path)
    store.save([SavedTurn(session="a", question="x" * 10_000, answer="", keywords=()) for _ in range(100)])
    before = sorted(tmp_path.iterdir())
    done = subprocess.run(
        ["bash", "-c", 'ulimit -f 100; "$0" memory export "$1" "$2"', FOURGIG, path, tmp_path / "out.jsonl"],
        capture_output=True,
    )
    assert done.returncode == 5
    assert done.stderr.count(b"\n") == 1
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["export", "{path}", "none/out.jsonl"], 2, "There is no folder none."),
        (["export", "{path}", "--session", "c"], 2, "There is no session 'c' in memory.sqlite"),
        (["export", "{path}", "out.jsonl", "--session", "c"], 2, "There is no session 'c' in memory.sqlite"),
        (["forget", "{path}", "c"], 2, "There is no session 'c' in memory.sqlite"),
        (["import", "{path}", "."], 2, "There is no export ."),
        (["import", "{path}", "none"], 2, "There is no export none."),
    ],
)
def test_what_cannot_be_done_is_said_and_leaves_nothing(path, tmp_path, arguments, code, says):
    done = run(*(argument.format(path=path) for argument in arguments), cwd=tmp_path)
    assert done.returncode == code
    assert says in " ".join(done.stderr.decode().replace("│", "").split())
    assert b"Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.long
def test_what_is_still_readable_has_an_exit_code_of_its_own(path):
    with closing(sqlite3.connect(path)) as reader:
        reader.execute("PRAGMA journal_mode=WAL")
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM memories").fetchone()
        done = run("forget", path, "a")
    assert done.returncode == 14
    assert b"1 turn deleted, but what was deleted can still be read in memory.sqlite until" in done.stderr
    assert f"(process {os.getpid()}) closes it".encode() in done.stderr


@pytest.mark.parametrize("stored", ["NFC", "NFD"])
@pytest.mark.parametrize("typed", ["NFC", "NFD"])
def test_a_session_completes_in_the_form_that_was_typed(path, stored, typed):
    name, begun = unicodedata.normalize(stored, "Zoë-1"), unicodedata.normalize(typed, "Zoë")
    LikeStore(path).save([SavedTurn(session=name, question="", answer="", keywords=())])
    words = f"fourgig memory forget {path} {begun}"
    done = CliRunner().invoke(
        app,
        [],
        prog_name="fourgig",
        env={"_FOURGIG_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": "4"},
    )
    assert done.stdout.split() == [unicodedata.normalize(typed, "Zoë-1")]
