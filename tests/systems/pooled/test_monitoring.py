"""What the agent measures of itself, which status that has, and what it says to try."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from systems.interface import Counters
from systems.pooled.monitoring.bottlenecks import Situation, bottlenecks, disk_waited
from systems.pooled.monitoring.step_times import StepTimes
from systems.pooled.monitoring.targets import TARGETS, judged
from systems.pooled.monitoring.window import Readings, Window, quantile


class Time:
    def __init__(self):
        self.now = self.worked = 0.0

    def window(self, seconds=100.0, most=1_000):
        return Window(seconds, most, lambda: 0.25, clock=lambda: self.now, processor=lambda: self.worked)


@given(st.lists(st.floats(0, 100), min_size=1, max_size=50), st.floats(0.01, 1))
def test_a_quantile_is_the_smallest_that_so_many_do_not_exceed(values, share):
    found = quantile(sorted(values), share)
    assert sum(value <= found for value in values) >= share * len(values) - 1e-9
    assert sum(value < found for value in values) < math.ceil(share * len(values))


def test_a_window_tells_of_the_last_turns_alone():
    time = Time()
    window = time.window()
    assert window.read() == Readings(memory=0.25)
    window.ended(50.0, answered=False)
    for number in range(10):
        time.now = 100.0 + number
        time.worked = 0.5 * number
        window.ended(0.1 * (number + 1), answered=number != 9)
    time.now = 110.0
    read = window.read()
    assert read.turns == 10, "the first has left"
    assert read.success == 0.9
    assert read.p50_s == pytest.approx(0.5)
    assert read.p99_s == pytest.approx(0.9), "of those that were answered"
    assert read.throughput == pytest.approx(9 / 10.1)
    assert 0 < read.processor <= 0.45


def test_a_window_remembers_no_more_turns_than_it_may():
    time = Time()
    window = time.window(most=3)
    for number in range(5):
        window.ended(float(number), answered=True)
    assert window.read().turns == 3
    assert window.read().p50_s == 3.0


def test_each_status_is_that_of_the_published_table():
    def statuses(**readings):
        return {each.target.reading: each.status for each in judged(Readings(**readings))}

    assert statuses() == {}
    excellent = {"p50_s": 0.049, "p95_s": 0.199, "p99_s": 0.499, "throughput": 5_001.0, "success": 0.9991}
    assert set(statuses(**excellent, processor=0.49, memory=0.59).values()) == {"excellent"}
    good = {"p50_s": 0.05, "p95_s": 0.2, "p99_s": 0.5, "throughput": 5_000.0, "success": 0.999}
    assert set(statuses(**good, processor=0.5, memory=0.6).values()) == {"good"}
    missed = {"p50_s": 0.1, "p95_s": 0.5, "p99_s": 1.0, "throughput": 1_000.0, "success": 0.99}
    assert set(statuses(**missed, processor=0.7, memory=0.8).values()) == {"missed"}
    assert {target.claim for target in TARGETS} == {
        "S4-p50", "S4-p95", "S4-p99", "S4-tps", "S4-success", "S4-resources"
    }  # fmt: skip


def test_each_bottleneck_is_told_by_its_number_and_nothing_is_where_nothing_is_short():
    def symptoms(seen):
        return {each.symptom: each for each in bottlenecks(seen)}

    fine = Readings(turns=9, p95_s=0.1, throughput=2.0, success=1.0, processor=0.1, memory=0.1)
    assert symptoms(Situation(fine, Counters(), disk=0.0)) == {}
    assert set(symptoms(Situation(fine._replace(memory=0.9), Counters(), disk=0.4))) == {"memory", "disk"}
    waiting = symptoms(Situation(fine, Counters(), waiting=3))
    assert "agents" in waiting["throughput"].remedy
    busy = symptoms(Situation(fine._replace(processor=0.9), Counters(), waiting=3))
    assert set(busy) == {"throughput", "processor"}
    assert "processors" in busy["throughput"].remedy


@pytest.mark.parametrize(
    ("counters", "steps", "remedy"),
    [
        (Counters(generations=2, prompt_tokens=4_000, reused_tokens=100), {}, "shorter prompts"),
        (Counters(generations=9, prompt_tokens=900, cache_hits=1, cache_misses=9), {}, "larger cache"),
        (Counters(generations=9, prompt_tokens=900), {}, "smaller model"),
        (Counters(), {"memory lookup": 0.8, "model": 0.1}, "memory lookup"),
    ],
)
def test_what_is_slow_is_looked_for_in_the_counters(counters, steps, remedy):
    [found] = bottlenecks(Situation(Readings(turns=9, p95_s=2.0), counters, steps=steps))
    assert found.symptom == "latency"
    assert remedy in found.remedy


def test_how_long_the_disk_was_waited_for_is_the_kernels_word(tmp_path):
    assert disk_waited(tmp_path) is None
    (tmp_path / "proc/pressure").mkdir(parents=True)
    (tmp_path / "proc/pressure/io").write_text("some avg10=9.00 avg60=12.50 avg300=0.00 total=9\nfull avg10=0\n")
    assert disk_waited(tmp_path) == 0.125
    (tmp_path / "proc/pressure/io").write_text("nonsense")
    assert disk_waited(tmp_path) is None


def test_a_profile_says_what_took_most_first():
    times = StepTimes()
    assert times.shares() == {}
    for seconds in (0.2, 0.4):
        times.note("model", seconds)
        times.turn(1.0)
    times.note("saving", 0.1)
    assert times.shares() == {"model": pytest.approx(0.3), "saving": pytest.approx(0.05)}
    lines = times.table().splitlines()
    assert [line.split()[0] for line in lines] == ["step", "model", "saving", "waiting,"]
    assert times.steps["model"] == (2, pytest.approx(0.6), 0.4)
