"""What is printed as a command can be typed where it is printed."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from experiments.invocation import command, program


@pytest.fixture
def script(tmp_path, monkeypatch):
    """Return a function that pretends the command was started as a script in this folder."""
    monkeypatch.delenv("NOX_CURRENT_SESSION", raising=False)

    def start(folder):
        folder.mkdir(parents=True)
        path = folder / "fourgig"
        path.write_text("#!/bin/sh\n")
        path.chmod(0o755)
        monkeypatch.setattr("sys.argv", [str(path)])
        return path

    return start


def test_found_on_the_path_it_is_its_name(script, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(script(tmp_path / "bin").parent))
    assert command("run", "--resume", "a b") == "fourgig run --resume 'a b'"


def test_through_a_link_on_the_path_it_is_its_name_too(script, tmp_path, monkeypatch):
    path = script(tmp_path / "venv" / "bin")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "fourgig").symlink_to(path)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert program() == "fourgig"


def test_another_installation_on_the_path_does_not_count(script, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(script(tmp_path / "other").parent))
    path = script(tmp_path / "venv")
    assert program() == str(path)


def test_inside_the_current_folder_it_is_a_short_path(script, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    script(tmp_path / ".nox" / "experiments" / "bin")
    assert program() == ".nox/experiments/bin/fourgig"


def test_in_the_very_folder_the_shell_still_takes_it_for_a_path(script, tmp_path, monkeypatch):
    path = script(tmp_path / "here")
    monkeypatch.chdir(path.parent)
    assert program() == "./fourgig"


def test_the_path_of_a_nox_session_is_not_that_of_the_person_who_started_it(script, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = script(tmp_path / ".nox" / "experiments" / "bin")
    monkeypatch.setenv("PATH", str(path.parent))
    monkeypatch.setenv("NOX_CURRENT_SESSION", "experiments")
    assert program() == ".nox/experiments/bin/fourgig"


def test_a_path_with_spaces_is_quoted(script, tmp_path):
    path = script(tmp_path / "my folder")
    assert command("list", "studies") == f"'{path}' list studies"


def test_started_by_python_it_is_the_name(monkeypatch):
    monkeypatch.setattr("sys.argv", ["/somewhere/__main__.py"])
    assert program() == "fourgig"


def pasted(text):
    """Return the arguments that a shell makes of a command line."""
    print_them = f"set -- {text}; shift; printf '%s\\0' \"$@\""
    return subprocess.run(["bash", "-c", print_them], capture_output=True, check=True).stdout.split(b"\0")[:-1]


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
@pytest.mark.parametrize(
    "name",
    [
        "a b",
        "it's",
        "'\"$(x)`y`\\",
        "-x",
        "new\nline",
        "\x1b[31m\x07",
        "\udcff\udcfe",
        "é\u202e",
        "[bold]",
        "~",
        "*",
        "#a",
        "8\x018",
    ],
)
def test_any_name_can_be_pasted(name, encoding, monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(io.BytesIO(), encoding=encoding))
    line = command("run", "--resume", Path(name))
    wanted = f"./{name}" if name.startswith("-") else name
    assert pasted(line) == [b"run", b"--resume", os.fsencode(wanted)]
    assert not {"\x1b", "\x07", "\n", "\u202e"} & set(line)
    assert line.isascii() or encoding == "utf-8"
