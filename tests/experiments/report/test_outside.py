"""Metrics and figures of other packages: shown where they work, refused in a sentence where they do not."""

from __future__ import annotations

import html
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from experiments.measuring.records import Part
from tests.experiments.analysis import synthetic
from tests.experiments.conftest import FOURGIG

Run = Callable[..., "subprocess.CompletedProcess[str]"]

BROKEN_ENTRIES = """
[fourgig.metrics]
absent = no_such_module
nothing = outside_broken:NOTHING
taken = outside_broken:TAKEN
failing = outside_broken:FAILING
[fourgig.figures]
load = outside_broken
"""
BROKEN = """
from experiments import metrics
from experiments.metrics.interface import Metric

NOTHING = 3
TAKEN = Metric(name="total_time", title="t", unit="s", better="lower", formula="f", compute=lambda record: 1.0)


def fails(record):
    raise KeyError("what no record has")


FAILING = Metric(name="failing", title="Failing", unit="s", better="lower", formula="f", compute=fails)


def draw(scene):
    raise ZeroDivisionError("nothing to divide")
"""


def test_a_metric_and_a_figure_from_outside_are_in_the_report_of_a_run(
    fourgig: Run, enforcement: list[str], tmp_path: Path
) -> None:
    out = tmp_path / "run"
    options = ("--engine", "simulated", "--preset", "smoke", "--out", out, *enforcement)
    done = fourgig("run", "probe", *options, PROBE="fine,timed-1")
    assert done.returncode == 0, done.stderr
    page = (out / "report.html").read_text()
    assert "An outside figure of 2 trials" in page
    assert (out / "figures" / "outside-probe.svg").is_file()
    own, further = page.split("<h3>Measures</h3>")[1].split("<h3>Further measures</h3>")
    assert "Total time" in own and "Parity of the seed" not in own
    assert "Parity of the seed" in further and "Total time" not in further
    measured = pd.read_csv(out / "tables" / "probe-measures.csv")
    assert "seed_parity" in set(measured["metric"])


def package(site: Path, name: str, entries: str, **modules: str) -> Path:
    """Install a package of these modules in ``site``, and return the folder."""
    info = site / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(entries)
    for module, source in modules.items():
        (site / f"{module}.py").write_text(source)
    return site


@pytest.mark.long
def test_broken_ones_are_refused_by_name_and_break_no_other(outside_package: dict[str, str], tmp_path: Path) -> None:
    site = package(tmp_path / "site", "broken", BROKEN_ENTRIES, outside_broken=BROKEN)
    trial = synthetic.spec("load", "baseline")
    made = [synthetic.record(trial, Part(role="subject", requests=[synthetic.row(1.5)]))]
    run = synthetic.write(tmp_path / "run", made, blocks=1)
    both = f"{site}{os.pathsep}{outside_package['PYTHONPATH']}"
    done = subprocess.run(
        [str(FOURGIG), "report", str(run)], env={**outside_package, "PYTHONPATH": both}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    page = html.unescape((run / "report.html").read_text())
    for sentence in (
        "The metric 'absent' (no_such_module) cannot be used: No module named 'no_such_module'.",
        "The metric 'nothing' (outside_broken:NOTHING) cannot be used: it is neither a Metric nor",
        "The metric 'taken' (outside_broken:TAKEN) cannot be used: there already is a metric called total_time.",
        f"The metric 'failing' failed on trial {trial.key}, which has no value of it: ",
        "The figures 'outside_broken' of the study load cannot be drawn: nothing to divide.",
    ):
        assert page.count(sentence) == 1, sentence
    measured = pd.read_csv(run / "tables" / "load-measures.csv").set_index("metric")["median"]
    assert measured["total_time"] == 1.5
    assert "seed_parity" in measured
    assert "failing" not in measured


@pytest.mark.long
def test_a_report_needs_no_implementation_of_a_system_or_an_engine(tmp_path: Path) -> None:
    run = synthetic.write(tmp_path, synthetic.everything(1)[:20], blocks=1)
    look = (
        "import sys; from experiments.report.build import build; build(sys.argv[1]);"
        "print(*(name for name in sys.modules if name == 'llama_cpp' or name.startswith('systems.')))"
    )
    done = subprocess.run([sys.executable, "-c", look, str(run)], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert {"systems.baseline.agent", "systems.asynchronous.agent", "llama_cpp"}.isdisjoint(loaded)
    assert {name for name in loaded if name.startswith("systems.engines.")} <= {
        "systems.engines.around",
        "systems.engines.fitting",
        "systems.engines.interface",
        "systems.engines.markup",
        "systems.engines.scripted",
        "systems.engines.simulated",  # its settings: what a study would run is planned, to print what repeats it
    }
