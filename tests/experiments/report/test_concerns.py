"""The table of agents says what invented records hold, each level with its interval and its source, and no more."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from experiments import metrics
from experiments.analysis.run import Run, load_run
from experiments.measuring.records import EngineSpec, Outcome, Part, Record
from experiments.measuring.study import studies
from experiments.report import advice, concerns, headline
from experiments.report.concerns import ConcernTable, MeasuredLevel
from systems import registry
from systems.errors import BadInput
from tests.experiments.analysis import synthetic

ROOT = Path(__file__).parents[3]
REAL = EngineSpec(name="llama", model="a model of words", model_sha256="1" * 64)
FIFTY = {"work": "inference", "users": 50, "turns": 1, "arrivals": "closed"}
KILLED = {"part": "kills", "window": 12, "turns": 5, "end": "killed"}
RATES = (10.0, 12.0, 11.0, 14.0, 13.0, 15.0)


def served(subject: str, rate: float, block: int, **changes: object) -> Record:
    """Return a trial of fifty users in which so many replies came a second."""
    system = subject.removesuffix("-batched")
    spec = synthetic.spec("load", subject, block, condition=FIFTY, system=system, engine=REAL, **changes)
    rows = [synthetic.row(50 / rate, user=user) for user in range(50)]
    return synthetic.record(spec, Part(role="client", requests=rows))


def answered(subject: str, known: float, block: int) -> Record:
    """Return a trial in which answers were graded; the reader had been trained on so many of the prompts."""
    spec = synthetic.spec("memory", subject, block, condition={"part": "answers", "turns": 500}, system=subject)
    counted = {"engine_calls": 40, "engine_prompt_tokens": 400, "engine_generated_tokens": 40}
    values = {"right": 0.5, "known_layout": known, "requests": 40}
    return synthetic.record(spec, Part(role="subject", values=values, counters=counted))


def killed(subject: str, kept: int, block: int) -> Record:
    spec = synthetic.spec("frameworks", subject, block, condition=KILLED, system=subject, engine=None)
    return synthetic.record(spec, Part(role="subject", values={"kept": kept, "acknowledged": 5}))


def trials() -> Iterator[Record]:
    for block, rate in enumerate(RATES):
        yield served("baseline", rate, block)
        yield served("asynchronous", rate, block, variant="")
        batched = served("asynchronous-batched", 2 * rate, block, variant="batched")
        yield batched if block else msgspec.structs.replace(batched, outcome=Outcome.OUT_OF_MEMORY)
        yield answered("asynchronous", 1.0, block)
        yield answered("pooled", 0.0, block)
        yield killed("langgraph", 4, block)
        yield killed("asynchronous", 5, block)
    yield served("mine", 20.0, 0)
    yield served("mine", 30.0, 1)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    environment = {"python": "3.x", "outside.langgraph bytes": str(96 << 20)}
    folder = tmp_path_factory.mktemp("run")
    changes = {"blocks": 6, "studies": ("load", "memory", "frameworks"), "engine": REAL, "environment": environment}
    return load_run(synthetic.write(folder, list(trials()), **changes))


@pytest.fixture(scope="module")
def table(run: Run) -> ConcernTable:
    return concerns.answered(run)


def level(table: ConcernTable, agent: str, concern: str) -> MeasuredLevel:
    """Return the one level of an agent in a concern."""
    [row] = [row for row in table.rows if row.agent.name == agent]
    [found] = row.cells[concern]
    return found


def test_a_level_is_the_median_with_its_interval_and_where_it_is_from(table: ConcernTable) -> None:
    found = level(table, "baseline", "throughput")
    assert found.median == pytest.approx(12.5, rel=1e-3)
    assert found.low is not None and found.high is not None
    assert 10 <= found.low < 12.5 < found.high <= 15  # of six numbers nearly all of their range
    assert (found.study, found.where, found.blocks, found.indicative) == ("load", "50 users, the model", 6, False)
    assert "users=50" in found.condition
    assert found.value.endswith("/s") and " … " in found.interval
    assert found.notes == ()


def test_a_trial_that_ended_badly_is_told_and_what_is_left_has_no_interval(table: ConcernTable) -> None:
    found = level(table, "asynchronous-batched", "throughput")
    assert (found.blocks, found.indicative) == (5, True)
    assert any("1 of 6" in note for note in found.notes)
    assert found.sure == "least … most of 5 blocks"


def test_shares_are_percent_and_what_ran_no_model_says_so(table: ConcernTable) -> None:
    found = level(table, "langgraph", "kept")
    assert (found.value, found.interval) == ("80.0\u00a0%", "80.0\u00a0% … 80.0\u00a0%")
    assert "no language model ran" in found.notes
    assert level(table, "asynchronous", "kept").value == "100\u00a0%"


def test_what_the_reader_was_not_trained_to_read_is_told(table: ConcernTable) -> None:
    assert any("was not trained on" in note for note in level(table, "pooled", "remembered").notes)
    assert not any("was not trained on" in note for note in level(table, "asynchronous", "remembered").notes)


def test_whoever_else_was_asked_as_it_comes_has_a_row_below_the_listed(table: ConcernTable) -> None:
    names = [row.agent.name for row in table.rows]
    listed = [agent.name for agent in concerns.load().agents]
    assert names == [*listed, "langgraph", "mine"]
    assert level(table, "mine", "throughput").indicative


def test_what_was_installed_is_read_from_what_the_run_noted(table: ConcernTable) -> None:
    found = level(table, "langgraph", "installed")
    assert (found.value, found.interval, found.sure) == ("96.0\u00a0MiB", "", "as it was installed")


def test_what_was_not_measured_is_said_to_be_so(run: Run) -> None:
    section = concerns.section(run)
    [row] = [line for line in section.splitlines() if line.startswith("| tiered |")]
    assert row.split("|")[2:-1] == [f" {advice.NOT_MEASURED} "] * len(concerns.load().concerns)
    assert section.splitlines()[0].count("|") == row.count("|")
    [mine] = [line for line in section.splitlines() if line.startswith("| mine |")]
    assert "<small>load, 50 users, the model; least … most of 2 blocks</small>" in mine


def test_every_level_is_a_row_of_the_table_for_computing(table: ConcernTable) -> None:
    frame = concerns.frame(table)
    assert len(frame) == sum(len(levels) for row in table.rows for levels in row.cells.values())
    [kept] = frame[(frame["agent"] == "langgraph") & (frame["concern"] == "kept")].to_dict("records")
    assert [kept["median"], kept["low"], kept["high"]] == pytest.approx([0.8] * 3)
    assert kept["unit"] == "ratio"


def test_of_a_run_that_measured_none_of_it_the_table_is_empty(tmp_path: Path) -> None:
    made = [synthetic.record(synthetic.spec("isolation", "serial"))]
    run = load_run(synthetic.write(tmp_path, made, studies=("isolation",)))
    table = concerns.answered(run)
    assert table.empty
    assert [row.agent.name for row in table.rows] == [agent.name for agent in concerns.load().agents]


def test_what_is_declared_is_what_studies_ask_and_systems_are_called() -> None:
    declared = concerns.load()
    for source in (source for concern in declared.concerns for source in concern.sources):
        assert source.metric in studies.get(source.study).measures
        assert metrics.get(source.metric)
        part = source.factors.get("part")
        assert part is None or part in studies.get(source.study).parts
    for agent in declared.agents:
        assert agent.name.removesuffix("-batched") in registry.systems.names()
        assert set(agent.subjects) <= set(studies.names())


@pytest.mark.parametrize(
    ("written", "says"), [("concerns = 1", "cannot be read"), ("[[concerns]]\nnam = 'x'", "cannot be read")]
)
def test_a_malformed_file_is_refused_in_a_sentence(written: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "concerns.toml"
    path.write_text(written)
    with pytest.raises(BadInput, match=says):
        concerns.load(path)


def test_a_concern_that_is_named_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "concerns.toml"
    one = "[[concerns]]\nname = 'x'\ntitle = 'x'\nabout = 'x'\n"
    path.write_text(f"agents = []\n{one}{one}")
    with pytest.raises(BadInput, match="twice"):
        concerns.load(path)


def test_the_page_has_a_place_for_it() -> None:
    page = (ROOT / headline.PAGE).read_text()
    assert f"<!-- begin: {headline.AGENTS} -->" in page
