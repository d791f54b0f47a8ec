"""The highest level that meets the objective: a failure is not excused, and a gap is not jumped."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from experiments import load_run
from experiments.analysis import capacity
from experiments.measuring.records import Outcome, Part
from tests.experiments.analysis import synthetic


def test_a_level_above_one_that_fails_does_not_count():
    assert capacity.highest([1, 10, 50], [1.0, 0.5, 1.0]) == 1
    assert capacity.highest([50, 1, 10], [0.2, 1.0, 0.95]) == 10
    assert capacity.highest([1, 10], [0.94, 1.0]) is None
    assert capacity.highest([], []) is None


def test_the_blocks_of_a_level_count_together():
    assert capacity.highest([1, 1, 10, 10], [1.0, 1.0, 1.0, 0.92]) == 10
    assert capacity.highest([1, 1, 10, 10], [1.0, 1.0, 1.0, 0.88]) == 1


@given(st.dictionaries(st.integers(1, 200), st.floats(0, 1)))
def test_more_requests_in_time_never_lower_the_level(shares):
    before = capacity.highest(list(shares), list(shares.values())) or 0
    better = [min(1.0, share + 0.1) for share in shares.values()]
    assert (capacity.highest(list(shares), better) or 0) >= before


def test_a_trial_that_failed_met_nothing_and_a_void_one_says_nothing(tmp_path: Path):
    made = []
    for block, outcome in enumerate((Outcome.OK, Outcome.OUT_OF_MEMORY, Outcome.INVALID)):
        trial = synthetic.spec("load", "baseline", block, condition={"users": 1})
        part = Part(role="client", requests=[synthetic.row(1.0), synthetic.row(60.0)])
        made.append(synthetic.record(trial, part, outcome=outcome, reason="x"))
    run = load_run(synthetic.write(tmp_path, made))
    assert capacity.shares(run.trials, run.measures)["value"].tolist() == [0.5, 0.0]
