"""Warm-up and drift are found where they are, and as seldom as stated where they are not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments import load_run
from experiments.analysis import drift
from experiments.analysis.comparisons import caveats
from experiments.analysis.multiplicity import adjusted
from experiments.analysis.stability import stability, unsettled
from experiments.measuring.records import Part
from tests.experiments.analysis import synthetic


def test_six_values_in_order_come_about_once_in_360_ways():
    assert drift.trend([1, 2, 3, 4, 5, 6]) == pytest.approx(2 / 720)
    assert drift.trend([6, 5, 4, 3, 2, 1]) == pytest.approx(2 / 720)
    assert drift.trend([1, 1, 1, 1, 1, 1]) == 1.0


def test_what_does_not_drift_seems_to_no_more_often_than_stated():
    rng, tries = np.random.default_rng(1), 4000
    false = np.mean([drift.trend(rng.normal(size=8)) <= 0.05 for _ in range(tries)])
    assert false <= 0.05 + 4 * np.sqrt(0.05 * 0.95 / tries)


def cells(paces, count=20, spread=0.02, seed=4):
    rng = np.random.default_rng(seed)
    rows = [
        {"run": "r", "study": "s", "metric": "total_time", "condition": str(cell), "subject": "x", "twin": False,
         "traced": False, "block": block, "value": (1 + cell) * pace * np.exp(rng.normal(0, spread))}
        for cell in range(count)
        for block, pace in enumerate(paces)
    ]  # fmt: skip
    return drift.paces(pd.DataFrame(rows), {"s": ["total_time"]}).iloc[0]


def test_a_machine_that_slows_down_is_told_from_one_that_was_slow_once():
    steady, slowing, once, cold = (
        cells(paces) for paces in ([1] * 6, np.linspace(0.95, 1.05, 6), [1, 1, 1, 1.2, 1, 1], [1.2, 1, 1, 1, 1, 1])
    )
    assert min(steady["alike_p"], steady["drift_p"], steady["first_p"]) > 0.05
    assert max(slowing["alike_p"], slowing["drift_p"]) < 0.001
    assert once["alike_p"] < 0.001 < 0.05 < min(once["drift_p"], once["first_p"])
    assert max(cold["alike_p"], cold["first_p"]) < 0.001
    assert once["pace"][3] / once["pace"][0] == pytest.approx(1.2, abs=0.02)


def test_alike_blocks_seem_to_differ_as_often_as_stated():
    rng, tries = np.random.default_rng(6), 2000
    found = np.array([drift.alike(rng.normal(size=(30, 6)).argsort(axis=1) + 1.0) for _ in range(tries)])
    for test in range(3):
        assert (found[:, test] <= 0.05).mean() == pytest.approx(0.05, abs=4 * np.sqrt(0.05 * 0.95 / tries))


def test_a_warm_up_is_found_to_within_a_tenth_of_the_requests():
    rng = np.random.default_rng(2)
    for length in (0, 5, 20):
        values = rng.normal(1.0, 0.05, size=100)
        values[:length] += np.linspace(2.0, 0.5, length)
        assert abs(drift.warm_up(values) - length) <= 10
    assert drift.warm_up(np.linspace(2.0, 1.0, 100)) is None


def test_a_trials_warm_up_is_that_of_its_users(tmp_path: Path):
    made = []
    for block in range(2):
        starts = [float(turn) for turn in range(40)]
        rows = [
            synthetic.row(start + (0.5 if turn < 4 else 0.1 + 0.001 * (turn % 3)), intended_s=start)
            for turn, start in enumerate(starts)
        ]
        made.append(synthetic.record(synthetic.spec("memory", "baseline", block), Part(role="subject", requests=rows)))
    [found] = drift.warm_ups(load_run(synthetic.write(tmp_path, made)).requests).to_dict("records")
    assert (found["warm_up"], found["requests"], found["trials"]) == (4, 40, 2)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_adjusting_never_makes_surer_and_keeps_the_order(p_values):
    found = adjusted(p_values)
    assert all(p <= share <= 1 for p, share in zip(p_values, found, strict=True))
    order = np.argsort(p_values, kind="stable")
    assert (np.diff(np.array(found)[order]) >= 0).all()
    assert max(found) == pytest.approx(max(p_values))


def test_why_a_comparison_is_open_names_the_cause():
    assert "3 of at least 6 blocks" in unsettled([1.1] * 3, 0.05).why
    wide = unsettled([1.3, 0.95, 1.2, 1.1, 1.25, 0.9], 0.05)
    assert "blocks differ by" in wide.why
    assert wide.blocks is not None and wide.blocks > 6
    assert caveats(synthetic.pair([1.0, 1.01, 1.9, 1.0, 1.02, 1.01])) == ("block 2 stands apart: × 1.9 beside × 1.01",)
    assert "drifts" in unsettled([0.95, 1.0, 1.05, 1.1, 1.16, 1.2], 0.05).why
    near = unsettled([1.04, 1.07, 1.05, 1.06, 1.03, 1.065], 0.0487)
    assert near.blocks is None
    assert "too near the noise floor" in near.why
    # No number of blocks tells equals apart that differ by more than what counts as none.
    noisy = unsettled([1.02, 0.99, 1.01, 1.0, 1.03, 0.98], 0.18)
    assert noisy.blocks is None
    assert noisy.why == "equals differ by up to ± 20%, more than the 5% that count"


def conclusions(**changes):
    row = {"condition": "c", "subject": "x", "blocks": 6, "low": 0.8, "high": 1.25, "needs": 30}
    return pd.DataFrame([row | {"conclusion": "cannot tell"} | changes])


def tried(blocks=6):
    return pd.DataFrame([{"condition": "c", "subject": "x", "block": block} for block in range(blocks)])


@pytest.mark.parametrize(
    ("changes", "unstable", "blocks"),
    [
        ({"conclusion": "helps"}, 0, None),
        ({"low": 0.99, "high": 1.01}, 0, None),
        ({}, 1, 30),
        ({"needs": None, "low": 0.01, "high": 100.0}, 1, None),
        ({"low": None, "high": None, "blocks": 2, "conclusion": "indicative"}, 1, 6),
    ],
)
def test_a_run_is_stable_when_every_comparison_has_a_conclusion_or_is_precise(changes, unstable, blocks):
    judged = stability(conclusions(**changes), tried(), 6, 0.05)
    assert (judged.comparisons, judged.unstable, judged.blocks) == (1, unstable, blocks)


def test_a_comparison_settles_by_precision_where_that_takes_fewer_blocks():
    wide = stability(conclusions(needs=None), tried(), 6, 0.15)
    assert wide.blocks is not None and 6 < wide.blocks < 20
    assert stability(conclusions(needs=7), tried(), 6, 0.01).blocks == 7


def test_cells_that_get_no_more_blocks_are_left_out():
    assert stability(conclusions(), tried(3), 6, 0.05).comparisons == 0
