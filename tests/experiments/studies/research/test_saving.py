"""The part `saving`: what is planned, the listing's defects as they were listed, and one trial of everything."""

import asyncio
import sqlite3
from contextlib import closing

import pytest

from experiments import metrics
from experiments.analysis import claims
from experiments.measuring import records
from experiments.measuring.records import EngineSpec, Outcome, Part
from experiments.measuring.study import BLOCKS, GRADED, GridRequest
from experiments.studies.research import saving
from experiments.studies.research._listed_saving import ListedSaving, ListedState, listed_restore
from experiments.studies.research._listed_summary import ListedSummary
from experiments.studies.research._saving import _kill, _saved_turns
from experiments.studies.research._saving_child import Traffic
from systems.engines.interface import Message
from tests.experiments.analysis import synthetic


def planned(preset):
    return saving.cells(GridRequest(preset=preset, systems=(), engine=EngineSpec(name="simulated")))


@pytest.mark.parametrize("preset", BLOCKS)
def test_every_cell_is_one_trial_and_every_rate_has_every_pattern(preset):
    cells = planned(preset)
    assert len({(str(cell.condition), cell.subject, cell.twin) for cell in cells}) == len(cells)
    assert any(cell.twin for cell in cells) == (preset in GRADED)
    for rate in {cell.condition.get("turns_per_s") for cell in cells} - {None}:
        assert {c.subject for c in cells if c.condition.get("turns_per_s") == rate} == set(saving.SUBJECTS)


def test_the_standard_preset_takes_no_more_than_six_minutes():
    assert sum(cell.estimate_s for cell in planned("standard")) * BLOCKS["standard"] < 360


def test_the_claim_is_tested_at_every_rate_that_is_planned():
    rates = {cell.condition["turns_per_s"] for cell in planned("standard") if "case" not in cell.condition}
    for test in claims.get("S3-nonblocking").tests:
        fitting = [cell for cell in planned("standard") if test.fits(cell.condition) and cell.subject == test.subject]
        assert {cell.condition["turns_per_s"] for cell in fitting} == rates


@pytest.mark.long
def test_a_trial_counts_what_is_in_the_files(fourgig, enforcement, tmp_path):
    out = tmp_path / "run"
    done = fourgig("run", "research", "--part", "saving", "--preset", "smoke", "--out", out, *enforcement)
    assert done.returncode == 0, done.stderr
    found = records.read(out / "trials.jsonl")
    assert {record.outcome for record in found} == {Outcome.OK}, [record.reason for record in found]
    assert {record.spec.subject for record in found} == set(saving.SUBJECTS)
    for record in found:
        values, turns = record.part().values, record.spec.condition["turns"]
        ours = record.spec.subject != saving.LISTED
        if record.spec.condition.get("case"):
            assert values["messages_said"] == 2 * turns
            shares = [metrics.get(name).of(record) for name in ("rows_saved", "rows_saved_after_summary")]
            assert (shares == [1.0, 1.0]) == ours, values
            doubled = metrics.get("restart_doubles").of(record)
            assert (values["holes"], doubled) == (0, 0) if ours else doubled > 0
        else:
            assert record.part().loop_delay_s
            assert len(record.part().requests) == turns
            assert values["acknowledged_at_exit"] == turns
            assert values["acknowledged_at_kill"] >= 1
            if ours:
                assert (values["lost_at_exit"], values["lost_at_kill"]) == (0, 0)


def test_a_killed_process_is_dead_before_its_file_is_read(tmp_path):
    path = tmp_path / "killed.sqlite"
    traffic = Traffic(path=str(path), pattern="queued", turns=400, turns_per_s=2000, sessions=3, seed=1)
    acknowledged = _kill(traffic, 20)
    assert 20 <= len(acknowledged) < 400
    assert acknowledged <= _saved_turns(traffic)


# The listing as it is listed


def said(number):
    return Message("user" if number % 2 == 0 else "assistant", f"#{number}")


async def quiet():
    """Return when no task is left."""
    while others := asyncio.all_tasks() - {asyncio.current_task()}:
        await asyncio.wait(others)


async def test_as_listed_nothing_is_saved_after_the_first_summary(tmp_path):
    async def summarise(text):
        return "a summary"

    listed = ListedSaving(tmp_path / "listed.sqlite")
    await listed.open()
    state = ListedState("anna")
    summary = ListedSummary(state, summarise, listed.save)
    for number in range(0, 120, 2):
        state.messages += [said(number), said(number + 1)]
        await listed.save(state)
        await quiet()
        await summary.maybe_summarise()
        await quiet()
    with closing(sqlite3.connect(tmp_path / "listed.sqlite")) as connection:
        restored_summary, restored = listed_restore(connection, "anna")
    assert [each.content for each in restored] == [f"#{number}" for number in range(10)]
    assert restored_summary == "a summary"


async def test_as_listed_what_is_said_during_a_summary_vanishes_and_some_is_in_neither():
    begun, may_end, read = asyncio.Event(), asyncio.Event(), []

    async def summarise(text):
        read.append(text)
        begun.set()
        await may_end.wait()
        return "a summary"

    state = ListedState("anna", messages=[said(number) for number in range(10)])
    summary = ListedSummary(state, summarise)
    summing = asyncio.create_task(summary.maybe_summarise())
    await begun.wait()
    state.messages += [said(10), said(11)]
    may_end.set()
    assert await summing
    assert summary.context() == ("a summary", [said(number) for number in (6, 7, 8, 9)])
    state.messages += [said(12), said(13)]
    assert summary.context()[1] == [said(number) for number in (8, 9, 12, 13)]
    assert "#6" not in read[0]


async def test_as_listed_a_save_is_acknowledged_before_it_is_made(tmp_path):
    listed = ListedSaving(tmp_path / "listed.sqlite")
    await listed.open()
    state = ListedState("anna", messages=[said(0), said(1)])
    await listed.save(state)
    with closing(sqlite3.connect(tmp_path / "listed.sqlite")) as connection:
        assert listed_restore(connection, "anna") == ("", [])
    await quiet()
    with closing(sqlite3.connect(tmp_path / "listed.sqlite")) as connection:
        assert listed_restore(connection, "anna") == ("", [said(0), said(1)])


# The measures


def test_measures_of_saving_are_read_as_they_were_noted():
    values = {"lost_at_exit": 3.0, "lost_at_kill": 1.0, "messages_said": 120.0, "messages_saved": 10.0}
    values |= {"said_after_summary": 100.0, "saved_after_summary": 0.0, "holes": 2.0, "doubled_after_restart": 6.0}
    record = synthetic.record(synthetic.spec("research", "queued"), Part(role="subject", values=values))
    wanted = {
        "turns_lost_at_exit": 3.0,
        "turns_lost_at_kill": 1.0,
        "rows_saved": 10 / 120,
        "rows_saved_after_summary": 0.0,
        "summary_holes": 2.0,
        "restart_doubles": 6.0,
    }
    assert {name: metrics.get(name).of(record) for name in wanted} == wanted
