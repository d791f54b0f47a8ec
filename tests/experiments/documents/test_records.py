"""A record of a benchmark names its machine, and is refused when the code that it is about is another one now."""

from __future__ import annotations

from pathlib import Path

import pytest

from systems.errors import BadInput
from tests.experiments.documents import ci

records = ci.check("check_records")

DECLARED = """["speed.txt"]
about = ["code", "more.py"]
version = "{version}"
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "results").mkdir()
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "one.py").write_text("x = 1\n")
    (tmp_path / "more.py").write_text("y = 2\n")
    (tmp_path / "results" / "speed.txt").write_text("2 × AMD EPYC\n3 ms\n")
    declare(tmp_path, DECLARED.format(version=records.version_of(tmp_path, ["code", "more.py"])))
    return tmp_path


def declare(root: Path, text: str) -> None:
    (root / records.DECLARED).write_text(text)


def test_a_record_of_the_code_of_today_is_kept(root: Path) -> None:
    assert records.faults(root) == []


@pytest.mark.parametrize("changed", ["code/one.py", "more.py", "code/deeper/new.toml"])
def test_a_record_older_than_its_code_is_refused_with_the_version_to_set(root: Path, changed: str) -> None:
    (root / changed).parent.mkdir(exist_ok=True)
    (root / changed).write_text("z = 3\n")
    [fault] = records.faults(root)
    assert fault.startswith("results/speed.txt is older than the code it is about (code, more.py)")
    assert records.version_of(root, ["code", "more.py"]) in fault


def test_it_stays_as_history(root: Path) -> None:
    (root / "more.py").write_text("z = 3\n")
    declare(root, DECLARED.format(version="old") + 'history = "how it was"\n')
    assert records.faults(root) == []


def test_history_is_still_of_code_that_is_there(root: Path) -> None:
    (root / "more.py").unlink()
    declare(root, DECLARED.format(version="old") + 'history = "how it was"\n')
    assert records.faults(root) == ["results/speed.txt is about more.py, which is not there"]


def test_blank_lines_and_lines_of_a_comment_are_no_other_code(root: Path) -> None:
    (root / "more.py").write_text("# why\n\ny = 2  \n    # how\n")
    assert records.faults(root) == []


def test_a_record_without_its_machine_is_refused_unless_any_gives_the_same(root: Path) -> None:
    (root / "results" / "speed.txt").write_text("3 ms\n")
    [fault] = records.faults(root)
    assert "does not name the machine" in fault
    text = (root / records.DECLARED).read_text()
    declare(root, text + 'any_machine = "it counts"\n')
    assert records.faults(root) == []


def test_every_record_is_declared_and_every_declared_one_is_there(root: Path) -> None:
    (root / "results" / "speed.txt").rename(root / "results" / "other.txt")
    assert records.faults(root) == [
        "results/other.txt: results/records.toml does not say what it is about",
        "results/speed.txt is not there, and results/records.toml says what it is about",
    ]


def test_code_that_is_gone_is_named(root: Path) -> None:
    (root / "more.py").unlink()
    [fault] = records.faults(root)
    assert "more.py" in fault and "not there" in fault


@pytest.mark.parametrize("text", ["[", '["a"]\nabuot = ["b"]\n'])
def test_a_malformed_declaration_is_one_sentence(root: Path, text: str) -> None:
    declare(root, text)
    with pytest.raises(BadInput, match=r"records\.toml cannot be read"):
        records.faults(root)
