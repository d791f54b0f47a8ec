"""The part that measures analyses: its grid, its faithful twin, and a small run from the trial to the figure."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from experiments import metrics
from experiments.analysis import claims
from experiments.measuring import records
from experiments.measuring.records import EngineSpec, Outcome, Part, Record
from experiments.measuring.study import BLOCKS, Cell, GridRequest, Preset
from experiments.metrics.interface import Missing
from experiments.studies.research import (
    _analysing,
    _analysis_names,
    _listed_analysis,
    _listed_analysis_script,
    analysis,
)
from tests.experiments.analysis import synthetic

REPORTED = [{"source": "a", "title": "a title", "text": "words about memory", "relevance": 0.5}]


def cells(preset: Preset) -> list[Cell]:
    return analysis.cells(GridRequest(preset=preset, systems=(), engine=EngineSpec(name="simulated")))


@pytest.mark.parametrize("preset", BLOCKS)
def test_every_cell_is_one_trial_and_every_measure_a_metric(preset: Preset) -> None:
    found = cells(preset)
    assert len({(str(cell.condition), cell.subject, cell.twin) for cell in found}) == len(found)
    assert all(0 < cell.estimate_s < cell.timeout_s and json.dumps(cell.condition) for cell in found)
    assert all(metrics.get(name) for name in analysis.MEASURES)


def test_the_standard_preset_takes_minutes() -> None:
    assert BLOCKS["standard"] * sum(cell.estimate_s for cell in cells("standard")) < 7 * 60


def test_the_standard_preset_tests_every_condition_of_the_claim() -> None:
    found = cells("standard")
    for test in claims.get("S3-kill").tests:
        assert test.subject in {cell.subject for cell in found if test.fits(cell.condition)}, test.title


def test_the_criterion_states_the_tolerance_that_is_measured_with() -> None:
    assert _analysis_names.TOLERANCE_S == 0.5
    assert "half a second" in claims.get("S3-kill").criterion


async def test_the_twin_reports_what_its_script_found() -> None:
    report = await _listed_analysis.run_analysis(REPORTED, "", 60.0)
    assert (report.article_count, report.avg_relevance, report.by_source) == (1, 0.5, {"a": 1})
    assert _listed_analysis_script.analyse(REPORTED)["overall"]["count"] == 1


async def test_the_twin_has_the_defects_of_the_listing() -> None:
    """A failure is a report with nothing in it, and noise an error of the parent's."""
    failed = await _listed_analysis.run_analysis(REPORTED, "raises", 60.0)
    assert (failed.article_count, failed.top_articles) == (1, [])
    with pytest.raises(json.JSONDecodeError):
        await _listed_analysis.run_analysis(REPORTED, "prints_noise", 60.0)


@pytest.mark.parametrize(
    "case", [case for case in analysis.CASES if case not in ("works", "cancelled", "agent-killed")]
)
def test_every_case_has_its_program(case: str) -> None:
    from experiments.studies.research import _analysis_cases

    assert callable(getattr(_analysis_cases, _analysing._function(case)))


CALLS = """
import sys
from experiments.measuring import placement
from experiments.studies.research import _analysing
placement.adopt_orphans()
for case in sys.argv[2:]:
    seen = _analysing._call(sys.argv[1], case, 1.0)
    print(case, seen.outcome, int(seen.alone), seen.left, flush=True)
"""


def calls(subject: str, *cases: str) -> dict[str, tuple[str, ...]]:
    """Return, by case, how a call ended, whether the other one was answered, and how many processes were left."""
    command = [sys.executable, "-c", CALLS, subject, *cases]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return {case: tuple(came) for case, *came in map(str.split, done.stdout.splitlines())}


def test_in_the_loop_a_fault_takes_the_agent_and_a_hang_its_time() -> None:
    found = calls("in-loop", "raises", "crashes", "hangs", "leaves-daemon")
    assert found["raises"] == ("failed", "1", "0")
    assert found["crashes"][0] == _analysing.DIED
    assert found["hangs"][0] == _analysing.NEVER
    assert found["leaves-daemon"] == ("report", "1", "1")


def test_a_thread_is_left_by_a_hang_and_dies_of_a_fault() -> None:
    found = calls("thread", "crashes", "hangs", "hangs-holding-lock")
    assert found["crashes"][0] == _analysing.DIED
    assert found["hangs"] == ("failed", "1", "1")
    assert found["hangs-holding-lock"][0] == _analysing.NEVER


def test_the_twin_leaves_what_its_child_started() -> None:
    found = calls("as-listed", "crashes", "leaves-daemon", "prints-noise", "cancelled", "agent-killed")
    assert found["crashes"][::2] == ("failed", "0")
    assert found["leaves-daemon"][2] == "1"
    assert found["prints-noise"][0] == "raised"
    assert found["cancelled"][0] == "cancelled"
    assert found["cancelled"][2] != "0"  # its child and, in some versions of Python, the thread that waits for it
    assert found["agent-killed"][2] != "0"


@pytest.mark.long
def test_an_overseen_process_leaves_nothing_in_any_case() -> None:
    found = calls("process", *analysis.CASES)
    assert {case: came[2] for case, came in found.items()} == dict.fromkeys(analysis.CASES, "0")
    for case, (outcome, *_) in found.items():
        assert outcome in _analysing._DUE.get(case, _analysing._DUE_ELSE), case


def trial(returned: list[float], contained: list[float], left: list[float], grown: list[float]) -> Record:
    part = Part(
        role="subject",
        values={"analysis_deadline_s": 1.0},
        series={
            "analysis_returned_s": returned,
            "analysis_contained": contained,
            "analysis_left": left,
            "analysis_grown_bytes": grown,
        },
    )
    return synthetic.record(synthetic.spec("research", "process", condition={"part": "analysis"}), part)


def value(name: str, record: Record) -> float:
    found = metrics.get(name).of(record)
    assert not isinstance(found, Missing)
    return found


def test_metrics_are_read_from_the_calls() -> None:
    record = trial([0.5, 1.25, 0.7], [1.0, 0.0, 1.0], [0.0, 3.0, 0.0], [10.0, -5.0, 30.0])
    assert value("analysis_contained", record) == pytest.approx(2 / 3)
    assert value("analysis_overrun", record) == pytest.approx(0.25)
    assert value("analysis_left", record) == 1
    assert value("analysis_parent_memory", record) == 30
    assert value("analysis_return_p50", record) == 0.7
    early = trial([0.5], [1.0], [0.0], [-1.0])
    assert (value("analysis_overrun", early), value("analysis_parent_memory", early)) == (0, 0)


def test_trials_of_other_parts_have_none_of_them() -> None:
    other = synthetic.record(synthetic.spec("research", "process"), Part(role="subject"))
    assert all(isinstance(metrics.get(name).of(other), Missing) for name in analysis.MEASURES)


@pytest.mark.long
def test_a_small_run_measures_everything_and_is_drawn(fourgig, enforcement, tmp_path: Path) -> None:
    out = tmp_path / "run"
    arguments = ("research", "--part", "analysis", "--engine", "simulated", "--preset", "smoke", "--out", out)
    done = fourgig("run", *arguments, *enforcement)
    assert done.returncode == 0, done.stderr
    found = records.read(out / "trials.jsonl")
    assert {record.outcome for record in found} == {Outcome.OK}
    for record in found:
        assert all(isinstance(metrics.get(name).of(record), float) for name in analysis.MEASURES)
    mine = {str(record.spec.condition["case"]): record for record in found if record.spec.subject == "process"}
    assert {case: value("analysis_left", record) for case, record in mine.items()} == dict.fromkeys(mine, 0.0)
    assert len(list((out / "figures").glob("research-analysis*.svg"))) == 3
