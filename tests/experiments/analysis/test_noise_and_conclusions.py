import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments import load_run
from experiments.analysis import noise
from experiments.analysis.conclusions import Conclusion, conclude
from experiments.measuring.records import Part
from experiments.report.scene import UnknownStudy, scene
from tests.experiments.analysis import synthetic


def arms(pairs, metric="total_time", factors=None, subject="baseline"):
    factors = factors or {"work": "inference"}
    rows = []
    for block, (first, second) in enumerate(pairs):
        for twin, value in ((False, first), (True, second)):
            rows.append(
                {"study": "s", "condition": str(factors), "factors": factors, "subject": subject, "twin": twin,
                 "block": block, "metric": metric, "unit": "s", "value": value}
            )  # fmt: skip
    return pd.DataFrame(rows)


def test_equals_that_never_differ_have_no_floor_to_speak_of():
    floors = noise.floors(arms([(1.0, 1.0)] * 6))
    assert floors["floor"].tolist() == [0.0]


def test_too_few_blocks_give_no_floor():
    floors = noise.floors(arms([(1.0, 1.1)] * 5))
    assert math.isnan(floors["floor"].iloc[0])
    assert noise.floor(floors, "total_time", {}) is None


def test_a_condition_takes_its_floor_from_the_nearest_arm():
    sleeps = arms([(1.0, 1.01)] * 6, factors={"work": "sleep", "requests": 50})
    inference = arms([(1.0, 1.2)] * 6, factors={"work": "inference", "requests": 5})
    floors = noise.floors(pd.concat([sleeps, inference]))
    assert noise.floor(floors, "total_time", {"work": "sleep", "requests": 10}) == pytest.approx(math.log(1.01))
    assert noise.floor(floors, "total_time", {"work": "inference", "requests": 3}) == pytest.approx(math.log(1.2))
    # A condition as near to one as to the other takes the worse.
    assert noise.floor(floors, "total_time", {"work": "file"}) == pytest.approx(math.log(1.2))
    assert noise.floor(floors, "throughput", {"work": "sleep"}) is None


@pytest.mark.parametrize(
    ("low", "high", "better", "floor", "expected"),
    [
        (0.5, 0.6, "lower", 0.05, Conclusion.HELPS),
        (0.5, 0.6, "higher", 0.05, Conclusion.HURTS),
        (1.5, 1.6, "higher", 0.05, Conclusion.HELPS),
        (0.97, 1.02, "lower", 0.05, Conclusion.SAME),
        (0.97, 1.2, "lower", 0.05, Conclusion.OPEN),
        (1.01, 1.2, "lower", 0.05, Conclusion.OPEN),
        (1.01, 1.2, "lower", None, Conclusion.HURTS),
        (None, None, "lower", 0.05, Conclusion.INDICATIVE),
    ],
)
def test_a_conclusion_follows_the_stated_rules(low, high, better, floor, expected):
    assert conclude(low, high, better, floor) is expected


@given(st.floats(0.1, 10), st.floats(1, 3), st.floats(0, 1))
def test_turning_a_ratio_round_turns_help_into_harm(low, width, floor):
    there = conclude(low, low * width, "lower", floor)
    back = conclude(1 / (low * width), 1 / low, "lower", floor)
    turned = {Conclusion.HELPS: Conclusion.HURTS, Conclusion.HURTS: Conclusion.HELPS}
    if min(abs(abs(math.log(end)) - floor) for end in (low, low * width)) > 1e-9:
        assert back is turned.get(there, there)


def run_of(tmp_path, lost=0, blocks=6):
    records = []
    for block in range(blocks):
        for subject, seconds in (("baseline", 2.0), ("asynchronous", 1.0)):
            for twin in (False, True):
                trial = synthetic.spec("load", subject, block, condition={"users": 5}, twin=twin)
                part = Part(role="client", requests=[synthetic.row(seconds * (1 + block / 1000))])
                failed = {"outcome": "timed-out"} if subject == "asynchronous" and not twin and block < lost else {}
                records.append(synthetic.record(trial, part, **failed))
    return load_run(synthetic.write(tmp_path, records))


def test_twins_are_noise_and_not_a_second_sample(tmp_path):
    run = run_of(tmp_path)
    shown = scene(run, "load", UnknownStudy(references=("baseline",), primary=("latency_p50",)))
    assert len(run.trials) == 24
    assert len(shown.trials) == 12
    assert set(shown.floors["subject"]) == {"baseline", "asynchronous"}
    [row] = shown.conclusions.to_dict("records")
    assert (row["conclusion"], row["blocks"]) == (Conclusion.HELPS, 6)


def test_a_pair_that_lost_trials_unevenly_gets_no_verdict(tmp_path):
    shown = scene(
        run_of(tmp_path, lost=1, blocks=7), "load", UnknownStudy(references=("baseline",), primary=("latency_p50",))
    )
    assert shown.conclusions["conclusion"].tolist() == [Conclusion.UNEVEN]
