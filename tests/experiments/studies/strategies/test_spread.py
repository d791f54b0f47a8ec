"""The part `spread`: its grid, who gets which request, and its figure."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from types import SimpleNamespace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as some

from experiments.report.figures.strategies import spread as figures
from experiments.studies.strategies import _spread_names, spread
from experiments.studies.strategies._spread import AskedOfWorkers, Process, chooser, requests
from systems.errors import UnknownName
from tests.experiments.studies.strategies.in_process import check_grid, drawn, planned, tried, value, words


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    folder = tmp_path_factory.mktemp("spread")
    cells = [
        msgspec.structs.replace(cell, condition={**cell.condition, "seconds": 0.15})
        for cell in planned(spread, "quick")
    ]
    return {cell.subject: tried(spread, cell, folder) for cell in cells}


def test_the_grid_is_whole():
    check_grid(spread, 200)


def test_every_way_has_the_same_requests_and_does_all(records):
    assert set(records) == set(spread.SUBJECTS)
    assert len({record.part().values["requests"] for record in records.values()}) == 1
    assert len({round(record.part().values["mean_busy_s"], 9) for record in records.values()}) == 1
    for record in records.values():
        assert all(value(name, record) > 0 for name in spread.MEASURES)
        assert value("spread_unevenness", record) >= 1


def test_the_figure_says_what_the_trials_did(records, tmp_path):
    found = drawn(figures, list(records.values()), tmp_path)
    assert set(found) == {"strategies-spread"}
    assert "fetched when free" in words(found["strategies-spread"])


@given(some.lists(some.integers(0, 5), min_size=1, max_size=6), some.integers(0, 99))
def test_the_least_busy_gets_the_request_and_a_session_stays_where_it_is(waiting, session):
    workers = [SimpleNamespace(waiting=each) for each in waiting]
    asked = AskedOfWorkers(0.0, 0.01, session)
    assert waiting[chooser("fewest", workers, random.Random(1))(asked)] == min(waiting)
    sticky = chooser("sticky", workers, random.Random(1))
    assert sticky(asked) == sticky(asked)
    in_turn = chooser("round-robin", workers, random.Random(1))
    dealt = Counter(in_turn(asked) for _ in range(3 * len(workers)))
    assert set(dealt.values()) == {3}
    assert 0 <= chooser("random", workers, random.Random(1))(asked) < len(workers)


def test_what_is_no_way_is_refused():
    with pytest.raises(UnknownName, match="nearest"):
        chooser("nearest", [], random.Random(1))


@given(some.sampled_from([*_spread_names.LENGTHS_MS]), some.integers(0, 10_000))
def test_requests_come_in_order_and_take_one_of_the_stated_times(lengths, seed):
    found = requests(lengths, 0.8, 4, 2.0, seed)
    assert found == requests(lengths, 0.8, 4, 2.0, seed)
    assert [each.due_s for each in found] == sorted(each.due_s for each in found)
    assert all(0 <= each.due_s < 2.0 for each in found)
    assert {each.takes_s for each in found} <= {length_ms / 1000 for length_ms, _ in _spread_names.LENGTHS_MS[lengths]}


async def test_a_worker_that_ends_fails_what_it_has_not_done():
    worker = await Process.started()
    task = asyncio.create_task(worker.do(30.0))
    await asyncio.sleep(0)
    worker._process.kill()
    with pytest.raises(ConnectionResetError):
        await task
