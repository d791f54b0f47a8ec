"""Programs of others: found beside this Python first, then on the PATH."""

import sys
from pathlib import Path

import pytest

from experiments.measuring import programs
from systems.errors import BadInput


def script(folder: Path, says: str) -> Path:
    folder.mkdir()
    there = folder / "some-program"
    there.write_text(f"#!/bin/sh\necho {says}\n")
    there.chmod(0o755)
    return there


def test_the_program_beside_this_python_goes_before_that_on_the_path(tmp_path, monkeypatch):
    elsewhere = script(tmp_path / "elsewhere", "v1")
    monkeypatch.setenv("PATH", str(elsewhere.parent))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "beside" / "python"))
    assert programs.path("some-program") == str(elsewhere)
    assert programs.version("some-program") == "v1"
    assert programs.path("some-program") != str(script(tmp_path / "beside", "v2"))
    assert programs.version("some-program") == "v2"


def test_what_is_not_there_is_named(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert programs.found("no-such-program") is None
    with pytest.raises(BadInput, match="no-such-program"):
        programs.path("no-such-program")
