"""The part `spawning`: its grid, every way once in each runtime that is there, and its figures."""

from __future__ import annotations

import msgspec
import pytest

from experiments.measuring import programs, requirements
from experiments.measuring.looks import SERVED, SERVING
from experiments.measuring.study import Cell
from experiments.report.figures.strategies import spawning as figures
from experiments.studies.strategies import spawning
from tests.experiments.studies.strategies.in_process import (
    check_claims,
    check_grid,
    drawn,
    planned,
    tried,
    value,
    words,
)

CLAIMS = (
    "S2-reuse",
    "S2-reuse-tp",
    "S2-reuse-start",
    "S2-reuse-latency",
    "S2-reuse-cpu",
    "S2-spawn",
    "S2-warmpool",
    "S2-workers",
    "S2-runtime",
)


def there(cell: Cell) -> bool:
    return not any(requirements.lacking(name) for name in cell.requires)


def is_server(cell: Cell) -> bool:
    return cell.condition["program"] == "server"


def key(record):
    condition = record.spec.condition
    return str(condition.get("runtime", condition["program"])), record.spec.subject  # no subject is in two programs


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    """Return a short trial of every way, by runtime and subject, in the runtimes that are there."""
    folder = tmp_path_factory.mktemp("spawning")
    least = [cell for cell in planned(spawning, "standard") if not cell.twin and not cell.condition["parent_mib"]]
    shown = [cell for cell in least if cell.condition.get("hashes", 0) in ((2_000,) if is_server(cell) else (0,))]
    found = [tried(spawning, cell, folder, seconds=0.02) for cell in shown if there(cell)]
    return {key(record): record for record in found}


def test_the_grid_is_whole_and_the_claims_are_in_it():
    check_grid(spawning, 200)
    check_claims(spawning, *CLAIMS)


def test_a_runtime_that_is_not_there_is_named_with_how_to_get_it(monkeypatch):
    monkeypatch.setattr(programs, "found", lambda name: None)
    for name in ("node", "bun"):
        assert requirements.lacking(name)
        assert requirements.get(name).remedy
    assert {cell.requires for cell in planned(spawning, "standard")} == {(), ("node",), ("bun",)}


def test_every_way_does_the_tasks_and_starts_as_many_processes_as_it_should(records):
    assert ("python", "spawned") in records
    for (_, subject), record in records.items():
        values = record.part().values
        assert 0 < values["tasks_after"] < values["tasks"]
        assert all(value(name, record) >= 0 for name in spawning.MEASURES)
        if subject in ("spawned", "forked", "python", "node", "bun"):
            assert values["processes"] == values["tasks"]
        elif subject in spawning.SERVERS:
            assert values["processes"] == spawning.SERVERS[subject]
        elif subject == "as-listed":
            # Every second request finds its pool one worker short of the bound, and starts one more.
            assert values["processes"] > record.spec.settings["workers"]
        else:
            assert values["processes"] == record.spec.settings["workers"]


def test_processor_time_is_counted_when_what_is_kept_has_been_started_and_before_it_ends(records):
    for (_, subject), record in records.items():
        before, after = (record.outside.looks[name] for name in (SERVING, SERVED))
        used = after.cpu_seconds - before.cpu_seconds
        assert value("spawning_cpu", record) == pytest.approx(used / record.part().values["tasks_after"])
        if subject in ("reused", "warmed", "one-worker", "cluster", "one-process"):
            parent_and_kept = 1 + int(record.part().values["processes"])
            assert min(len(before.processes), len(after.processes)) >= parent_and_kept


def test_a_task_costs_more_where_a_process_is_started_for_it(records):
    for runtime in {runtime for runtime, subject in records if subject == "spawned"}:
        assert value("spawning_cpu", records[runtime, "spawned"]) > value("spawning_cpu", records[runtime, "warmed"])


def test_the_figures_say_what_the_trials_did(records, tmp_path):
    later = [
        msgspec.structs.replace(record, spec=msgspec.structs.replace(record.spec, block=1), key=f"{record.key}-1")
        for record in records.values()
    ]
    found = drawn(figures, [*records.values(), *later], tmp_path)
    assert set(found) == {f"strategies-spawning{name}" for name in ("", "-first", "-runtimes")}
    assert "Python" in words(found["strategies-spawning"])
    assert "instead of" in words(found["strategies-spawning-first"])


def test_the_figures_of_nothing_are_none(tmp_path):
    assert drawn(figures, [], tmp_path) == {}
