"""``fourgig systems``: install, add, list, remove; each outcome in a sentence, and nothing left half done."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from typer.testing import CliRunner

from experiments.commands import doctor
from experiments.commands.cli import app
from experiments.measuring import code, records, runs
from experiments.measuring.limits.select import judge
from experiments.measuring.profiles import load
from experiments.measuring.records import Outcome
from systems.errors import ExitCode, FourgigError
from systems.frameworks import environments, folders, installing
from tests.experiments.conftest import FOURGIG
from tests.systems.frameworks import making

MINE = "class Mine:\n" + making.ECHO.partition("class Agent:\n")[2]


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Keep everything in a folder of the test's own; return the variables that say so, for the command."""
    making.own_places(tmp_path, monkeypatch)
    return {name: os.environ[name] for name in ("FOURGIG_CACHE", folders.VARIABLE, "PATH")}


@pytest.fixture
def said(places: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Return a function that runs the command in an empty folder and returns what it prints; it must end like this."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "1000")

    def run(*arguments: object, code: ExitCode = ExitCode.DONE) -> str:
        done = CliRunner().invoke(app, list(map(str, arguments)))
        if isinstance(done.exception, FourgigError):
            assert done.exception.exit_code == code
            return str(done.exception)
        assert done.exit_code == code, done.output
        return done.output

    return run


def test_one_is_installed_listed_and_removed(said) -> None:
    assert "systems install bare`" in said("systems", "list")
    installed = said("systems", "install", "bare")
    assert "bare: making an environment." in installed
    assert f"bare: Python {sys.version.split()[0]}: 0 packages, " in installed
    assert "it was here already" in said("systems", "install", "bare")
    assert "0 packages, " in said("systems", "list")
    assert " MB freed." in said("systems", "remove", "bare")
    assert "bare was not installed." in said("systems", "remove", "bare")


@pytest.mark.parametrize("command", ["install", "remove"])
def test_an_unknown_one_gets_the_nearest(said, command) -> None:
    assert "did you mean langgraph?" in said("systems", command, "langraph", code=ExitCode.BAD_INPUT)


def test_one_that_fails_does_not_keep_the_others_from_being_installed(said, tmp_path) -> None:
    making.system(tmp_path / "own", "broken", adapter="import no_such_package")
    making.system(tmp_path / "own", "old", python="3.99")
    output = said("systems", "install", "old", "broken", "bare", code=ExitCode.BAD_INPUT)

    assert "Error: old takes Python 3.99 or newer" in output
    assert "Error: The system 'broken' cannot be imported by " in output
    assert "No module named 'no_such_package'" in output
    assert "bare: Python" in output


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


@pytest.mark.long
def test_an_agent_from_the_template_is_measured_beside_one_that_leaks(said, fourgig, places, tmp_path) -> None:
    added = said("systems", "add", "mine")
    assert str(tmp_path / "own" / "mine" / "adapter.py") in added
    assert "mine: Python" in said("systems", "install", "mine")
    chosen = ("--part", "sleeps", "--systems", "mine,leaks", "--only", "system=mine", "--preset", "smoke")
    limits = ("--profile", "512mb")
    enforced = judge(load("512mb")).backend.enforced
    grows = making.ECHO.replace('return request["text"]', "self.held = [bytes([1]) * 2**20 for _ in range(2048)]")
    installing.install(making.system(tmp_path / "own", "leaks", adapter=grows))
    limits = (*limits, "--only", "system=leaks") if enforced else ("--allow-unenforced",)
    done = fourgig("run", "load", *chosen, *limits, "--engine", "simulated", "--out", "out", **places)
    assert done.returncode == 0, done.stdout + done.stderr
    folder = tmp_path / "cwd" / "out"
    found = {record.spec.subject: record for record in records.read(folder / runs.TRIALS)}
    assert found["mine"].outcome is Outcome.OK
    if enforced:
        assert found["leaks"].outcome is Outcome.OUT_OF_MEMORY
    environment = runs.read_info(folder).environment
    assert environment["outside.mine with"] == f"Python {environment['outside.mine']}"
    assert "was deleted" in said("systems", "remove", "mine", "--folder")
    assert not (tmp_path / "own" / "mine").exists()


def test_a_class_that_meets_the_contract_is_taken_with_its_module(said, tmp_path) -> None:
    (tmp_path / "my_agent.py").write_text(MINE)
    (tmp_path / "needs.txt").write_text("# nothing\n")
    said("systems", "add", "mine", "--requirements", "needs.txt", "--entry", "my_agent:Mine")
    assert (tmp_path / "own" / "mine" / "my_agent.py").read_text() == MINE
    said("systems", "install", "mine")
    code._of_system.cache_clear()
    version = code.version_of_run(["mine"], [])
    code._of_system.cache_clear()
    (tmp_path / "own" / "mine" / "my_agent.py").write_text(f"{MINE}\n")
    assert code.version_of_run(["mine"], []) != version


def test_a_folder_is_taken_as_it_is(said, tmp_path) -> None:
    framework = making.system(tmp_path / "elsewhere", "my-agent")
    said("systems", "add", "my-agent", framework.folder)
    assert folders.get("my-agent").says == framework.says
    (framework.folder / folders.ADAPTER).unlink()
    refused = said("systems", "add", "other", framework.folder, code=ExitCode.BAD_INPUT)
    assert f"The system in {framework.folder} has no file adapter.py" in refused
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
        (["mine", "--entry", "adapter:Mine"], "adapter.py is the name of the adapter that is written"),
        (["mine", "--requirements", "no/such.txt"], "There is no file of requirements no/such.txt"),
        (["mine", "--requirements", "-e ."], "names what lies on this machine (-e .)"),
        (["mine", "--requirements", "./no-such-folder"], "There is no file of requirements ./no-such-folder"),
        (["mine", "no-such-folder"], "There is no folder no-such-folder"),
        (["mine", ".", "--entry", "a:B"], "leave out --requirements and --entry"),
    ],
)
def test_what_cannot_be_added_is_refused_in_a_sentence(said, tmp_path, arguments, says) -> None:
    assert says in said("systems", "add", *arguments, code=ExitCode.BAD_INPUT)
    assert not (tmp_path / "own").exists() or not [*(tmp_path / "own").iterdir()]


def test_requirements_take_in_the_files_they_name_and_may_be_repositories(said, tmp_path) -> None:
    (tmp_path / "parts" / "deep").mkdir(parents=True)
    (tmp_path / "needs.txt").write_text("# mine\nMy_Agent[chat]==1.2 # newest\n-r parts/more.txt\n--pre\n")
    more = "openai==3.57.0 \\\n    --hash=sha256:0a\n--requirement=deep/most.txt\n"
    (tmp_path / "parts" / "more.txt").write_text(more)
    (tmp_path / "parts" / "deep" / "most.txt").write_text(
        "-e git+https://example.org/some/repository.git@1a2b#egg=some"
    )
    said(
        "systems", "add", "mine", "--requirements", "needs.txt", "--requirements", "x @ git+https://example.org/x@3c4d"
    )
    assert (tmp_path / "own" / "mine" / "requirements.txt").read_text().splitlines() == [
        "# mine",
        "My_Agent[chat]==1.2 # newest",
        "openai==3.57.0 \\",
        "    --hash=sha256:0a",
        "git+https://example.org/some/repository.git@1a2b#egg=some",
        "--pre",
        "x @ git+https://example.org/x@3c4d",
    ]
    assert folders.get("mine").says.package == "my-agent"


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("-e .", "names what lies on this machine"),
        ("--editable=../mine", "names what lies on this machine"),
        ("./mine", "names what lies on this machine"),
        ("mine @ file:///home/me/mine", "names what lies on this machine"),
        ("wheels/mine-1.0-py3-none-any.whl ; python_version > '3'", "names what lies on this machine"),
        ("--find-links wheels", "names what lies on this machine"),
        ("-c pinned.txt", "has a file of constraints (-c pinned.txt)"),
        ("-r needs.txt", "name themselves"),
        ("-rno-such.txt", "cannot be read"),
    ],
)
@pytest.mark.parametrize("brought", [False, True], ids=["named", "brought"])
def test_requirements_that_only_this_machine_has_are_refused(said, tmp_path, line, says, brought) -> None:
    needs = f"openai==3.57.0\n{line}\n"
    (tmp_path / "needs.txt").write_text(needs)
    chosen = ["--requirements", "needs.txt"]
    if brought:
        needs = needs.replace("needs", "requirements")
        chosen = [str(making.system(tmp_path / "elsewhere", requirements=needs).folder)]
    refused = said("systems", "add", "odd", *chosen, code=ExitCode.BAD_INPUT)
    assert says in refused
    assert not [*(tmp_path / "own").iterdir()] if (tmp_path / "own").exists() else True


@pytest.mark.parametrize(
    ("requirement", "package"),
    [
        ("git+https://example.org/some/Repo_Of.git@1a2b#egg=Repo_Of", "repo-of"),
        ("git+https://example.org/some/repo.git@1a2b", ""),
        ("https://example.org/mine-1.0-py3-none-any.whl", ""),
        ("Mine>=1", "mine"),
    ],
)
def test_a_repository_is_a_requirement_and_its_package_is_the_one_that_it_names(said, requirement, package) -> None:
    said("systems", "add", "mine", "--requirements", requirement)
    assert folders.get("mine").says.package == package


def test_what_comes_with_the_lab_keeps_its_folder(said) -> None:
    assert "bare comes with the lab" in said("systems", "remove", "bare", "--folder", code=ExitCode.BAD_INPUT)


def test_the_doctor_names_what_is_not_installed_with_its_command(places, monkeypatch) -> None:
    monkeypatch.setattr(doctor, "_WATCHED_S", 0.0)
    found = {each.name: each for each in doctor.examine(load("4gb"))}
    assert found["optional: langgraph"].status == "note"
    assert found["optional: langgraph"].remedy == "`fourgig systems install langgraph`"


def test_an_agent_that_is_not_installed_is_not_served(said) -> None:
    chosen = ("--system", "bare", "--engine", "openai", "--set", "openai.url=http://127.0.0.1:9/v1")
    assert "`fourgig systems install bare`" in said("serve", *chosen, code=ExitCode.BAD_INPUT)
