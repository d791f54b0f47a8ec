from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments import load_run
from experiments.analysis.pairing import ENOUGH_BLOCKS, ratios, summaries, summarise
from experiments.measuring.records import Outcome
from tests.experiments.analysis import synthetic

positive = st.floats(min_value=1e-3, max_value=1e3)
blocks = st.lists(st.tuples(positive, positive), min_size=1, max_size=10)


def frames(values: dict[str, list[float]], metric: str = "total_time") -> tuple[pd.DataFrame, pd.DataFrame]:
    rows = [
        {
            "study": "s", "condition": "c", "subject": subject, "block": block, "traced": False,
            "metric": metric, "unit": "s", "value": value,
        }
        for subject, column in values.items()
        for block, value in enumerate(column)
    ]  # fmt: skip
    measures = pd.DataFrame(rows)
    return measures, measures[["study", "condition", "subject", "block", "traced"]]


def paired(ours: list[float], theirs: list[float]) -> list[float]:
    return ratios(*frames({"theirs": theirs, "ours": ours}), ["theirs"])["ratio"].tolist()


@given(blocks, positive)
def test_scaling_both_subjects_leaves_the_ratios(pairs: list[tuple[float, float]], scale: float) -> None:
    ours, theirs = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    scaled = paired([value * scale for value in ours], [value * scale for value in theirs])
    assert scaled == pytest.approx(paired(ours, theirs))


@given(st.lists(positive, min_size=1, max_size=12))
def test_inverting_every_ratio_inverts_the_mean_and_swaps_the_interval(found: list[float]) -> None:
    forth, back = summarise(found), summarise([1 / ratio for ratio in found])
    assert back.geometric_mean == pytest.approx(1 / forth.geometric_mean)
    assert forth.indicative is back.indicative
    if forth.low is not None and forth.high is not None:
        assert back.low == pytest.approx(1 / forth.high)
        assert back.high == pytest.approx(1 / forth.low)


@given(st.lists(positive, min_size=1, max_size=12))
def test_the_mean_lies_between_the_smallest_and_the_largest(found: list[float]) -> None:
    summary = summarise(found)
    assert summary.smallest * (1 - 1e-9) <= summary.geometric_mean <= summary.largest * (1 + 1e-9)


@pytest.mark.parametrize("count", range(1, ENOUGH_BLOCKS))
def test_too_few_blocks_give_no_interval(count: int) -> None:
    summary = summarise([0.5] * count)
    assert summary.indicative
    assert (summary.low, summary.high) == (None, None)


def test_six_blocks_give_the_interval_of_students_t() -> None:
    logs = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    reach = 2.570581836 * logs.std(ddof=1) / math.sqrt(6)  # t at 0.975 with 5 degrees, from a printed table
    summary = summarise(np.exp(logs).tolist())
    assert summary.low == pytest.approx(math.exp(0.35 - reach))
    assert summary.high == pytest.approx(math.exp(0.35 + reach))


@pytest.mark.parametrize("bad", [[], [0.0], [1.0, -2.0], [math.nan], [math.inf]])
def test_what_has_no_logarithm_has_no_mean(bad: list[float]) -> None:
    with pytest.raises(ValueError, match="positive"):
        summarise(bad)


def test_only_blocks_that_both_finished_are_paired() -> None:
    found = ratios(*frames({"theirs": [1.0, 2.0], "ours": [3.0, 3.0, 3.0]}), ["theirs"])
    assert found["block"].tolist() == [0, 1]
    assert found["ratio"].tolist() == [3.0, 1.5]


def test_a_pair_with_a_value_that_is_not_positive_gives_no_ratio_at_all() -> None:
    assert paired([0.0, 1.0], [1.0, 1.0]) == []


def test_a_slope_is_never_divided() -> None:
    measures, trials = frames({"theirs": [1.0], "ours": [2.0]}, metric="anonymous_growth")
    assert ratios(measures, trials, ["theirs"]).empty


def test_the_first_reference_that_was_tried_is_the_one() -> None:
    measures, trials = frames({"second": [1.0], "ours": [2.0]})
    assert set(ratios(measures, trials, ["first", "second"])["reference"]) == {"second"}


def test_a_reference_that_failed_is_not_replaced_by_another(tmp_path: Path) -> None:
    made = [
        synthetic.record(
            one.spec, *one.parts, outcome=Outcome.CRASHED if one.spec.subject == "baseline" else Outcome.OK
        )
        for one in synthetic.everything(blocks=1)
        if one.spec.study == "lazy-loading"
    ]
    run = load_run(synthetic.write(tmp_path, made))
    assert ratios(run.measures, run.trials, ["baseline", "asynchronous-eager"]).empty


def test_a_run_pairs_and_sums_up_without_traced_trials(tmp_path: Path) -> None:
    run = load_run(synthetic.write(tmp_path, synthetic.everything(blocks=2)))
    summary = summaries(ratios(run.measures, run.trials, ["serial", "fifo", "baseline"]))
    assert set(summary.loc[summary["metric"] == "total_time", "blocks"]) == {2}
    assert summary["indicative"].all()
    assert not summary["condition"].str.contains("memray").any()


def test_nothing_measured_sums_up_to_nothing(tmp_path: Path) -> None:
    run = load_run(synthetic.write(tmp_path, []))
    assert summaries(ratios(run.measures, run.trials, ["baseline"])).empty
