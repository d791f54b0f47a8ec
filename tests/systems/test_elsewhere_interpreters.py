"""What is named as an interpreter, and is none, is told in one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from systems.elsewhere.system import examine
from systems.errors import BadInput


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"#!/bin/sh\nexit 0\n", "says nothing"),
        (b"#!/bin/sh\nprintf 'is \\377 broken' >&2; exit 1\n", "is \ufffd broken"),
        (b"\x7fnot a program", "cannot be run"),
    ],
)
def test_an_interpreter_that_is_none_is_one_sentence(tmp_path: Path, content: bytes, says: str) -> None:
    interpreter = tmp_path / "python"
    interpreter.write_bytes(content)
    interpreter.chmod(0o755)
    with pytest.raises(BadInput, match=says):
        examine("odd", str(interpreter), "module:Class")


def test_the_home_of_nobody_is_no_interpreter() -> None:
    with pytest.raises(BadInput, match="no interpreter"):
        examine("odd", "~nobody-of-that-name/bin/python", "module:Class")
