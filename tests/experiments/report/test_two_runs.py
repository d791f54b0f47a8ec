"""What two runs of one study say is shown of both, each with its machine; a number on a page is the surer one's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from experiments import load_run
from experiments.analysis.run import Run
from experiments.measuring.records import Part, Record
from experiments.report import concerns, decisions, engine_steps, headline, key_comparisons, opening
from experiments.report.paper.declared import Declared
from experiments.report.paper.numbers import Numbers
from tests.experiments.analysis import synthetic
from tests.experiments.report import batched_records

BUSY, QUIET = "Busy, 2000-01-01", "Quiet, 2000-01-01"


def records(noise: float) -> Iterator[Record]:
    """Yield what both agents did on both engines; beside itself the traditional one differs by ``noise``."""
    for one in (*batched_records.closed(6), *batched_records.ladder(6)):
        yield one
        if one.spec.subject == "baseline":
            twin = msgspec.structs.replace(one.spec, twin=True)
            [client] = [part for part in one.parts if part.role == "client"]
            took = client.requests[0].finished_s * (1 + noise * (one.spec.block % 2))
            rows = [synthetic.row((1 + number) * took) for number in range(20)]
            yield synthetic.record(twin, Part(role="client", requests=rows, loop_delay_s=[0.001]))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder: Path = tmp_path_factory.mktemp("runs")
    for name, noise in ("Busy", 0.3), ("Quiet", 0.01):
        changes = {"blocks": 6, "run_id": name.lower(), "environment": {"cpu_model": f"{name}(R)"}}
        synthetic.write(folder / name.lower(), list(records(noise)), **changes)
    return load_run(folder)


def test_a_comparison_of_both_says_which_run_it_is_of(run: Run) -> None:
    found = key_comparisons.measured(run)
    titles = [one.title for one in found if one.key.name == "batched-fifty"]
    assert titles == [f"50 users, the asynchronous agent on the batched engine ({which})" for which in (BUSY, QUIET)]
    assert all(f"| {title} |" in headline.table(run) for title in titles)


def test_the_same_as_the_line_before_names_its_run_once(run: Run) -> None:
    found = [one for one in key_comparisons.measured(run) if one.key.name.startswith("batched-fifty")]
    screen = opening.opening(found, run.studies)
    places = {line.where for line in (*screen.unmodelled, *(line for topic in screen.topics for line in topic.lines))}
    begins = "50 users, the asynchronous agent on the batched engine"
    assert f"{begins} ({QUIET})" in places
    assert places <= {f"{begins} ({which})" for which in (BUSY, QUIET)}


def test_of_one_run_alone_nothing_is_added(run: Run) -> None:
    assert not any(one.beside for part in run.split() for one in key_comparisons.measured(part))


def test_a_number_by_its_name_is_of_the_run_in_which_equals_differ_less(run: Run) -> None:
    one = Numbers(run, Declared()).measured("batched-fifty")
    assert one.run == "quiet"


def test_the_map_and_the_first_screen_have_each_once_of_that_run(run: Run) -> None:
    rows, answers = decisions.judged(run)
    [found] = [row for row in answers.rows if row.decision.name == "batched-asynchronous"]
    marks = [mark for cell in found.cells.values() for mark in cell]
    told = [(mark.measured.condition, mark.measured.key.metric) for mark in marks]
    assert len(set(told)) == len(told) > 0
    floored = [mark.measured for mark in marks if mark.measured.comparison and mark.measured.comparison.pair.floor]
    assert {one.run for one in floored} == {"quiet"}
    screen = opening.opening(rows, run.studies)
    lines = [*screen.unmodelled, *(line for topic in screen.topics for line in topic.lines)]
    assert len({(line.where, line.much) for line in lines}) == len(lines)
    assert any(QUIET in line.where for line in lines)


def test_what_agent_and_engine_bring_is_said_of_both(run: Run) -> None:
    section = engine_steps.section(run)
    assert section.index(f"**{BUSY}**") < section.index(f"**{QUIET}**")
    assert section.count("| + states |") == 2


def test_a_level_says_on_which_machine_it_was_measured(run: Run) -> None:
    [row] = [row for row in concerns.answered(run).rows if row.agent.name == "baseline"]
    where = [level.where for level in row.cells["throughput"]]
    assert [which for which in (BUSY, QUIET) if any(which in one for one in where)] == [BUSY, QUIET]
