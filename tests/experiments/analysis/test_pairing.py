from __future__ import annotations

import math
from pathlib import Path

import msgspec
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments import load_run
from experiments.analysis.cells import Side
from experiments.analysis.comparisons import caveats
from experiments.analysis.pairing import ENOUGH_BLOCKS, Pair, pairs_of_study, summaries, summarise
from experiments.analysis.run import Run
from experiments.measuring.records import Outcome, Record
from tests.experiments.analysis import synthetic

positive = st.floats(min_value=1e-3, max_value=1e3)
blocks = st.lists(st.tuples(positive, positive), min_size=1, max_size=10)


def side(subject: str, column: list[float]) -> Side:
    return Side(subject=subject, values=dict(enumerate(column)))


def pair(ours: list[float], theirs: list[float]) -> Pair:
    return Pair(subject=side("ours", ours), reference=side("theirs", theirs), better="lower")


def paired(ours: list[float], theirs: list[float]) -> list[float]:
    return list(pair(ours, theirs).ratios)


def of_study(run: Run, study: str, *references: str) -> pd.DataFrame:
    return summaries(pairs_of_study(run.cells, study, references))


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
    made = pair([3.0, 3.0, 3.0], [1.0, 2.0])
    assert list(made.numbers) == [0, 1]
    assert made.ratios == pytest.approx([3.0, 1.5])
    assert not made.uneven  # the third block was not tried by both


def test_a_value_of_0_is_lost_and_told_and_its_block_no_pair() -> None:
    made = pair([0.0, 1.0], [1.0, 1.0])
    assert made.ratios == (1.0,)
    assert made.uneven == "ours lost 1 of 2 (a value of 0 has no ratio)"
    assert not pair([0.0, 1.0], [1.0, 0.0]).uneven


def test_a_slope_is_never_divided(tmp_path: Path) -> None:
    run = load_run(synthetic.write(tmp_path, synthetic.everything(blocks=1)))
    assert "anonymous_growth" in set(run.measures["metric"])
    assert "anonymous_growth" not in set(of_study(run, "memory", "baseline")["metric"])


def test_the_first_reference_that_was_tried_is_the_one(tmp_path: Path) -> None:
    run = load_run(synthetic.write(tmp_path, synthetic.everything(blocks=1)))
    found = of_study(run, "lazy-loading", "nobody", "asynchronous-eager", "baseline")
    assert set(found.loc[found["subject"] == "baseline", "reference"]) == {"asynchronous-eager"}


def test_a_reference_that_failed_is_not_replaced_by_another(tmp_path: Path) -> None:
    made = [
        synthetic.record(
            one.spec, *one.parts, outcome=Outcome.CRASHED if one.spec.subject == "baseline" else Outcome.OK
        )
        for one in synthetic.everything(blocks=1)
        if one.spec.study == "lazy-loading"
    ]
    run = load_run(synthetic.write(tmp_path, made))
    found = of_study(run, "lazy-loading", "baseline", "asynchronous-eager")
    assert set(found.loc[found["reference"] == "baseline", "blocks"]) == {0}
    lost = set(found.loc[found["reference"] == "baseline", "lost"])
    assert lost == {"baseline lost 1 of 1 (crashed)"}


def test_a_void_trial_is_neither_lost_nor_measured(tmp_path: Path) -> None:
    made = [
        msgspec.structs.replace(one, outcome=Outcome.INVALID)
        if one.spec.subject == "baseline" and one.spec.block == 0
        else one
        for one in synthetic.everything(blocks=3)
        if one.spec.study == "lazy-loading"
    ]
    found = of_study(load_run(synthetic.write(tmp_path, made)), "lazy-loading", "baseline")
    assert set(found.loc[found["reference"] == "baseline", "blocks"]) == {2}
    assert set(found["lost"]) == {""}


def test_trials_of_a_block_that_began_far_apart_are_told(tmp_path: Path) -> None:
    def began(record: Record) -> Record:
        late = record.spec.subject == "baseline" and record.spec.block == 1
        return msgspec.structs.replace(record, started_at=f"2000-01-01T00:{11 if late else 0:02}:00Z")

    made = [began(one) for one in synthetic.everything(blocks=2) if one.spec.study == "lazy-loading"]
    run = load_run(synthetic.write(tmp_path, made))
    found = [pair for _, _, pair in pairs_of_study(run.cells, "lazy-loading", ["baseline"])]
    assert {tuple(pair.far_apart.items()) for pair in found} <= {(), ((1, 660.0),)}
    assert any("1 of 2 pairs began up to 11 minutes apart" in caveats(pair) for pair in found)


def test_a_run_pairs_and_sums_up_without_traced_trials(tmp_path: Path) -> None:
    run = load_run(synthetic.write(tmp_path, synthetic.everything(blocks=2)))
    for study, reference in (("isolation", "serial"), ("memory", "fifo"), ("load", "baseline")):
        summary = of_study(run, study, reference)
        assert set(summary.loc[summary["metric"] == "total_time", "blocks"]) <= {2}
        assert summary["indicative"].all()
        assert not summary["condition"].str.contains("memray").any()


def test_nothing_measured_sums_up_to_nothing(tmp_path: Path) -> None:
    run = load_run(synthetic.write(tmp_path, []))
    assert of_study(run, "load", "baseline").empty
