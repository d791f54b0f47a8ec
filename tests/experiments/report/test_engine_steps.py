"""What agent and engine each bring: the tables follow from the records, and what was not measured is said to be so."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments import load_run
from experiments.analysis.run import Run
from experiments.report import engine_steps
from tests.experiments.analysis import synthetic
from tests.experiments.report import batched_records


def cells(section: str, row: str) -> list[str]:
    """Return the cells of the one row that begins so."""
    [line] = [line for line in section.splitlines() if line.startswith(f"| {row} |")]
    return [cell.strip() for cell in line.strip("|").split("|")][1:]


@pytest.fixture(scope="module")
def section(tmp_path_factory: pytest.TempPathFactory) -> str:
    made = [*batched_records.closed(6), *batched_records.ladder(6)]
    return engine_steps.section(load_run(synthetic.write(tmp_path_factory.mktemp("run"), made, blocks=6)))


def times(cell: str) -> float:
    return float(cell.removeprefix("× ").partition(" ")[0])


def test_each_gain_is_over_the_baseline_and_the_last_over_the_baseline_on_the_same_engine(section: str) -> None:
    gains = {users: [times(cell) for cell in cells(section, f"{users}, 1")] for users in (1, 50)}
    assert gains[1] == pytest.approx([1, 1, 1, 1], rel=0.02)
    assert gains[50] == pytest.approx([1, 1.25, 5, 4], rel=0.02)
    assert all("…" in cell for cell in cells(section, "50, 1"))


def test_the_ladder_is_climbed_in_its_order_and_who_blocks_comes_last(section: str) -> None:
    rows = [line.split("|")[1].strip() for line in section.splitlines() if line.startswith(("| +", "| baseline"))]
    assert rows == [
        "+ threads", "+ one slot of the batched engine", "+ batching", "+ prefixes", "+ states", "+ cache",
        "baseline on batched+prefixes+states",
    ]  # fmt: skip
    throughput, latency, reused = cells(section, "+ states")
    assert times(throughput) == pytest.approx(4, rel=0.02)
    assert times(latency) == pytest.approx(0.25, rel=0.02)
    assert reused == "40\u00a0%"


def test_a_subject_that_the_run_lacks_is_not_measured(tmp_path: Path) -> None:
    made = [one for one in batched_records.closed(6) if one.spec.subject != "baseline-batched"]
    section = engine_steps.section(load_run(synthetic.write(tmp_path, made, blocks=6)))
    _, engine, both, beside = cells(section, "50, 1")
    assert engine == beside == "not measured"
    assert times(both) == pytest.approx(5, rel=0.02)
    assert "Of the engine's ladder this run has no trials: not measured." in section


def test_the_reference_says_what_it_holds_and_no_more(reference_run: Run) -> None:
    section = engine_steps.section(reference_run)
    trials = reference_run.trials
    subjects = set(trials.loc[trials["study"] == "load", "subject"])
    measured = "Of users in a closed loop on the batched engine this run has no trials" not in section
    assert measured == bool({"baseline-batched", "asynchronous-batched"} & subjects)
    assert ("| + states |" in section) == ("asynchronous on batched+prefixes+states" in subjects)


def test_a_run_without_the_study_has_nothing_of_it(tmp_path: Path) -> None:
    run = load_run(
        synthetic.write(tmp_path, [synthetic.record(synthetic.spec("isolation", "serial"))], studies=("isolation",))
    )
    assert engine_steps.section(run) == "The batched engine: not measured."
