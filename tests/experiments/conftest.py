"""The command as a person runs it, and what another package may bring: a study, a system, a metric, a figure."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from experiments.measuring.limits.select import survey
from experiments.measuring.profiles import load

ENTRIES = """
[fourgig.studies]
probe = probe_study:Probe
[fourgig.systems]
echo = echo_system:Echo
[fourgig.metrics]
parity = outside_metric
[fourgig.figures]
probe = outside_figure
"""
MODULES = ("probe_study", "echo_system", "outside_metric", "outside_figure")

FOURGIG = Path(sys.executable).with_name("fourgig")


@pytest.fixture(scope="session")
def enforcement() -> list[str]:
    """Return the option that lets the command run where nothing can be enforced; where something can, none."""
    return [] if any(each.usable for each in survey(load("4gb"))) else ["--allow-unenforced"]


@pytest.fixture
def outside_package(tmp_path: Path) -> dict[str, str]:
    """Install a tiny package that adds one thing of each kind, and return the environment that sees it."""
    site = tmp_path / "site"
    info = site / "outside-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: outside\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRIES)
    for name in MODULES:
        (site / f"{name}.py").write_bytes(Path(__file__).with_name(f"{name}.py").read_bytes())
    return {**os.environ, "PYTHONPATH": str(site)}


@pytest.fixture
def fourgig(outside_package: dict[str, str], tmp_path: Path):
    """Return a function that runs the command to its end in an empty folder."""
    folder = tmp_path / "cwd"
    folder.mkdir()

    def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(FOURGIG), *map(str, arguments)],
            env={**outside_package, "COLUMNS": "200", **environment},
            cwd=folder,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            check=False,
            timeout=300,
        )

    return run
