"""The part `restarts`: its grid, a service whose workers are killed, and its figures."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as some

from experiments.report.figures.strategies import restarts as figures
from experiments.studies.strategies import restarts
from experiments.studies.strategies._restarts import Probe, longest_outage_s
from tests.experiments.studies.strategies.in_process import check_claims, check_grid, drawn, planned, tried, value, words


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    folder = tmp_path_factory.mktemp("restarts")
    cells = [
        msgspec.structs.replace(cell, condition={**cell.condition, "seconds": 0.9, "every_s": 0.4, "per_s": 50})
        for cell in planned(restarts, "standard")
        if not cell.twin and (cell.condition["fault"], cell.subject) in WANTED
    ]
    return {(cell.condition["fault"], cell.subject): tried(restarts, cell, folder) for cell in cells}


WANTED = (
    ("all-killed", "unattended"),
    ("all-killed", "at-once"),
    ("all-killed", "spare"),
    ("dies-at-start", "at-once"),
    ("dies-at-start", "backoff"),
)


def test_the_grid_is_whole_and_the_claims_are_in_it():
    check_grid(restarts, 200)
    check_claims(restarts, "S2-restart")


def test_a_service_that_nobody_attends_to_stays_down_and_others_come_back(records):
    down, up, spare = (records["all-killed", name] for name in ("unattended", "at-once", "spare"))
    assert down.part().values["kills"] == 2
    assert down.part().values["starts"] == 0
    assert value("restarts_available", down) < 1
    assert up.part().values["starts"] >= 2
    for record in (up, spare):
        assert value("restarts_available", record) > value("restarts_available", down)
    assert all(record.part().values["probes"] == 45 for record in records.values())


def test_pauses_start_fewer_workers_in_vain(records):
    at_once, backoff = (records["dies-at-start", name] for name in ("at-once", "backoff"))
    assert backoff.part().values["starts"] < at_once.part().values["starts"]
    assert value("restarts_cpu", backoff) < value("restarts_cpu", at_once)
    assert all(value("restarts_back", record) > 0 for record in (at_once, backoff))


def test_the_figures_say_what_the_trials_did(records, tmp_path):
    found = drawn(figures, list(records.values()), tmp_path)
    assert set(found) == {"strategies-restarts", "strategies-restarts-in-vain"}
    assert "started again at once" in words(found["strategies-restarts"])


@given(some.lists(some.booleans(), min_size=1))
def test_an_outage_is_from_the_first_miss_to_the_next_answer(answered):
    probes = [Probe(float(number), each) for number, each in enumerate(answered)]
    longest = longest_outage_s(probes)
    runs = "".join("x" if each else "o" for each in answered)
    whole = max((len(run) for run in runs[: len(runs.rstrip("o"))].split("x")), default=0)
    tail = len(runs) - len(runs.rstrip("o"))
    assert longest == max(whole, tail - 1, 0)
    assert (longest > 0) <= (not all(answered))
