"""Verdicts follow the rules at the head of the ledger, and nothing else."""

from __future__ import annotations

import math
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments import load_run
from experiments.analysis import claims
from experiments.analysis.claims import Claim
from experiments.analysis.verdict_rules import Verdict
from experiments.analysis.verdict_rules import judge as judge_by_rule
from experiments.analysis.verdicts import judge
from experiments.measuring.records import Outcome, Part
from tests.experiments.analysis import synthetic


def claim(**changes) -> Claim:
    fields = {
        "id": "X", "source": "s", "statement": "t", "unit": "percent change", "low": -84.0, "high": -57.0,
        "study": "load", "metric": "total_time",
        "tests": (claims.Test(title="here", factors={"users": 5}, subject="asynchronous", reference="baseline"),),
    }  # fmt: skip
    return Claim(**fields | changes)


LEVEL = {"low": None, "high": None, "tests": (claims.Test(title="here", factors={"users": 5}, subject="asynchronous"),)}


def run_of(folder: Path, seconds, blocks=6, spread=0.01, floor=0.01, lost=(), enforced=True):
    """Return a run whose subjects take so long; equals differ by about ``floor``."""
    rng, made = np.random.default_rng(3), []
    for block in range(blocks):
        for subject, took in seconds.items():
            for twin in (False, True):
                trial = synthetic.spec("load", subject, block, condition={"users": 5}, twin=twin)
                noise = math.exp(rng.normal(0, floor if twin else spread))
                part = Part(role="client", requests=[synthetic.row(took * noise)])
                outcome = Outcome.OUT_OF_MEMORY if (subject, block) in lost and not twin else Outcome.OK
                made.append(synthetic.record(trial, part, outcome=outcome, enforced=enforced))
    return load_run(synthetic.write(folder, made, blocks=blocks))


def judged(folder: Path, ours, tested=None, **changes):
    [one] = judge(run_of(folder, {"baseline": 1.0, "asynchronous": ours}, **changes), {"X": tested or claim()})
    return one


@pytest.mark.parametrize(
    ("ours", "expected"),
    [
        (0.3, Verdict.REPRODUCED),
        (0.05, Verdict.PARTLY),
        (0.7, Verdict.PARTLY),
        (1.0, Verdict.CONTRADICTED),
        (1.5, Verdict.CONTRADICTED),
        (0.46, Verdict.INCONCLUSIVE),
    ],
)
def test_an_effect_is_held_against_the_published_range(tmp_path, ours, expected):
    spread = 0.05 if expected is Verdict.INCONCLUSIVE else 0.01
    floor = 0.05 if ours == 1.0 else 0.005
    one = judged(tmp_path, ours, spread=spread, floor=floor)
    assert one.verdict is expected, one
    assert one.low <= one.effect <= one.high
    assert one.effect == pytest.approx(100 * (ours - 1), abs=3)
    assert len(one.values) == len(one.reference_values) == len(one.blocks) == 6
    assert len(one.keys) == 12
    assert one.random_weights  # as those of the invented engine are


def test_an_interval_wide_enough_to_cover_the_claim_has_not_reproduced_it(tmp_path):
    assert judged(tmp_path, 0.3, spread=0.6).verdict is Verdict.INCONCLUSIVE


def test_a_floor_wider_than_the_claimed_effect_reproduces_nothing(tmp_path):
    small = claim(low=-0.99, high=-0.81)
    one = judged(tmp_path, 0.991, small, spread=0.0005, floor=0.1)
    assert one.verdict is Verdict.INCONCLUSIVE
    assert "noise floor is wider" in one.why


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"blocks": 5}, "5 of at least 6 complete blocks"),
        ({"enforced": False}, "not enforced"),
        ({"lost": (("asynchronous", 2),), "blocks": 8}, "asynchronous lost 1 of 8 (out-of-memory)"),
    ],
)
def test_what_forbids_a_verdict_is_said(tmp_path, changes, why):
    one = judged(tmp_path, 0.3, **changes)
    assert one.verdict is Verdict.INCONCLUSIVE
    assert why in one.why
    assert one.effect == pytest.approx(-70, abs=2)


def test_a_claim_without_trials_is_not_measured(tmp_path):
    elsewhere = claim(tests=(claims.Test(title="there", factors={"users": 9}, subject="a", reference="b"),))
    assert judged(tmp_path, 0.3, elsewhere).verdict is Verdict.NOT_MEASURED
    untested = claim(tests=(), not_measured="it is not built yet")
    assert judged(tmp_path, 0.3, untested).why == "it is not built yet"


@pytest.mark.parametrize(
    ("ours", "expected"), [(0.5, Verdict.REPRODUCED), (1.5, Verdict.CONTRADICTED), (1.0, Verdict.INCONCLUSIVE)]
)
def test_a_level_is_held_against_its_criterion(tmp_path, ours, expected):
    assert judged(tmp_path, ours, claim(at_most=1.0, unit="s", **LEVEL)).verdict is expected


def test_where_every_trial_must_pass_a_lost_one_fails(tmp_path):
    every = claim(metric="success_rate", at_least=0.99, every=True, unit="ratio", **LEVEL)
    assert judged(tmp_path / "a", 1.0, every).verdict is Verdict.REPRODUCED
    one = judged(tmp_path / "b", 1.0, every, lost=(("asynchronous", 1),))
    assert one.verdict is Verdict.CONTRADICTED
    assert "1 of 6 trials" in one.why


def test_a_level_with_a_tolerance_is_met_only_by_what_cannot_hide_more(tmp_path):
    flat = claim(at_most=1.0, tolerance=0.05, unit="s", **LEVEL)
    assert judged(tmp_path / "a", 1.0, flat).verdict is Verdict.REPRODUCED
    assert judged(tmp_path / "b", 1.5, flat).verdict is Verdict.CONTRADICTED
    loose = judged(tmp_path / "c", 1.0, flat, spread=0.5)
    assert loose.verdict is Verdict.INCONCLUSIVE
    assert loose.false_share is None


RISE = claim(low=50.0, high=100.0)
FALL = claim(low=-50.0, high=-33.3333333)
NONE = claim(low=-3.0, high=3.0)
NOISE = math.log(1.1)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (1.6, 1.9, Verdict.REPRODUCED),
        (1.45, 1.9, Verdict.REPRODUCED),  # the range is widened by five percent, though the noise is ten
        (1.40, 1.9, Verdict.INCONCLUSIVE),
        (1.3, 1.7, Verdict.INCONCLUSIVE),
        (1.9, 2.3, Verdict.INCONCLUSIVE),
        (1.2, 1.3, Verdict.PARTLY),
        (2.3, 2.5, Verdict.PARTLY),
        (1.05, 1.3, Verdict.INCONCLUSIVE),  # less than published, and perhaps nothing
        (1.02, 1.08, Verdict.INCONCLUSIVE),
        (1.0, 1.3, Verdict.CONTRADICTED),
        (0.95, 1.05, Verdict.CONTRADICTED),
        (0.5, 0.6, Verdict.CONTRADICTED),
        (1.0, 1.45, Verdict.INCONCLUSIVE),
        (0.5, 1.7, Verdict.INCONCLUSIVE),
        (0.5, 3.0, Verdict.INCONCLUSIVE),
    ],
)
def test_every_cell_of_the_rules_for_a_rise_and_for_the_fall_that_mirrors_it(low, high, expected):
    ends = (math.log(low), math.log(high))
    assert judge_by_rule(RISE, ends, NOISE).verdict is expected
    assert judge_by_rule(FALL, (-ends[1], -ends[0]), NOISE).verdict is expected


UP_TO_A_RISE = claim(low=100.0, high=100.0, up_to=True)
UP_TO_A_FALL = claim(low=-50.0, high=-50.0, up_to=True)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (1.2, 1.3, Verdict.REPRODUCED),
        (1.8, 2.05, Verdict.REPRODUCED),  # the figure is widened by five percent
        (1.8, 2.3, Verdict.INCONCLUSIVE),
        (2.3, 2.5, Verdict.PARTLY),  # more than was published as the most
        (1.05, 1.3, Verdict.INCONCLUSIVE),  # perhaps nothing
        (0.97, 1.03, Verdict.INCONCLUSIVE),
        (0.5, 0.6, Verdict.CONTRADICTED),
    ],
)
def test_of_what_was_published_as_the_most_any_smaller_effect_is_as_published(low, high, expected):
    ends = (math.log(low), math.log(high))
    assert judge_by_rule(UP_TO_A_RISE, ends, NOISE).verdict is expected
    assert judge_by_rule(UP_TO_A_FALL, (-ends[1], -ends[0]), NOISE).verdict is expected
    assert (UP_TO_A_RISE.figure, UP_TO_A_FALL.figure) == ("up to +100 %", "up to −50 %")


@pytest.mark.parametrize(
    ("low", "high", "noise", "expected"),
    [
        (0.98, 1.02, 0.01, Verdict.REPRODUCED),
        (0.98, 1.04, 0.01, Verdict.INCONCLUSIVE),
        (0.98, 1.02, 0.05, Verdict.INCONCLUSIVE),  # noise as wide as the range shows nothing
        (1.05, 1.2, 0.01, Verdict.CONTRADICTED),
        (0.5, 0.6, 0.05, Verdict.CONTRADICTED),
        (0.5, 1.6, 0.01, Verdict.INCONCLUSIVE),
    ],
)
def test_every_cell_of_the_rules_for_no_effect(low, high, noise, expected):
    assert judge_by_rule(NONE, (math.log(low), math.log(high)), noise).verdict is expected


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (-1.0, 100.0, Verdict.REPRODUCED),
        (31.0, 37.0, Verdict.PARTLY),  # it passes the level, by less than was stated to matter
        (200.0, 300.0, Verdict.INCONCLUSIVE),
        (-800_000.0, 400_000.0, Verdict.INCONCLUSIVE),
        (240.0, 260.0, Verdict.CONTRADICTED),
    ],
)
def test_every_cell_of_the_rules_for_a_level_with_a_tolerance(low, high, expected):
    assert judge_by_rule(claim(at_most=0.0, tolerance=235.0, **LEVEL), (low, high)).verdict is expected


def test_points_are_differences_and_an_excluded_figure_beside_no_effect_is_contradicted():
    points = claim(unit="percentage points", low=33.0, high=33.0)
    assert judge_by_rule(points, (-0.06, 2.4), 0.0).verdict is Verdict.CONTRADICTED
    assert judge_by_rule(points, (5.0, 9.0), 0.0).verdict is Verdict.PARTLY
    assert judge_by_rule(points, (20.0, 40.0), 0.0).verdict is Verdict.INCONCLUSIVE


ends = st.tuples(st.floats(-3, 3), st.floats(0, 2)).map(lambda drawn: (drawn[0], drawn[0] + drawn[1]))


@given(
    st.floats(-90, 300).flatmap(lambda low: st.tuples(st.just(low), st.floats(low, 400))),
    st.floats(0, 0.5), st.floats(0, 0.5), ends,
)  # fmt: skip
def test_more_noise_never_decides_what_less_left_open(published, floor, more, interval):
    tested = claim(low=published[0], high=published[1])
    before, after = (judge_by_rule(tested, interval, noise).verdict for noise in (floor, floor + more))
    if after in (Verdict.REPRODUCED, Verdict.CONTRADICTED) and floor >= math.log(1.05):
        assert before in (after, Verdict.PARTLY)


@given(
    st.floats(-90, 300).flatmap(lambda low: st.tuples(st.just(low), st.floats(low, 400))), st.floats(0, 0.5), ends,
)  # fmt: skip
def test_a_verdict_names_a_region_that_holds_the_interval(published, floor, interval):
    one = judge_by_rule(claim(low=published[0], high=published[1]), interval, floor)
    assert (one.region is None) == (one.verdict is Verdict.INCONCLUSIVE) == bool(one.why)
    if one.region:
        assert one.region[0] <= interval[0] + 1e-9
        assert interval[1] - 1e-9 <= one.region[1]


def test_verdicts_that_so_many_would_give_by_chance_are_withheld(tmp_path):
    made = run_of(tmp_path, {"baseline": 1.0, "asynchronous": 0.985}, spread=0.011, floor=0.0001)
    worse = claim(low=5.0, high=20.0)
    [alone] = judge(made, {"X": worse})
    assert alone.verdict is Verdict.CONTRADICTED
    never = msgspec.structs.replace(worse, low=-1.6, high=-1.4, metric="latency_p50")
    many = {"X": worse} | {str(number): msgspec.structs.replace(never, id=str(number)) for number in range(60)}
    told = [one for one in judge(made, many) if one.claim.id == "X"]
    assert told[0].false_share >= alone.false_share
    assert Verdict.NOT_MEASURED not in {one.verdict for one in told}
