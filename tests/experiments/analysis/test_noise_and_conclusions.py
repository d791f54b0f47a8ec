import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments import load_run
from experiments.analysis.conclusions import Conclusion, conclude
from experiments.measuring.records import Part
from experiments.report.scene import UnknownStudy, scene
from tests.experiments.analysis import synthetic


def arms(folder, *conditions):
    """Return the floors of a run whose arms, in conditions with these factors, take so much longer the second time."""
    made = []
    for factors, ratio, blocks in conditions:
        for block in range(blocks):
            for twin, took in ((False, 1.0), (True, ratio)):
                trial = synthetic.spec("load", "baseline", block, condition=factors, twin=twin)
                made.append(synthetic.record(trial, Part(role="client", requests=[synthetic.row(took)])))
        elsewhere = synthetic.spec("load", "baseline", condition={**factors, "users": 9})
        made.append(synthetic.record(elsewhere, Part(role="client", requests=[synthetic.row(1.0)])))
    run = load_run(synthetic.write(folder, made))
    places = {place.condition: place for place in run.cells.places("load")}
    return run, lambda condition, metric="latency_p50": run.noise.of(places[condition], metric)


def test_equals_that_never_differ_have_no_floor_to_speak_of(tmp_path):
    run, floor = arms(tmp_path, ({"work": "sleep"}, 1.0, 6))
    assert floor("work=sleep") == 0.0
    shown = run.floors[run.floors["metric"] == "latency_p50"]
    assert (shown["floor"].tolist(), shown["differ"].tolist()) == ([0.0], [False])


def test_too_few_blocks_give_no_floor(tmp_path):
    run, floor = arms(tmp_path, ({"work": "sleep"}, 1.1, 5))
    assert floor("work=sleep") is None
    assert run.floors["floor"].isna().all()


def test_a_condition_takes_its_floor_from_the_nearest_arm(tmp_path):
    sleep, inference, file = ({"work": "sleep"}, 1.01, 6), ({"work": "inference"}, 1.2, 6), ({"work": "file"}, 1.0, 5)
    _, floor = arms(tmp_path / "a", sleep, inference, ({"work": "queue"}, 1.0, 0))
    assert floor("work=sleep, users=9") == pytest.approx(math.log(1.01))
    assert floor("work=inference, users=9") == pytest.approx(math.log(1.2))
    # A condition as near to one as to the other takes the worse.
    assert floor("work=queue, users=9") == pytest.approx(math.log(1.2))
    # An arm that lost a block is not replaced by a farther one, which may be quieter.
    _, floor = arms(tmp_path / "b", sleep, inference, file)
    assert floor("work=file, users=9") is None
    assert floor("work=sleep", "hit_rate") is None


@pytest.mark.parametrize(
    ("low", "high", "better", "floor", "expected"),
    [
        (0.5, 0.6, "lower", 0.05, Conclusion.HELPS),
        (0.5, 0.6, "higher", 0.05, Conclusion.HURTS),
        (1.5, 1.6, "higher", 0.05, Conclusion.HELPS),
        (0.97, 1.02, "lower", 0.04, Conclusion.SAME),
        (0.97, 1.02, "lower", None, Conclusion.SAME),
        (1.0, 1.0, "lower", None, Conclusion.SAME),
        # What equals do is wider than what counts as none: nothing shows that there is none.
        (0.97, 1.02, "lower", 0.10, Conclusion.OPEN),
        # Noise does not make it easier to find no difference.
        (0.92, 1.02, "lower", 0.04, Conclusion.OPEN),
        (0.92, 1.02, "lower", 0.30, Conclusion.OPEN),
        (1.10, 1.14, "higher", 0.15, Conclusion.BELOW),
        (1.01, 1.02, "lower", 0.04, Conclusion.BELOW),
        # Something was seen, small as it is: it is never called no difference.
        (1.01, 1.03, "lower", 0.02, Conclusion.OPEN),
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
    assert shown.conclusions["conclusion"].tolist() == [Conclusion.NONE]
    assert shown.conclusions["why"].tolist() == ["asynchronous lost 1 of 7 (timed-out)"]
