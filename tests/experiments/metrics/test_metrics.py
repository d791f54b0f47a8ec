from __future__ import annotations

import sys
from typing import Any

import pytest

from experiments import metrics
from experiments.measuring.limits.interface import GroupMemory
from experiments.measuring.probes.histogram import Histogram
from experiments.measuring.records import Outcome, Outside, Part, Record, Scalar
from experiments.metrics import leaks
from experiments.metrics.interface import Metric, Missing
from experiments.studies.strategies import _leak_names
from systems.errors import UnknownName
from tests.experiments.analysis.synthetic import looked, record, row, sample, spec

THREE = [row(1.0), row(2.0), row(5.0, intended_s=1.0, outcome="refused")]


def of(name: str, made: Record) -> Any:
    return metrics.get(name).of(made)


def subject(**fields: Any) -> Record:
    return record(spec("load", "baseline"), Part(role="subject", **fields))


def test_every_metric_says_what_it_is() -> None:
    found = metrics.registered()
    assert found
    for name, metric in found.items():
        assert name == metric.name
        assert metric.formula
        assert metric.unit in {"s", "1/s", "bytes", "bytes/turn", "tokens/turn", "ratio", "count"}


def test_an_unknown_metric_suggests_the_nearest() -> None:
    with pytest.raises(UnknownName, match="total_time"):
        metrics.get("total_tme")


@pytest.mark.parametrize("metric", metrics.registered().values(), ids=lambda metric: metric.name)
def test_a_record_that_holds_nothing_is_missing_with_a_reason(metric: Metric) -> None:
    for traced in (False, True):
        value = metric.of(record(spec("load", "baseline", traced=traced), outside=Outside()))
        assert isinstance(value, Missing)
        assert value.reason


@pytest.mark.parametrize("outcome", [outcome for outcome in Outcome if outcome is not Outcome.OK])
def test_a_trial_that_did_not_end_well_has_no_measures(outcome: Outcome) -> None:
    made = record(spec("load", "baseline"), Part(role="subject", requests=THREE), outcome=outcome)
    assert of("total_time", made) == Missing(f"the trial ended {outcome}")


def test_timings_are_not_taken_under_a_tracer_nor_traces_without_one() -> None:
    part = Part(role="subject", requests=THREE, values={"heap_peak_bytes": 5.0})
    traced = record(spec("load", "baseline", traced=True), part)
    plain = record(spec("load", "baseline"), part)
    assert isinstance(of("total_time", traced), Missing)
    assert of("heap_peak", traced) == 5.0
    assert isinstance(of("heap_peak", plain), Missing)


def test_total_time_includes_failed_requests_and_throughput_counts_only_answers() -> None:
    made = subject(requests=THREE)
    assert of("total_time", made) == 5.0
    assert of("throughput", made) == pytest.approx(2 / 5)
    assert of("success_rate", made) == pytest.approx(2 / 3)


def test_goodput_counts_what_met_the_objective_from_the_intended_start() -> None:
    kept = row(10.0, first_token_s=2.0)
    late = row(14.0, intended_s=3.0, started_s=13.0, first_token_s=13.5)
    slow = row(11.0, first_token_s=1.0)
    whole = row(1.5, first_token_s=None)
    failed = row(1.0, outcome="refused")
    made = subject(requests=[kept, late, slow, whole, failed])
    assert of("objective_share", made) == pytest.approx(2 / 5)
    assert of("goodput", made) == pytest.approx(2 / 14)


def test_latency_charges_the_wait_before_the_start() -> None:
    made = subject(requests=[row(9.0, intended_s=1.0, started_s=8.0)])
    assert of("latency_p50", made) == of("latency_p99", made) == 8.0


def test_latency_leaves_failures_out() -> None:
    assert of("latency_p99", subject(requests=[row(1.0), row(90.0, outcome="timed-out")])) == 1.0


def test_rows_are_the_clients_where_a_client_drove_the_trial() -> None:
    parts = Part(role="subject", requests=[row(1.0)]), Part(role="client", requests=[row(3.0)])
    assert of("total_time", record(spec("load", "baseline"), *parts)) == 3.0


def test_first_token_ignores_replies_that_came_whole() -> None:
    made = subject(requests=[row(3.0, first_token_s=1.0), row(9.0, first_token_s=None)])
    assert of("time_to_first_token_p95", made) == 1.0


def test_loop_delay_is_the_subjects_and_lag_the_clients() -> None:
    parts = (
        Part(role="subject", loop_delay_s=[0.1, 0.7]),
        Part(role="client", loop_delay_s=[0.001, 0.001]),
    )
    made = record(spec("load", "baseline"), *parts)
    assert of("loop_delay_max", made) == 0.7
    assert of("client_lag_p99", made) == pytest.approx(0.001)


@pytest.mark.parametrize(
    ("name", "settings", "law"),
    [("serial", {}, 10 * 0.05), ("offloaded-4", {"workers": 4}, 3 * 0.05), ("offloaded-32", {"workers": 32}, 0.05)],
)
def test_measured_over_law_is_one_where_only_the_sleeps_take_time(name: str, settings: Any, law: float) -> None:
    condition = {"work": "sleep", "requests": 10, "kilobytes": 100, "sleep_ms": 50}
    trial = spec("isolation", name, condition=condition, settings=settings)
    made = record(trial, Part(role="subject", requests=[row(law)] * 10))
    assert of("measured_over_law", made) == pytest.approx(1.0)


def test_the_law_is_not_applied_to_inference() -> None:
    trial = spec("isolation", "baseline", condition={"work": "inference", "requests": 1})
    assert isinstance(of("measured_over_law", record(trial, Part(role="subject", requests=THREE))), Missing)


def test_the_short_tasks_latency_is_that_of_the_one_asked_last() -> None:
    trial = spec("isolation", "serial", condition={"work": "load isolation", "task": "sleep"}, engine=None)
    both = [row(10.0), row(10.05)]
    assert of("short_task_latency", record(trial, Part(role="subject", requests=both))) == 10.05
    failed = [row(10.0), row(10.05, outcome="Refused")]
    assert of("short_task_latency", record(trial, Part(role="subject", requests=failed))) == Missing("it ended Refused")
    assert isinstance(of("short_task_latency", subject(requests=both)), Missing)


def test_start_up_counts_from_the_spawn() -> None:
    made = subject(marks={"ready": 101.5, "first_reply": 102.0})
    assert of("time_to_ready", made) == 1.5
    assert of("time_to_first_reply", made) == 2.0
    assert isinstance(of("time_to_second_reply", made), Missing)


def test_a_start_that_was_begun_again_counts_from_there() -> None:
    made = subject(marks={"started": 100.75, "ready": 101.5})
    assert of("time_to_ready", made) == 0.75


def test_a_resource_costs_what_the_process_grew_by_since_the_one_before() -> None:
    made = subject(
        values={"keywords_s": 1.5},
        memory={"interpreter": sample(10, 5), "keywords": sample(210, 5), "model": sample(300, 95)},
    )
    assert of("load_time_keywords", made) == 1.5
    assert [of(f"load_anonymous_{name}", made) for name in ("interpreter", "keywords", "model")] == [10, 200, 90]
    assert [of(f"load_file_{name}", made) for name in ("interpreter", "keywords", "model")] == [5, 0, 90]
    assert isinstance(of("load_file_store", made), Missing)


def test_an_import_costs_the_median_of_its_repetitions() -> None:
    made = subject(series={"interpreter_s": [0.1, 0.2, 9.0], "import_s": [3.0, 1.0, 2.0]})
    assert of("interpreter_time", made) == 0.2
    assert of("import_time", made) == 2.0
    assert isinstance(of("import_anonymous", made), Missing)


def test_the_second_request_is_the_second_that_should_have_started() -> None:
    made = subject(requests=[row(9.0, intended_s=4.0), row(2.0, intended_s=0.0)])
    assert of("first_request_latency", made) == 2.0
    assert of("second_request_latency", made) == 5.0


def test_memory_tells_anonymous_from_file() -> None:
    made = subject(memory={"ready": sample(10, 20)})
    assert of("memory_at_ready", made) == 10.0
    assert of("file_memory_at_ready", made) == 20.0


def test_the_groups_peak_is_the_kernels() -> None:
    made = record(spec("load", "baseline"), outside=Outside(group=GroupMemory(peak_bytes=7)))
    assert of("group_peak_memory", made) == 7.0


def test_hit_rate_of_a_cache_and_of_a_system_that_holds_one() -> None:
    assert of("hit_rate", subject(values={"hits": 30, "accesses": 40})) == 0.75
    assert of("hit_rate", subject(counters={"cache_hits": 1, "cache_misses": 3})) == 0.25
    assert isinstance(of("hit_rate", subject(counters={"cache_hits": 0, "cache_misses": 0})), Missing)
    assert of("prompt_reuse", subject(counters={"prompt_tokens": 400, "reused_tokens": 300})) == 0.75
    assert isinstance(of("prompt_reuse", subject(counters={"prompt_tokens": 0, "reused_tokens": 0})), Missing)


def test_hits_of_the_optimum_are_missing_for_the_reason_that_is_true() -> None:
    assert of("hits_of_optimum", subject(values={"hits": 30.0, "optimum_hits": 40.0})) == 0.75
    for values, reason in (
        ({"optimum_hits": 40.0}, "the subject noted no hits"),
        ({"hits": 30.0}, "the subject noted no optimum_hits"),
        ({"hits": 0.0, "optimum_hits": 0.0}, "even the optimum has no hit"),
    ):
        assert of("hits_of_optimum", subject(values=values)) == Missing(reason)


def test_no_cache_hits_more_than_the_unlimited_one() -> None:
    assert of("unlimited_hit_rate", subject(values={"accesses": 500, "distinct": 129})) == pytest.approx(0.742)


def test_retrieval_time_and_recall() -> None:
    made = subject(series={"retrieval_s": [1.0, 2.0, 3.0]}, values={"recalled": 2, "queries": 4})
    assert of("retrieval_p50", made) == 2.0
    assert of("recall", made) == 0.5


def test_growth_is_the_slope_after_the_warm_up() -> None:
    turns = [float(turn) for turn in range(30)]
    sizes = [1e9 if turn < 10 else 1000 + 64 * turn for turn in turns]
    assert of("anonymous_growth", subject(series={"turn": turns, "anonymous_bytes": sizes})) == pytest.approx(64)


def test_a_slope_of_one_moment_is_missing() -> None:
    made = subject(series={"turn": [1.0, 2.0], "anonymous_bytes": [5.0]})
    assert isinstance(of("anonymous_growth", made), Missing)


def test_processor_time_is_shared_among_the_answered() -> None:
    assert of("cpu_per_request", subject(requests=THREE, values={"cpu_s": 3.0})) == 1.5


def test_processor_time_is_that_of_the_group_between_two_looks() -> None:
    part = Part(role="subject", requests=THREE, values={"cpu_s": 100.0})
    looks = {"serving": looked(2.0), "served": looked(5.0)}
    assert of("cpu_per_request", record(spec("load", "baseline"), part, outside=Outside(looks=looks))) == 1.5
    looks["served"] = looked(None)
    assert isinstance(
        of("cpu_per_request", record(spec("load", "baseline"), part, outside=Outside(looks=looks))), Missing
    )


def test_the_processor_share_is_of_the_processors_of_the_profile_while_requests_were_under_way() -> None:
    looks = {"serving": looked(2.0), "served": looked(5.0)}
    trial, part = spec("load", "baseline"), Part(role="client", requests=THREE)
    assert (trial.profile.cpus, of("total_time", record(trial, part))) == (2, 5.0)
    assert of("cpu_share", record(trial, part, outside=Outside(looks=looks))) == pytest.approx(3 / 10)
    at_once = Part(role="client", requests=[row(0.0)])
    assert isinstance(of("cpu_share", record(trial, at_once, outside=Outside(looks=looks))), Missing)
    for lacking in ({"served": looks["served"]}, looks | {"served": looked(None)}):
        assert isinstance(of("cpu_share", record(trial, part, outside=Outside(looks=lacking))), Missing)


def test_what_is_not_finite_is_missing() -> None:
    assert isinstance(of("cpu_per_request", subject(requests=THREE, values={"cpu_s": float("inf")})), Missing)


def test_live_agents_are_the_largest_number_that_held_and_unknown_where_the_ceiling_held() -> None:
    tried = {"agents": [2.0, 4.0, 3.0], "came": [0.0, 3.0, 0.0], "anonymous_bytes": [30.0, 0.0, 40.0]}
    tried["round_s"] = [1.0, 9.0, 6.0]
    settled = subject(series=tried, values={"agents_held": 3.0, "agents_settled": 1.0})
    assert of("live_agents", settled) == of("agents_at_least", settled) == 3.0
    assert of("agent_anonymous_memory", settled) == pytest.approx(10.0)
    assert of("agent_round_time", settled) == pytest.approx(2.0)
    unsettled = subject(series=tried, values={"agents_held": 3.0, "agents_settled": 0.0})
    assert of("live_agents", unsettled) == Missing("every number up to the ceiling was held: at least 3")
    assert of("agents_at_least", unsettled) == 3.0


def test_what_parts_note_under_one_name_is_a_measure_of_the_part_that_it_is_about() -> None:
    part = Part(role="subject", values={"starts": 3.0, "kills": 2.0})
    for where, has in (
        ("restarts", {"restarts_starts"}),
        ("memory-limits", {"limits_starts"}),
        ("pressure", {"pressure_kills"}),
        ("another", set()),
    ):
        made = record(spec("strategies", "at-once", condition={"part": where}), part)
        measured = {name for name in metrics.registered() if not isinstance(of(name, made), Missing)}
        assert {name for name in measured if name.endswith(("_starts", "_kills"))} == has


@pytest.mark.parametrize("of_part", ["spawning", "spread", "collector"])
def test_the_time_of_a_request_is_a_measure_of_its_own_part_and_of_no_other(of_part: str) -> None:
    held = Histogram()
    held.add(0.25)
    part = Part(role="subject", histograms={"latency_s": [held.text()]})
    made = record(spec("strategies", "reused", condition={"part": of_part}), part)
    measured = {name for name in metrics.registered() if not isinstance(of(name, made), Missing)}
    assert {name for name in measured if "latency" in name} == {
        name for name in metrics.registered() if name.startswith(f"{of_part}_latency_")
    }


def test_what_the_labs_own_reading_of_memory_took_is_no_processor_time_of_fetching() -> None:
    noted = {"fetch_cpu_s": 0.3, "fetch_sampling_cpu_s": 0.1}
    assert of("fetching_cpu", subject(values=noted)) == pytest.approx(0.2)
    assert of("fetching_cpu", subject(values={"fetch_cpu_s": 0.3})) == 0.3  # an older trial: it cannot be told apart


@pytest.mark.parametrize(("leaked", "reason"), [(64, "below what these looks can find"), (0, ""), (128, "")])
def test_an_alarm_is_not_of_a_leak_that_is_below_what_the_looks_can_find(leaked: int, reason: str) -> None:
    condition: dict[str, Scalar] = {"part": "leaks", "leaked_bytes": leaked, "turns": 200, "every": 25}
    made = record(
        spec("strategies", "watched", condition=condition), Part(role="subject", values={"leak_found_after": 1})
    )
    found = of("leak_found_after", made)
    assert (reason in found.reason) if reason else found == 1


def test_the_rule_for_a_leak_is_that_of_its_trials() -> None:
    assert (leaks.LOOKS, leaks.LEAST_BYTES) == (_leak_names.LOOKS, _leak_names.LEAST_BYTES)
    assert sys.getsizeof(b"-" * 64) + 8 == 64 + leaks._HEAD_BYTES  # a pointer in a list has eight bytes
