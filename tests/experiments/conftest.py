"""The command as a person runs it, and what another package brings: studies, systems, metrics, figures, workloads."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from experiments.measuring.limits.select import judge
from experiments.measuring.profiles import load
from tests.experiments.forking import Forked

ENTRIES = """
[fourgig.studies]
probe = probe_study:Probe
long-questions = example_study:LongQuestions
[fourgig.systems]
echo = echo_system:Echo
notes = notes_description:DESCRIPTION
elsewhere = elsewhere_description:DESCRIPTION
[fourgig.metrics]
parity = outside_metric
[fourgig.figures]
probe = outside_figure
long-questions = outside_figure
[fourgig.workloads]
shop = outside_workload:orders
"""
MODULES = (
    "probe_study",
    "example_study",
    "echo_system",
    "elsewhere_description",
    "notes_system",
    "notes_description",
    "outside_metric",
    "outside_figure",
    "outside_workload",
)

FOURGIG = Path(sys.executable).with_name("fourgig")


@pytest.fixture(scope="session", autouse=True)
def _interrupts_are_heard() -> Iterator[None]:
    """A suite that a shell started in the background ignores interrupts, and so would every command it starts."""
    before = signal.getsignal(signal.SIGINT)
    if before is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def enforcement() -> list[str]:
    """Return the option that lets the command run where the profile is not to be had; where it is, none."""
    return [] if judge(load("4gb")).enforced else ["--allow-unenforced"]


@pytest.fixture(scope="session")
def outside_package(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Install a tiny package that adds one thing of each kind, and return the environment that sees it."""
    site = tmp_path_factory.mktemp("outside") / "site"
    info = site / "outside-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: outside\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRIES)
    for name in MODULES:
        (site / f"{name}.py").write_bytes(Path(__file__).with_name(f"{name}.py").read_bytes())
    return {**os.environ, "PYTHONPATH": str(site)}


@pytest.fixture(scope="session")
def in_folder(outside_package: dict[str, str]) -> Iterator[Callable[..., subprocess.CompletedProcess[str]]]:
    """Return a function that runs the command to its end in the folder it is given."""
    forked = Forked(outside_package)

    def run(folder: Path, *arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
        return forked.run(FOURGIG, list(map(str, arguments)), {"COLUMNS": "200", **environment}, folder, within_s=300)

    yield run
    forked.close()


@pytest.fixture
def fourgig(in_folder: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path):
    """Return a function that runs the command to its end in an empty folder."""
    folder = tmp_path / "cwd"
    folder.mkdir()
    return partial(in_folder, folder)


@pytest.fixture(scope="session")
def _finished(in_folder, enforcement: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("finished")
    done = in_folder(folder, "run", "probe", "--engine", "simulated", "--blocks", "1", "--out", "run", *enforcement)
    assert done.returncode == 0, done.stderr
    return folder / "run"


@pytest.fixture
def finished(_finished: Path) -> Callable[[Path], Path]:
    """Return a function that makes a folder hold a run of one trial that ended well."""
    return partial(shutil.copytree, _finished)
