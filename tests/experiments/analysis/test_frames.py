from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pandas as pd
import pytest

from experiments import load_run, where
from experiments.analysis.frames import lists
from experiments.analysis.run import Run
from experiments.errors import RunFolderError, UnfinishedRun
from experiments.measuring import runs
from experiments.measuring.records import SCHEMA_VERSION, Outcome, Part
from tests.experiments.analysis import synthetic


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return synthetic.write(tmp_path_factory.mktemp("run"), synthetic.everything())


@pytest.fixture(scope="module")
def run(whole: Path) -> Run:
    return load_run(whole)


def test_every_trial_is_a_row_of_trials(whole: Path) -> None:
    run = load_run(whole)
    assert len(run.trials) == len(synthetic.everything())
    assert set(run.trials["study"]) == {"isolation", "lazy-loading", "memory", "load"}


def test_what_is_known_of_a_trial_only_after_it_is_a_label_like_any_other(tmp_path: Path) -> None:
    trial = synthetic.spec("memory", "own", condition={"part": "answers", "turns": 50}, labels=("before",))
    graded = synthetic.record(trial, Part(role="subject", values={"right": 0.4, "known_layout": 0.25}))
    [labels] = load_run(synthetic.write(tmp_path / "run", [graded])).trials["labels"]
    assert labels[0] == "before"
    assert labels[1].startswith("75 % of the prompts of own have a layout or words that the reader was not trained on")


def test_conditions_are_readable_and_also_factors(whole: Path) -> None:
    trials = load_run(whole).trials
    soak = trials[trials["factors"].map(lambda factors: factors.get("part") == "soak")]
    assert set(soak["condition"]) == {"part=soak, work=no model, turns=300"}


def test_a_torn_last_line_is_dropped_and_the_rest_is_read(tmp_path: Path) -> None:
    folder = synthetic.write(tmp_path, synthetic.everything(blocks=1))
    before = len(load_run(folder).trials)
    path = folder / runs.TRIALS
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(UnfinishedRun, match=f"{before - 1} of {before} trials.*--resume"):
        load_run(folder)
    assert len(load_run(folder, unfinished=True).trials) == before - 1


def test_only_trials_that_ended_well_are_measured(tmp_path: Path) -> None:
    good = synthetic.record(synthetic.spec("load", "baseline"), Part(role="subject", requests=[synthetic.row(1.0)]))
    bad = synthetic.record(
        synthetic.spec("load", "asynchronous"),
        Part(role="subject", requests=[synthetic.row(1.0)]),
        outcome=Outcome.TIMED_OUT,
        reason="60 s passed",
    )
    run = load_run(synthetic.write(tmp_path, [good, bad]))
    assert set(run.measures["subject"]) == {"baseline"}
    assert dict(zip(run.trials["subject"], run.trials["outcome"], strict=True)) == {
        "baseline": "ok",
        "asynchronous": "timed-out",
    }


def test_a_traced_trial_leaves_no_timing(whole: Path) -> None:
    run = load_run(whole)
    traced = run.measures[run.measures["traced"]]
    assert set(traced["metric"]) == {"heap_peak", "mapped_peak", "allocations"}
    keys = set(run.trials.loc[run.trials["traced"], "key"])
    assert keys.isdisjoint(run.requests["key"])
    assert keys.isdisjoint(run.measures.loc[~run.measures["traced"], "key"])


def test_latency_counts_from_the_intended_start(tmp_path: Path) -> None:
    late = synthetic.row(5.0, intended_s=1.0, started_s=4.0)
    made = synthetic.record(synthetic.spec("load", "baseline"), Part(role="client", requests=[late]))
    assert load_run(synthetic.write(tmp_path, [made])).requests["latency_s"].tolist() == [4.0]


def test_a_trial_that_was_run_again_counts_once_by_its_last_record(tmp_path: Path) -> None:
    trial = synthetic.spec("load", "baseline")
    failed = synthetic.record(trial, outcome=Outcome.CRASHED, reason="exit status 1")
    again = synthetic.record(trial, Part(role="subject", requests=[synthetic.row(1.0)]))
    run = load_run(synthetic.write(tmp_path, [failed, again]))
    assert run.trials["outcome"].tolist() == ["ok"]
    assert run.repeated == 1


def test_a_run_without_trials_gives_empty_tables_with_their_columns(tmp_path: Path) -> None:
    run = load_run(synthetic.write(tmp_path, []))
    assert run.trials.empty
    assert {"study", "condition", "subject", "block", "metric", "unit", "value"} <= set(run.measures.columns)


def test_the_environment_is_flattened_to_names_and_values(whole: Path) -> None:
    environment = load_run(whole).environment.set_index("name")["value"]
    assert environment["machine.cpus"] == "2"


def test_a_folder_that_is_no_run_is_named_in_the_error(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match=r"not a run"):
        load_run(tmp_path)


def test_without_a_path_and_without_a_reference_run_the_error_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("experiments.analysis.frames.__file__", str(tmp_path / "a" / "b" / "c" / "frames.py"))
    with pytest.raises(RunFolderError, match="results/reference"):
        load_run()


def test_without_a_path_the_reference_run_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synthetic.write(tmp_path / "results" / "reference", [])
    monkeypatch.chdir(tmp_path)
    assert load_run().info.run_id == "synthetic"


def test_a_run_of_another_schema_is_refused(tmp_path: Path) -> None:
    info = msgspec.to_builtins(synthetic.info()) | {"schema_version": SCHEMA_VERSION + 1}
    (tmp_path / runs.INFO).write_bytes(msgspec.json.encode(info))
    with pytest.raises(RunFolderError, match="schema"):
        load_run(tmp_path)


PAGE = Path(__file__).parents[3] / "docs" / "notebooks.md"


def documented() -> dict[str, set[str]]:
    """Return the columns that the page tells of each frame."""
    frames = re.split(r"^### `run\.(\w+)`.*$", PAGE.read_text().split("## Frames")[1], flags=re.MULTILINE)
    common = set(_columns(frames[0]))
    found = {}
    for name, words in zip(frames[1::2], frames[2::2], strict=True):
        found[name] = set(_columns(words)) | (common if "columns of a trial" in words else set())
    return found


def _columns(words: str) -> list[str]:
    rows = re.findall(r"^\| (`.+?`) \|", words, flags=re.MULTILINE)
    return [name for row in rows for name in re.findall(r"`(\w+)`", row)]


def test_every_column_of_every_frame_is_documented(run: Run) -> None:
    named = (name for name in dir(type(run)) if not name.startswith("_"))
    frames = {name: each for name in named if isinstance(each := getattr(run, name), pd.DataFrame)}
    assert {name: set(frame.columns) for name, frame in frames.items()} == documented()


def test_lists_and_holders_of_memory_are_rows(run: Run) -> None:
    turns = where(run.series, part="soak", turns=300)
    one = turns[(turns["key"] == turns["key"].iloc[0]) & (turns["series"] == "turn")]
    assert one["value"].tolist() == [float(turn) for turn in range(0, 300, 10)]
    assert one["position"].tolist() == list(range(30))
    assert set(run.allocators["key"]) <= set(run.trials.loc[run.trials["traced"], "key"])


def test_lists_of_a_trial_stand_side_by_side(run: Run) -> None:
    both = lists(run.series, "turn", "anonymous_bytes")
    one = both[both["key"] == both["key"].iloc[0]]
    noted = run.series[run.series["key"] == one["key"].iloc[0]]
    for name in ("turn", "anonymous_bytes"):
        assert one[name].tolist() == noted.loc[noted["series"] == name, "value"].tolist()
    assert one["position"].tolist() == list(range(len(one)))
    assert set(where(both, part="soak")["key"]) == set(where(run.series, part="soak")["key"])
    assert lists(run.series, "turn", "no such list").empty


def test_comparisons_sum_up_the_pairs_of_installed_studies(run: Run) -> None:
    pairs = where(run.pairs, work="inference", users=10, engines=None)
    mine = pairs[(pairs["metric"] == "throughput") & (pairs["subject"] == "asynchronous")]
    summed = run.comparisons.merge(mine[["condition", "subject", "metric"]].drop_duplicates())
    assert summed["geometric_mean"].tolist() == [pytest.approx(mine["ratio"].prod() ** (1 / len(mine)))]
    assert summed["conclusion"].tolist() == ["indicative"]
    assert set(run.verdicts["verdict"]) == {"inconclusive", "not measured"}
    assert run.floors["blocks"].eq(3).all()


def test_importing_the_package_loads_no_tables() -> None:
    seen = "import sys, experiments; sys.exit('pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", seen], check=False).returncode == 0
