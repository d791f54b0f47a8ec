"""``fourgig systems``: install, add, list, remove; each outcome in a sentence, and nothing left half done."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from experiments.measuring import code, records, runs
from experiments.measuring.limits.select import judge
from experiments.measuring.profiles import load
from experiments.measuring.records import Outcome
from systems.errors import ExitCode
from systems.frameworks import environments, folders, installing
from tests.experiments.conftest import FOURGIG
from tests.systems.frameworks import making

MINE = "class Mine:\n" + making.ECHO.partition("class Agent:\n")[2]


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Keep everything in a folder of the test's own; return the variables that say so, for the command."""
    making.own_places(tmp_path, monkeypatch)
    return {name: os.environ[name] for name in ("FOURGIG_CACHE", folders.VARIABLE, "PATH")}


def test_one_is_installed_listed_and_removed(fourgig, places) -> None:
    assert "systems install bare`" in fourgig("systems", "list", **places).stdout
    done = fourgig("systems", "install", "bare", **places)
    assert done.returncode == 0, done.stderr
    assert f"bare: Python {sys.version.split()[0]}: 0 packages, " in done.stdout
    assert "bare: making an environment." in done.stderr
    assert "it was here already" in fourgig("systems", "install", "bare", **places).stdout
    assert "0 packages, " in fourgig("systems", "list", **places).stdout
    assert " MB freed." in fourgig("systems", "remove", "bare", **places).stdout
    assert "bare was not installed." in fourgig("systems", "remove", "bare", **places).stdout


@pytest.mark.parametrize("command", ["install", "remove"])
def test_an_unknown_one_gets_the_nearest(fourgig, places, command) -> None:
    done = fourgig("systems", command, "langraph", **places)
    assert done.returncode == ExitCode.BAD_INPUT
    assert "did you mean langgraph?" in done.stderr


def test_one_that_fails_does_not_keep_the_others_from_being_installed(fourgig, places, tmp_path) -> None:
    making.system(tmp_path / "own", "broken", adapter="import no_such_package")
    making.system(tmp_path / "own", "old", python="3.99")
    done = fourgig("systems", "install", "old", "broken", "bare", **places)

    assert done.returncode == ExitCode.BAD_INPUT
    assert "Error: old takes Python 3.99 or newer" in done.stderr
    assert "Error: The system 'broken' cannot be imported by " in done.stderr
    assert "No module named 'no_such_package'" in done.stderr
    assert "bare: Python" in done.stdout
    assert "Traceback" not in done.stderr


def test_an_interrupt_leaves_nothing_and_nobody(places, tmp_path) -> None:
    told = making.uv(tmp_path)
    (told / "sleep").write_text("600")
    framework = making.system(tmp_path / "own", requirements="anything\n")
    process = subprocess.Popen([FOURGIG, "systems", "install", "odd"], stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    while "installing packages" not in process.stderr.readline():
        assert process.poll() is None
    while not (told / "pid").exists() or not (told / "pid").read_text().strip():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)

    assert process.returncode == ExitCode.INTERRUPTED
    assert "Nothing of odd was kept half made" in said
    assert not environments.place(framework).exists()
    pid = int((told / "pid").read_text())
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_an_agent_of_ones_own_is_added_from_a_template_that_answers(fourgig, places, tmp_path, enforcement) -> None:
    done = fourgig("systems", "add", "mine", **places)
    assert done.returncode == 0, done.stderr
    assert str(tmp_path / "own" / "mine" / "adapter.py") in done.stdout
    assert "mine, as a person added it." in fourgig("list", "systems", **places).stdout
    run = ("run", "load", "--part", "sleeps", "--systems", "mine", "--only", "system=mine", "--preset", "smoke")
    run = (*run, "--engine", "simulated", "--out", "out", *enforcement)
    skipped = fourgig(*run, **places)
    assert skipped.returncode == ExitCode.NOTHING_MEASURED
    assert "mine: it is not installed: `fourgig systems install mine`" in skipped.stderr
    assert fourgig("systems", "install", "mine", **places).returncode == 0
    done = fourgig(*run, **places)
    assert done.returncode == 0, done.stdout + done.stderr
    folder = tmp_path / "cwd" / "out"
    found = records.read(folder / runs.TRIALS)
    assert {record.outcome for record in found} == {Outcome.OK}
    environment = runs.read_info(folder).environment
    assert environment["outside.mine with"] == f"Python {environment['outside.mine']}"
    again = fourgig("systems", "remove", "mine", "--folder", **places)
    assert again.returncode == 0, again.stderr
    assert not (tmp_path / "own" / "mine").exists()


def test_a_class_that_meets_the_contract_is_taken_with_its_module(fourgig, places, tmp_path) -> None:
    (tmp_path / "cwd" / "my_agent.py").write_text(MINE)
    (tmp_path / "cwd" / "needs.txt").write_text("# nothing\n")
    done = fourgig("systems", "add", "mine", "--requirements", "needs.txt", "--entry", "my_agent:Mine", **places)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "own" / "mine" / "my_agent.py").read_text() == MINE
    done = fourgig("systems", "install", "mine", **places)
    assert done.returncode == 0, done.stderr
    code._of_system.cache_clear()
    version = code.version_of_run(["mine"], [])
    code._of_system.cache_clear()
    (tmp_path / "own" / "mine" / "my_agent.py").write_text(f"{MINE}\n")
    assert code.version_of_run(["mine"], []) != version


def test_a_folder_is_taken_as_it_is(fourgig, places, tmp_path) -> None:
    framework = making.system(tmp_path / "elsewhere", "my-agent")
    done = fourgig("systems", "add", "my-agent", framework.folder, **places)
    assert done.returncode == 0, done.stderr
    assert folders.get("my-agent").says == framework.says
    (framework.folder / folders.ADAPTER).unlink()
    done = fourgig("systems", "add", "other", framework.folder, **places)
    assert done.returncode == ExitCode.BAD_INPUT
    assert f"The system in {framework.folder} has no file adapter.py" in done.stderr
    assert [path.name for path in (tmp_path / "own").iterdir()] == ["my_agent"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["langgraph"], "langgraph is a system already"),
        (["llama"], "llama is an engine already"),
        (["node"], "node is something that trials need already"),
        (["Mine"], "cannot be the name of a system"),
        (["../mine"], "cannot be the name of a system"),
        (["mine", "--entry", "nothing"], "names no class"),
        (["mine", "--requirements", "no/such.txt"], "There is no file of requirements no/such.txt"),
        (["mine", "no-such-folder"], "There is no folder no-such-folder"),
        (["mine", ".", "--entry", "a:B"], "leave out --requirements and --entry"),
    ],
)
def test_what_cannot_be_added_is_refused_in_a_sentence(fourgig, places, tmp_path, arguments, says) -> None:
    done = fourgig("systems", "add", *arguments, **places)
    assert done.returncode == ExitCode.BAD_INPUT
    assert says in done.stderr
    assert not (tmp_path / "own").exists() or not [*(tmp_path / "own").iterdir()]


def test_what_comes_with_the_lab_keeps_its_folder(fourgig, places) -> None:
    done = fourgig("systems", "remove", "bare", "--folder", **places)
    assert done.returncode == ExitCode.BAD_INPUT
    assert "bare comes with the lab" in done.stderr


def test_the_doctor_names_what_is_not_installed_with_its_command(fourgig, places) -> None:
    said = fourgig("doctor", **places, COLUMNS="400").stdout
    assert "optional: langgraph" in said
    assert "`fourgig systems install langgraph`" in said


def test_an_agent_that_is_not_installed_is_not_served(fourgig, places) -> None:
    nobody = "openai.url=http://127.0.0.1:9/v1"
    done = fourgig("serve", "--system", "bare", "--engine", "openai", "--set", nobody, **places)
    assert done.returncode == ExitCode.BAD_INPUT
    assert "`fourgig systems install bare`" in done.stderr


@pytest.mark.needs_limits
def test_one_that_leaks_is_out_of_memory_and_the_run_goes_on(fourgig, places, tmp_path) -> None:
    if not judge(load("512mb")).backend.enforced:
        pytest.skip("no backend of this machine can enforce 512mb")
    grows = making.ECHO.replace('return request["text"]', "self.held = [bytes([1]) * 2**20 for _ in range(2048)]")
    for name, adapter in (("leaks", grows), ("steady", making.ECHO)):
        installing.install(making.system(tmp_path / "own", name, adapter=adapter))
    chosen = ("--systems", "leaks,steady", "--only", "system=leaks", "--only", "system=steady", "--preset", "smoke")
    run = ("run", "load", "--part", "sleeps", *chosen, "--engine", "simulated", "--profile", "512mb", "--out", "out")
    done = fourgig(*run, **places)
    assert done.returncode == 0, done.stdout + done.stderr
    found = {record.spec.subject: record for record in records.read(tmp_path / "cwd" / "out" / runs.TRIALS)}
    assert found["leaks"].outcome is Outcome.OUT_OF_MEMORY
    assert found["steady"].outcome is Outcome.OK
