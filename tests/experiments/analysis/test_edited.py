"""Edited copies of a recorded run: each kind of odd data, and the answer it must give; and that nothing crashes."""

from __future__ import annotations

import functools
import itertools
import math
import random
from collections.abc import Callable
from pathlib import Path
from statistics import NormalDist, fmean, stdev

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from experiments import load_run
from experiments.analysis import verdicts
from experiments.analysis.claims import load as load_claims
from experiments.analysis.comparisons import compare
from experiments.analysis.conclusions import Conclusion
from experiments.analysis.regressions import compare_runs
from experiments.analysis.run import Run
from experiments.analysis.verdict_rules import Verdict
from experiments.commands.cli import app
from experiments.measuring import records
from experiments.measuring.records import Outcome, Record
from experiments.report import headline, regressions
from experiments.report.build import build
from experiments.report.key_comparisons import load, measured
from systems.errors import ExitCode
from tests.experiments.analysis import edited, synthetic
from tests.experiments.analysis.edited import ANSWERS, SOAK, TOTAL, USERS, of

ASYNCHRONOUS, BASELINE = "asynchronous", "baseline"
WANTED = {
    "isolation": ("total_time",),
    "load": ("throughput", "latency_p95", "success_rate"),
    "memory": ("right_answers", "evidence_in_prompt"),
}


def line(run: Run, name: str):
    """Return a line of the table of results."""
    [one] = measured(run, [key for key in load() if key.name == name])
    return one


def verdict(run: Run, claim: str, title: str):
    [one] = [each for each in verdicts.judge(run, {claim: load_claims()[claim]}) if each.test.title == title]
    return one


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return edited.write(tmp_path_factory.mktemp("untouched") / "run")


@pytest.fixture(scope="module")
def before(untouched: Path) -> Run:
    """Return the untouched run: it is read once, and whatever is made of it is made once."""
    return load_run(untouched)


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Path, Run]]:
    """Return a function from one of the `FAILURES` to the run that has it and its folder, made once."""

    @functools.cache
    def made(failure: str) -> tuple[Path, Run]:
        folder = edited.write(tmp_path_factory.mktemp("failed") / "run", FAILURES[failure])
        return folder, load_run(folder)

    return made


def seconds(record: Record) -> float:
    return max(row.finished_s for row in record.parts[-1].requests)


def by_block(*values: float):
    return lambda record: values[record.spec.block % len(values)]


def even(target):
    """Make the total time of a trial what ``target`` says, in seconds."""
    return edited.slower(lambda record: target(record) / seconds(record))


def test_a_gain_smaller_than_a_noisy_floor_is_told_as_just_that(tmp_path):
    gain = even(by_block(0.88, 0.885, 0.875, 0.88, 0.89, 0.87))
    arms = even(by_block(1.2, 0.83, 1.25, 0.8, 1.2, 0.83))
    run = load_run(
        edited.write(
            tmp_path,
            of(even(lambda _: 1.0), BASELINE, **TOTAL),
            of(gain, ASYNCHRONOUS, **TOTAL),
            of(arms, BASELINE, ASYNCHRONOUS, twin=True, **TOTAL),
        )
    )
    one = line(run, "five-users")
    assert one.comparison.conclusion is Conclusion.BELOW
    assert one.comparison.summary.high < 1
    assert "smaller than the noise floor" in headline.table(run)
    # The published −57 % is excluded, but a gain was seen: which of the two it is, noise hides.
    assert verdict(run, "S0-time", "5 users at once, inference").verdict is Verdict.INCONCLUSIVE


def test_no_difference_is_not_had_by_noise(tmp_path):
    near = by_block(1.0, 1.02, 0.99, 1.01, 1.0, 0.985)
    quiet, noisy = by_block(1.0, 1.01, 0.99, 1.0, 1.01, 0.995), by_block(1.3, 0.8, 1.2, 0.8, 1.3, 0.75)
    said = {}
    for name, arms in (("quiet", quiet), ("noisy", noisy)):
        edits = (
            of(even(lambda _: 1.0), BASELINE, **TOTAL),
            of(even(near), ASYNCHRONOUS, **TOTAL),
            of(even(lambda record: 1.0 if record.spec.subject == BASELINE else near(record)), twin=False, **TOTAL),
            of(even(arms), BASELINE, twin=True, **TOTAL),
            of(even(lambda record, arms=arms: near(record) * arms(record)), ASYNCHRONOUS, twin=True, **TOTAL),
        )
        said[name] = line(load_run(edited.write(tmp_path / name, *edits)), "five-users").comparison.conclusion
    assert said == {"quiet": Conclusion.SAME, "noisy": Conclusion.OPEN}


def test_a_leak_that_was_measured_too_loosely_is_not_reproduced_as_none(tmp_path, before):
    title = "2,000 turns without a model, the traditional agent"
    assert verdict(before, "S0-no-leak", title).verdict is Verdict.REPRODUCED
    slopes = by_block(-800_000.0, 400_000.0, -500_000.0, 300_000.0, -700_000.0, 200_000.0)
    loose = load_run(edited.write(tmp_path / "loose", of(edited.drifting(slopes), BASELINE, **SOAK)))
    one = verdict(loose, "S0-no-leak", title)
    assert one.verdict is Verdict.INCONCLUSIVE
    assert one.false_share is None  # no test was made, so none counts among the others
    leaking = load_run(edited.write(tmp_path / "leak", of(edited.drifting(lambda _: 5000.0), BASELINE, **SOAK)))
    assert verdict(leaking, "S0-no-leak", title).verdict is Verdict.CONTRADICTED


FAILURES = {
    "every request refused": of(edited.requests(outcome="refused"), ASYNCHRONOUS, **USERS),
    "no right answer in any block": of(edited.noted(right=0.0), ASYNCHRONOUS, **ANSWERS),
    "no right answer in one block": of(edited.noted(right=0.0), ASYNCHRONOUS, blocks=range(1), **ANSWERS),
    "every trial crashed": of(edited.ended(Outcome.CRASHED), ASYNCHRONOUS, **USERS),
    "one trial killed": of(edited.ended(Outcome.OUT_OF_MEMORY), ASYNCHRONOUS, blocks=range(2, 3), **TOTAL),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_what_was_lost_is_a_regression(untouched, before, failed, failure):
    folder, worse = failed(failure)
    compared = compare_runs(before, worse, WANTED)
    assert compared.lost
    assert {one.subject for one in compared.lost} == {ASYNCHRONOUS}
    done = CliRunner().invoke(app, ["compare", str(untouched), str(folder)])
    assert done.exit_code == ExitCode.WORSE
    assert "lost trials or values" in done.output
    assert "Lost" in regressions.markdown(compared)
    # From the other side nothing was lost.
    assert not compare_runs(worse, before, WANTED).lost


@pytest.mark.parametrize("failure", FAILURES)
def test_what_one_of_two_lost_forbids_to_compare_them_and_is_counted(before, failed, failure):
    _, run = failed(failure)
    lost = run.comparisons[~run.comparisons["lost"].isin(before.comparisons["lost"])]
    assert lost["lost"].str.contains("asynchronous lost [16] of 6|asynchronous answered 0.0%").all()
    concluded = lost[lost["conclusion"].notna()]
    assert len(concluded)
    assert set(concluded["conclusion"]) == {Conclusion.NONE}


@pytest.mark.parametrize("void", [*(pytest.param(each, marks=pytest.mark.long) for each in (4, 5)), 6])
def test_complete_pairs_count_and_a_report_is_made_of_what_is_there(tmp_path, void):
    folder = edited.write(tmp_path, of(edited.ended(Outcome.INVALID), ASYNCHRONOUS, blocks=range(void)))
    run = load_run(folder)
    one = line(run, "five-users").comparison
    if void == 6:
        assert one.conclusion is Conclusion.NONE
        assert one.summary is None
    else:
        assert one.conclusion is Conclusion.INDICATIVE
        assert one.summary.blocks == 6 - void
        assert one.summary.low is None
    tested = [each for each in verdicts.judge(run, load_claims()) if each.blocks]
    assert {each.verdict for each in tested if each.test.subject == ASYNCHRONOUS} <= {Verdict.INCONCLUSIVE}
    if void > 4:  # of one pair, or of none
        assert build(folder).is_file()


def test_a_void_trial_is_not_a_lost_one(tmp_path):
    run = load_run(edited.write(tmp_path, of(edited.ended(Outcome.INVALID), ASYNCHRONOUS, blocks=range(1), **TOTAL)))
    one = line(run, "five-users").comparison
    assert one.conclusion is Conclusion.INDICATIVE
    assert one.pair.uneven == ""
    here = run.comparisons[run.comparisons["study"] == "isolation"]
    assert set(here.loc[here["metric"].isin(["total_time", "latency_p50"]), "lost"]) == {""}


def test_an_agent_that_never_asks_the_model_wins_nothing_without_a_word(tmp_path):
    idle = of(edited.requests(generated_tokens=0, prompt_tokens=0, finished_s=0.001), ASYNCHRONOUS, **TOTAL)
    run = load_run(edited.write(tmp_path, idle))
    one = line(run, "five-users")
    assert any(sentence.startswith("unequal work: asynchronous generated 0") for sentence in one.comparison.caveats)
    assert "unequal work" in headline.table(run)
    told = verdict(run, "S0-time", "5 users at once, inference")
    assert any("unequal work" in sentence for sentence in told.caveats)


def test_a_block_that_stands_apart_and_trials_far_apart_are_told(tmp_path):
    def later(record: Record) -> Record:
        return msgspec.structs.replace(record, started_at="2026-11-23T00:00:00+00:00")

    spike = edited.slower(lambda _: 5.0)
    run = load_run(
        edited.write(tmp_path, *(of(each, ASYNCHRONOUS, blocks=range(3, 4), **TOTAL) for each in (spike, later)))
    )
    one = line(run, "five-users").comparison
    assert any("block 3 stands apart" in sentence for sentence in one.caveats)
    assert any("1 of 6 pairs began up to" in sentence for sentence in one.caveats)
    assert one.conclusion is Conclusion.OPEN


@pytest.mark.parametrize("outcome", [Outcome.INVALID, Outcome.CRASHED])
def test_an_arm_that_lost_a_trial_makes_nothing_easier_to_conclude(tmp_path, outcome):
    gain = even(by_block(0.88, 0.885, 0.875, 0.88, 0.89, 0.87))
    edits = (of(even(lambda _: 1.0), BASELINE, **TOTAL), of(gain, ASYNCHRONOUS, **TOTAL))
    broken = of(edited.ended(outcome), BASELINE, ASYNCHRONOUS, blocks=range(1), twin=True, **TOTAL)
    run = load_run(edited.write(tmp_path, *edits, broken))
    one = line(run, "five-users").comparison
    assert (one.conclusion, one.why) == (
        Conclusion.OPEN,
        "there is no noise floor: A/A arms are missing, or incomplete",
    )
    told = verdict(run, "S0-time", "5 users at once, inference")
    assert told.verdict is Verdict.INCONCLUSIVE
    assert "no noise floor" in told.why


def test_who_refuses_most_requests_is_not_quicker(tmp_path, before):
    def refusing(record: Record) -> Record:
        [part] = [part for part in record.parts if part.requests]
        kept = sorted(part.requests, key=lambda row: row.finished_s)
        rows = [*kept[:2], *(msgspec.structs.replace(row, outcome="refused", finished_s=0.01) for row in kept[2:])]
        parts = [msgspec.structs.replace(each, requests=rows) if each is part else each for each in record.parts]
        return msgspec.structs.replace(record, parts=parts)

    folder = edited.write(
        tmp_path / "one", of(refusing, ASYNCHRONOUS, **TOTAL), of(refusing, ASYNCHRONOUS, twin=True, **TOTAL)
    )
    run = load_run(folder)
    one = line(run, "five-users").comparison
    assert one.conclusion is Conclusion.NONE
    assert one.why == "asynchronous answered 40.0% of its requests; baseline answered 100.0% of its requests"
    assert verdict(run, "S0-time", "5 users at once, inference").verdict is Verdict.INCONCLUSIVE
    # Where both refuse as many, what is compared is what was left of both: that is told.
    alike = (of(refusing, subject, twin=twin, **TOTAL) for subject in edited.SUBJECTS for twin in (False, True))
    both = line(load_run(edited.write(tmp_path / "both", *alike)), "five-users").comparison
    assert "asynchronous answered 40.0% of its requests; baseline answered 40.0% of its requests" in both.caveats
    compared = compare_runs(before, run, WANTED)
    assert compared.regressed
    assert [(lost.measure, lost.after) for lost in compared.lost] == [("requests", "40.0% answered")]


def test_who_answers_nothing_is_measured_and_not_left_out(failed):
    _, run = failed("every request refused")
    told = [each for each in verdicts.judge(run, {"S4-p50": load_claims()["S4-p50"]}) if "users=10," in each.condition]
    [one] = [each for each in told if each.test.subject == ASYNCHRONOUS]
    assert one.verdict is Verdict.INCONCLUSIVE
    assert one.why == "asynchronous lost 6 of 6 (no request was answered)"


def test_a_level_of_the_few_requests_that_were_answered_is_not_the_level(tmp_path):
    def refusing(record: Record) -> Record:
        parts = []
        for part in record.parts:
            rows = [msgspec.structs.replace(row, outcome="refused") if row.user else row for row in part.requests]
            parts.append(msgspec.structs.replace(part, requests=rows))
        return msgspec.structs.replace(record, parts=parts)

    quick = edited.requests(finished_s=0.01)
    run = load_run(edited.write(tmp_path, of(quick, ASYNCHRONOUS, **USERS), of(refusing, ASYNCHRONOUS, **USERS)))
    told = [each for each in verdicts.judge(run, {"S4-p50": load_claims()["S4-p50"]}) if "users=10," in each.condition]
    [one] = [each for each in told if each.test.subject == ASYNCHRONOUS]
    assert one.verdict is Verdict.INCONCLUSIVE
    assert one.why == "asynchronous answered 10.0% of its requests"


def test_what_both_lost_is_told_and_a_void_partner_hides_no_loss(tmp_path):
    crashed, void = edited.ended(Outcome.CRASHED), edited.ended(Outcome.INVALID)
    both = load_run(edited.write(tmp_path / "both", of(crashed, BASELINE, ASYNCHRONOUS, **TOTAL)))
    one = line(both, "five-users").comparison
    assert one.conclusion is Conclusion.NONE
    assert one.why == "asynchronous lost 6 of 6 (crashed); baseline lost 6 of 6 (crashed)"
    each = (of(crashed, ASYNCHRONOUS, blocks=range(1), **TOTAL), of(crashed, BASELINE, blocks=range(1, 2), **TOTAL))
    apart = line(load_run(edited.write(tmp_path / "apart", *each)), "five-users").comparison
    assert "asynchronous lost 1 of 6 (crashed); baseline lost 1 of 6 (crashed)" in apart.caveats
    beside = (of(crashed, ASYNCHRONOUS, blocks=range(2), **TOTAL), of(void, BASELINE, blocks=range(2), **TOTAL))
    hidden = line(load_run(edited.write(tmp_path / "beside", *beside)), "five-users").comparison
    assert hidden.conclusion is Conclusion.NONE
    assert hidden.why == "asynchronous lost 2 of 6 (crashed)"


def test_more_blocks_like_those_seen_settle_what_they_are_said_to_settle():
    rng, settled = random.Random(7), 0
    for floor in (0.0, 0.02, 0.04, 0.18):
        for middle in (0.0, 0.01, 0.03, 0.06, 0.25):
            seen = [math.exp(rng.gauss(middle, 0.05)) for _ in range(6)]
            [one] = compare([synthetic.pair(seen, floor=floor)])
            if one.conclusion is not Conclusion.OPEN or not one.needs:
                continue
            settled += 1
            # So many settle about half of what is open; twice as many do with the mean and the spread as seen.
            logs = [math.log(ratio) for ratio in seen]
            like = NormalDist(fmean(logs), stdev(logs))
            more = [math.exp(like.inv_cdf((place + 0.5) / (2 * one.needs))) for place in range(2 * one.needs)]
            [later] = compare([synthetic.pair(more, floor=floor)])
            assert later.conclusion is not Conclusion.OPEN, (seen, floor, one.needs)
    assert settled


ODDITIES = (
    *(edited.ended(outcome) for outcome in Outcome),
    edited.requests(outcome="refused"),
    edited.requests(generated_tokens=0),
    edited.requests(finished_s=0.0),
    edited.noted(right=0.0, in_prompt=0.0),
    edited.noted(right=1e308),
    edited.slower(lambda _: 1e9),
    edited.slower(lambda _: 0.0),
    edited.drifting(lambda record: random.Random(record.key).gauss(0, 1e6)),
    lambda record: msgspec.structs.replace(record, parts=[]),
    lambda record: msgspec.structs.replace(record, parts=record.parts[:1]),
    lambda record: msgspec.structs.replace(
        record, parts=[msgspec.structs.replace(part, values={}, series={}, requests=[]) for part in record.parts]
    ),
    lambda record: msgspec.structs.replace(record, enforced=False),
    lambda _: None,
)
MIXTURES = st.lists(
    st.tuples(st.sampled_from(ODDITIES), st.sampled_from(["", *edited.SUBJECTS]), st.integers(0, 6), st.booleans()),
    min_size=1,
    max_size=6,
).map(
    lambda drawn: [
        of(edit, *filter(None, [subject]), blocks=range(6 - blocks, 6), twin=twin)
        for edit, subject, blocks, twin in drawn
    ]
)


def everything_said(folder: Path, beside: Run) -> None:
    """Ask a run for all that is ever asked of one."""
    run = load_run(folder, unfinished=True)
    assert {"conclusion", "caveats", "lost"} <= set(run.comparisons)
    assert "floor" in run.floors
    assert (run.pairs["ratio"] > 0).all()
    verdicts.table(verdicts.judge(run, load_claims()))
    headline.table(run)
    for before, after in ((beside, run), (run, beside)):
        compared = compare_runs(before, after, WANTED)
        regressions.markdown(compared)
        regressions.summary(compared)


@pytest.mark.long
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(MIXTURES)
def test_no_mixture_of_outcomes_stops_comparisons_or_the_ledger(tmp_path_factory, before, mixture):
    folder = edited.write(tmp_path_factory.mktemp("mixture"), *mixture)
    everything_said(folder, before)


@pytest.mark.parametrize(
    "oddity", [pytest.param(each, marks=[pytest.mark.long] if each % 4 else []) for each in range(len(ODDITIES))]
)
def test_no_outcome_of_all_that_an_agent_did_stops_comparisons_or_the_ledger(tmp_path, before, oddity):
    odd = ODDITIES[oddity]
    everything_said(edited.write(tmp_path, of(odd, ASYNCHRONOUS), of(odd, ASYNCHRONOUS, twin=True)), before)


@pytest.mark.long
def test_no_mixture_of_outcomes_stops_a_report(tmp_path):
    """Each record is odd in another way than the one before it, and every oddity is there several times."""
    turns = itertools.cycle(ODDITIES)
    folder = edited.write(tmp_path, lambda record: next(turns)(record))
    assert {record.outcome for record in records.read(folder / "trials.jsonl")} == set(Outcome)
    assert build(folder).is_file()
