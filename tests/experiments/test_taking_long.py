"""Tests that take long are skipped with a reason that says how to run them, before anything is made for them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TESTS = """
import pytest

@pytest.fixture
def costly():
    print("the fixture was made")

@pytest.mark.long
def test_that_takes_long(costly):
    pass

@pytest.mark.parametrize("tries", [1, pytest.param(10_000, marks=pytest.mark.long)])
def test_of_many_tries(tries):
    pass
"""


@pytest.mark.parametrize(
    ("options", "says", "made"),
    [
        ([], ["1 passed, 2 skipped", "takes long: `nox -s tests -- --long` runs it too"], False),
        (["--long"], ["3 passed"], True),
        (["--long", "-m", "long"], ["2 passed, 1 deselected"], True),
    ],
)
def test_what_takes_long_is_skipped_unless_it_is_asked_for(
    tmp_path: Path, options: list[str], says: list[str], made: bool
) -> None:
    (tmp_path / "test_long_and_short.py").write_text(TESTS)
    # With this project's settings and option, and of the plugins only what the settings need.
    plugins = ("-p", "pytest_asyncio.plugin", "-p", "no:cacheprovider", "-p", "tests.conftest")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-s", "-c", "pyproject.toml", *plugins, *options, str(tmp_path)],
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        },
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for words in says:
        assert words in done.stdout
    assert ("the fixture was made" in done.stdout) is made
