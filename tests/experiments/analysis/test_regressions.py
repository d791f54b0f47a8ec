"""Two runs compared: what changed is told, what did not is not, and what must not be compared is refused."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from experiments import load_run
from experiments.analysis.comparisons import compare
from experiments.analysis.conclusions import Conclusion
from experiments.analysis.counterparts import compare_parts
from experiments.analysis.regressions import Change, RunComparison, compare_runs
from experiments.errors import RunFolderError
from experiments.measuring import profiles
from experiments.measuring.records import EngineSpec, Outcome, Part
from experiments.report import regressions
from tests.experiments.analysis import synthetic

WANTED = {"load": ("latency_p50", "success_rate")}


def run_of(folder: Path, factor=1.0, blocks=6, noise=1, lost=0, conditions=3, **info):
    """Return a run whose asynchronous agent takes ``factor`` times as long as usual, in the first condition."""
    rng, made = np.random.default_rng(noise), []
    for block in range(blocks):
        for users in range(1, conditions + 1):
            for subject in ("baseline", "asynchronous"):
                for twin in (False, True):
                    trial = synthetic.spec("load", subject, block, condition={"users": users}, twin=twin)
                    slower = factor if subject == "asynchronous" and users == 1 else 1.0
                    took = users * slower * math.exp(rng.normal(0, 0.01))
                    part = Part(role="client", requests=[synthetic.row(took)])
                    failed = subject == "baseline" and users == 2 and block < lost and not twin
                    outcome = Outcome.TIMED_OUT if failed else Outcome.OK
                    made.append(synthetic.record(trial, part, outcome=outcome))
    return load_run(synthetic.write(folder, made, blocks=blocks, **info))


def test_a_regression_is_found_and_nothing_else(tmp_path):
    compared = compare_runs(run_of(tmp_path / "a"), run_of(tmp_path / "b", 1.3, noise=2), WANTED)
    [worse] = compared.concluding(Conclusion.HURTS)
    assert (worse.condition, worse.subject, worse.metric) == ("users=1", "asynchronous", "latency_p50")
    assert worse.comparison.summary.low <= 1.3 <= worse.comparison.summary.high
    assert compared.concluding(Conclusion.HELPS) == []
    assert compared.regressed
    assert "1 got worse, 0 better" in regressions.summary(compared)


def test_the_same_change_seen_from_the_other_side_is_a_gain(tmp_path):
    compared = compare_runs(run_of(tmp_path / "a", 1.3), run_of(tmp_path / "b", noise=2), WANTED)
    assert len(compared.concluding(Conclusion.HELPS)) == 1
    assert not compared.regressed


def test_a_run_beside_itself_has_not_changed(tmp_path):
    run = run_of(tmp_path)
    assert {one.comparison.conclusion for one in compare_runs(run, run, WANTED).changes} == {Conclusion.SAME}


def test_trials_that_are_lost_are_a_regression_of_their_own(tmp_path):
    compared = compare_runs(run_of(tmp_path / "a"), run_of(tmp_path / "b", lost=2), WANTED)
    [lost] = compared.lost
    assert (lost.subject, lost.before, lost.after) == ("baseline", "0 of 6", "2 of 6 (timed-out)")
    assert compared.regressed


def test_what_changed_by_less_than_the_noise_is_told_by_itself():
    [below] = compare([synthetic.pair([1.12, 1.13, 1.11, 1.12, 1.14, 1.12], floor=0.2)])
    change = Change(
        study="load", condition="–", subject="x", metric="latency_p50", before=1, after=1.12, comparison=below
    )
    compared = RunComparison(changes=[change], lost=[], only_in_one=0, software=[])
    assert "0 stayed, 1 changed by less than the noise floor" in regressions.summary(compared)
    assert "### Smaller than the noise floor" in regressions.markdown(compared)
    assert not compared.regressed


def test_few_blocks_judge_nothing_and_show_indicative_ratios(tmp_path):
    compared = compare_runs(run_of(tmp_path / "a", blocks=3), run_of(tmp_path / "b", 3.0, blocks=3, noise=2), WANTED)
    assert not compared.regressed
    assert "Nothing can be judged" in regressions.summary(compared)
    [(heading, columns, rows)] = regressions.tables(compared)
    assert heading == "Indicative: fewer than 6 blocks"
    assert columns[-2:] == ("median ratio", "range of the blocks")
    assert {row[2] for row in rows} == {"latency, p50"}  # the rate of success is the same
    assert len(rows) == len(compared.changes) / 2
    first = dict(zip(columns, rows[0], strict=True))
    assert (first["where"], first["subject"], first["measure"]) == ("load: users=1", "asynchronous", "latency, p50")
    assert 2.5 < float(first["median ratio"].removeprefix("× ")) < 3.5
    low, high = first["range of the blocks"].removesuffix(", 3 blocks").split(" … ")
    assert float(low) < float(first["median ratio"].removeprefix("× ")) < float(high)
    assert "| load: users=1 | asynchronous |" in regressions.markdown(compared)


def test_lost_trials_are_told_of_few_blocks_too(tmp_path):
    compared = compare_runs(run_of(tmp_path / "a", blocks=3), run_of(tmp_path / "b", blocks=3, lost=1), WANTED)
    assert compared.regressed
    assert "1 lost trials or values" in regressions.summary(compared)


@pytest.mark.parametrize(
    ("info", "difference"),
    [
        ({"environment": {"cpu_model": "another"}}, "cpu_model: none against another"),
        ({"seed": 5}, "seed: 1 against 5"),
        ({"enforced": False}, "enforced: True against False"),
        ({"profile": profiles.load("2gb")}, r"limits memory_bytes: 4294967296 against 2147483648"),
        (
            {"engine": synthetic.SIMULATED},
            r"engine: llama-batched against simulated; model: tiny-shape-q4_0 \(000000000000\) against none",
        ),
    ],
)
def test_other_environments_are_refused_and_what_differs_is_named(tmp_path, info, difference):
    with pytest.raises(RunFolderError, match=difference):
        compare_runs(run_of(tmp_path / "a", conditions=1), run_of(tmp_path / "b", conditions=1, **info), WANTED)


def other_shape(digest):
    return {"small": EngineSpec(name="llama", model="small", model_sha256=digest)}


def test_a_model_that_only_one_run_needed_besides_is_no_difference(tmp_path):
    before, after = run_of(tmp_path / "a", conditions=1), run_of(tmp_path / "b", conditions=1, shapes=other_shape("1"))
    assert compare_runs(before, after, WANTED).only_in_one == 0


def test_cells_of_different_models_are_not_compared(tmp_path):
    def run_with(folder, digest):
        engine = other_shape(digest)["small"]
        made = [
            synthetic.record(
                synthetic.spec("load", subject, block, condition={"users": 1}, engine=engine),
                Part(role="client", requests=[synthetic.row(1.0 + block / 100)]),
            )
            for block in range(6)
            for subject in ("baseline", "asynchronous")
        ]
        return load_run(synthetic.write(folder, made, blocks=6, shapes=other_shape(digest)))

    same = compare_runs(run_with(tmp_path / "a", "1"), run_with(tmp_path / "b", "1"), WANTED)
    assert same.changes and same.only_in_one == 0
    other = compare_runs(run_with(tmp_path / "c", "1"), run_with(tmp_path / "d", "2"), WANTED)
    assert other.changes == [] and other.only_in_one == 2 * len(same.changes)
    assert "nothing was compared" in regressions.summary(other)


def test_other_code_and_packages_are_what_runs_are_compared_for(tmp_path):
    before = run_of(tmp_path / "a", conditions=1, environment={"package.numpy": "1"})
    after = run_of(tmp_path / "b", conditions=1, environment={"package.numpy": "2"})
    assert compare_runs(before, after, WANTED).software == ["numpy 1 → 2"]


def test_records_of_other_code_are_not_pooled_into_a_run(tmp_path):
    made = synthetic.record(synthetic.spec("load", "baseline", code_version="other"), Part(role="subject"))
    with pytest.raises(RunFolderError, match="not pooled"):
        load_run(synthetic.write(tmp_path, [made]))


def test_markdown_is_a_table_a_heading(tmp_path):
    text = regressions.markdown(
        compare_runs(run_of(tmp_path / "a"), run_of(tmp_path / "b", 1.3, noise=2, lost=1), WANTED)
    )
    assert "### Regressions\n\n| where | subject | measure |" in text
    assert "### Lost" in text
    assert "### Gains" not in text
    rows = [line for line in text.splitlines() if line.startswith("| load: users=1")]
    assert len(rows) == 1 and "latency, p50" in rows[0]


def test_of_indicative_ratios_those_that_all_blocks_agree_on_come_first(tmp_path):
    def run_with(folder, seconds):
        made = [
            synthetic.record(
                synthetic.spec("load", subject, block, condition={"users": 1}),
                Part(role="client", requests=[synthetic.row(took)]),
            )
            for subject, blocks in seconds.items()
            for block, took in enumerate(blocks)
        ]
        return load_run(synthetic.write(folder, made, blocks=2))

    before = run_with(tmp_path / "a", {"same": (1.0, 1.0), "both sides": (1.0, 1.0), "slower": (1.0, 1.0)})
    after = run_with(tmp_path / "b", {"same": (1.0, 1.0), "both sides": (9.0, 0.9), "slower": (1.1, 1.2)})
    compared = compare_runs(before, after, {"load": ("latency_p50",)})
    [(_, _, rows)] = regressions.tables(compared)
    assert [row[1] for row in rows] == ["slower", "both sides"]
    assert "Indicative ratios that are 1 in every block, and not shown: 1." in list(regressions.notes(compared))


def test_folders_of_runs_are_compared_part_by_part(tmp_path):
    for name, factor in (("before", 1.0), ("after", 1.3)):
        run_of(tmp_path / name / "load", factor, run_id="load", studies=("load",))
        made = [synthetic.record(synthetic.spec("isolation", "serial"), Part(role="subject"))]
        synthetic.write(tmp_path / name / "isolation", made, run_id="isolation", studies=("isolation",))
    synthetic.write(tmp_path / "after" / "memory", [], run_id="memory", studies=("memory",))
    before, after = (load_run(tmp_path / name) for name in ("before", "after"))
    compared = compare_parts(before, after, WANTED)
    alone = compare_runs(load_run(tmp_path / "before" / "load"), load_run(tmp_path / "after" / "load"), WANTED)
    assert [one.comparison.conclusion for one in compared.changes] == [
        one.comparison.conclusion for one in alone.changes
    ]
    assert compared.regressed
    assert compared.studies_in_one == ("memory",)
    assert "Only in one of the folders: memory." in list(regressions.notes(compared))
    # A run of several studies is held against the folder, too.
    assert compare_parts(load_run(tmp_path / "before" / "load"), after, WANTED).regressed


def test_folders_of_runs_that_have_no_counterparts_are_refused_in_a_sentence(tmp_path):
    for name in ("a", "b"):
        run_of(tmp_path / "twice" / name, blocks=2, run_id=name, studies=("load",))
    for name in ("memory", "isolation"):
        synthetic.write(tmp_path / "others" / name, [], run_id=name, studies=(name,))
    twice, others, one = (load_run(tmp_path / name) for name in ("twice", "others", "twice/a"))
    with pytest.raises(RunFolderError, match="have no study in common"):
        compare_parts(twice, others, WANTED)
    with pytest.raises(RunFolderError, match=r"load is in .*a and .*b: compare one of them"):
        compare_parts(one, twice, WANTED)
