"""Two runs compared: what changed is told, what did not is not, and what must not be compared is refused."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from experiments import load_run
from experiments.analysis.between import compare_runs
from experiments.analysis.findings import Answer
from experiments.errors import RunFolderError
from experiments.measuring.records import Outcome, Part
from experiments.report import changes
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
                    took = users * slower * math.exp(rng.normal(0, 0.02))
                    part = Part(role="client", requests=[synthetic.row(took)])
                    failed = subject == "baseline" and users == 2 and block < lost and not twin
                    outcome = Outcome.TIMED_OUT if failed else Outcome.OK
                    made.append(synthetic.record(trial, part, outcome=outcome))
    return load_run(synthetic.write(folder, made, blocks=blocks, **info))


def test_a_regression_is_found_and_nothing_else(tmp_path):
    found = compare_runs(run_of(tmp_path / "a"), run_of(tmp_path / "b", 1.3, noise=2), WANTED)
    [worse] = found.of(Answer.HURTS)
    assert (worse.condition, worse.subject, worse.metric) == ("users=1", "asynchronous", "latency_p50")
    assert worse.judged.ratio.low <= 1.3 <= worse.judged.ratio.high
    assert found.of(Answer.HELPS) == []
    assert found.regressed
    assert "1 got worse, 0 better" in changes.verdict(found)


def test_the_same_change_seen_from_the_other_side_is_a_gain(tmp_path):
    found = compare_runs(run_of(tmp_path / "a", 1.3), run_of(tmp_path / "b", noise=2), WANTED)
    assert len(found.of(Answer.HELPS)) == 1
    assert not found.regressed


def test_a_run_beside_itself_has_not_changed(tmp_path):
    run = run_of(tmp_path)
    assert {one.judged.answer for one in compare_runs(run, run, WANTED).changes} == {Answer.SAME}


def test_trials_that_are_lost_are_a_regression_of_their_own(tmp_path):
    found = compare_runs(run_of(tmp_path / "a"), run_of(tmp_path / "b", lost=2), WANTED)
    [lost] = found.lost
    assert (lost.subject, lost.before, lost.after) == ("baseline", "0 of 12", "2 of 12")
    assert found.regressed


def test_few_blocks_judge_nothing_and_say_so(tmp_path):
    found = compare_runs(run_of(tmp_path / "a", blocks=3), run_of(tmp_path / "b", 3.0, blocks=3), WANTED)
    assert not found.regressed
    assert "Nothing can be judged" in changes.verdict(found)


@pytest.mark.parametrize(
    ("info", "what"),
    [
        ({"environment": {"cpu_model": "another"}}, "the machine"),
        ({"seed": 5}, "the seeds"),
        ({"enforced": False}, "the enforcing backend"),
        ({"engine": synthetic.SIMULATED}, "the model and the engine"),
    ],
)
def test_other_environments_are_refused(tmp_path, info, what):
    with pytest.raises(RunFolderError, match=what):
        compare_runs(run_of(tmp_path / "a", conditions=1), run_of(tmp_path / "b", conditions=1, **info), WANTED)


def test_other_code_and_packages_are_what_runs_are_compared_for(tmp_path):
    before = run_of(tmp_path / "a", conditions=1, environment={"package.numpy": "1"})
    after = run_of(tmp_path / "b", conditions=1, environment={"package.numpy": "2"})
    assert compare_runs(before, after, WANTED).software == ["numpy 1 → 2"]


def test_records_of_other_code_are_not_pooled_into_a_run(tmp_path):
    made = synthetic.record(synthetic.spec("load", "baseline", code_version="other"), Part(role="subject"))
    with pytest.raises(RunFolderError, match="not pooled"):
        load_run(synthetic.write(tmp_path, [made]))


def test_markdown_is_a_table_a_heading(tmp_path):
    text = changes.markdown(compare_runs(run_of(tmp_path / "a"), run_of(tmp_path / "b", 1.3, noise=2, lost=1), WANTED))
    assert "### Regressions\n\n| where | who | measure |" in text
    assert "### Lost trials" in text
    assert "### Gains" not in text
    rows = [line for line in text.splitlines() if line.startswith("| load: users=1")]
    assert len(rows) == 1 and "latency, p50" in rows[0]
