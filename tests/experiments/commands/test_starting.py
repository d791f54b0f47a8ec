"""The command starts fast: it imports only what it is asked for."""

import json
import subprocess
import sys

import pytest

SEEN = """
import contextlib, json, os, sys
from experiments.commands.cli import app
with open(os.devnull, "w") as nothing, contextlib.redirect_stdout(nothing), contextlib.suppress(SystemExit):
    app(json.loads(sys.argv[1]))
print(json.dumps(sorted(sys.modules)))
"""

HEAVY = ("pandas", "numpy", "scipy", "matplotlib", "llama_cpp", "jieba", "rjieba", "aiosqlite", "starlette", "uvicorn")
IMPLEMENTATIONS = ("systems.baseline.agent", "systems.asynchronous.agent", "systems.engines.llama")


def imported(*arguments):
    done = subprocess.run(
        [sys.executable, "-c", SEEN, json.dumps(arguments)], capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stdout))


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["list", "profiles"], ["list", "systems"]])
def test_nothing_heavy_is_imported(arguments):
    assert not imported(*arguments).intersection(HEAVY)


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["list", "profiles"], ["list", "systems"]])
def test_no_implementation_is_imported(arguments):
    assert not imported(*arguments).intersection(IMPLEMENTATIONS)


def test_engines_are_listed_without_the_library_they_run():
    assert not imported("list", "engines").intersection({"llama_cpp", "pandas"})
