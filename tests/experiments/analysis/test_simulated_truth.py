"""The simulated truth of tests/benchmarks/truth: a small one runs, and the record holds what the rules give now."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.benchmarks.truth import families, intervals, rules
from tests.benchmarks.truth.distributions import DISTRIBUTIONS, NORMAL
from tests.benchmarks.truth.simulating import KINDS, RUNS

ROOT = Path(__file__).parents[3]
RECORD = (ROOT / "results" / "simulated-truth.txt").read_text()
NAMED = {distribution.name: distribution for distribution in DISTRIBUTIONS}
CAUTIOUS = KINDS.index("cautious")

NEAR = 0.8
"""How far a share of 100 may be from the recorded one where other versions draw other numbers."""


def recorded(table: str, scale: float, name: str) -> list[float]:
    """Return what the record's table of that beginning holds of six blocks of a noise."""
    part = RECORD[RECORD.index(f"\n{table}") :]
    part = part[part.index(f"the scale of noise is {scale:.0%}\n") :]
    row = part[part.index(f"\n{name} ") + 1 :]
    return [float(share) for share in row[16:44].split("/")]


def test_a_small_one_prints_the_tables_of_the_record():
    command = [sys.executable, "-m", "tests.benchmarks.truth", "40"]
    printed = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout
    small, whole = (text.split("\n\n")[1:] for text in (printed, RECORD))
    assert [table.splitlines()[0][:12] for table in small] == [table.splitlines()[0][:12] for table in whole]
    assert [len(table.splitlines()) for table in small] == [len(table.splitlines()) for table in whole]


@pytest.mark.parametrize("blocks", [6, 12])
def test_the_cautious_interval_holds_the_truth_of_normal_noise(blocks):
    of_mean, of_median, _ = intervals.covering(NORMAL, blocks, RUNS)
    assert of_mean[CAUTIOUS] >= 94
    assert of_median[CAUTIOUS] >= 94


@pytest.mark.parametrize("name", [name for name in NAMED if name != "autocorrelated"])
def test_the_cautious_interval_holds_the_median_of_any_noise_if_blocks_are_independent(name):
    of_mean, of_median, _ = intervals.covering(NAMED[name], 6, RUNS)
    assert of_median[CAUTIOUS] >= 94.5
    row = next(line for line in RECORD.splitlines() if line.startswith(f"{name:16s}     6  "))
    assert [float(share) for share in row[22:].split()[:6]] == pytest.approx([*of_mean, *of_median], abs=NEAR)


@pytest.mark.parametrize("scale", rules.SCALES)
@pytest.mark.parametrize("name", ["normal", "t, 3 degrees", "spikes 10%"])
def test_equals_are_hardly_ever_said_to_differ(name, scale):
    said = rules.said_of_equals(NAMED[name], 6, RUNS, scale)
    assert said[0] < 0.2
    assert said == pytest.approx(recorded("Equals", scale, name), abs=2 * NEAR)


@pytest.mark.parametrize("scale", rules.SCALES)
@pytest.mark.parametrize("name", ["normal", "t, 3 degrees", "bimodal", "spikes 10%"])
def test_conclusions_are_rarely_wrong_however_noisy_the_floor_is(name, scale):
    *wrong, right = rules.said_of_an_effect(NAMED[name], 6, RUNS, scale)
    assert max(wrong) < 3
    assert [*wrong, right] == pytest.approx(recorded("An effect", scale, name), abs=2 * NEAR)


def test_two_that_differ_by_the_margin_are_rarely_called_alike():
    of_mean, of_median, none = rules.called_alike(NORMAL, 6, RUNS, 0.01)
    assert of_mean < 2.5
    assert of_median < 2.5
    assert none > 99


def test_few_of_what_a_family_tells_is_none():
    taken = families.shares(NORMAL, 50, 20)[1]
    told, false = taken
    assert told > 50
    assert false < 5
