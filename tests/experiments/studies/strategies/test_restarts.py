"""The part `restarts`: its grid, a service whose workers are killed, and its figures."""

from __future__ import annotations

import asyncio

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as some

from experiments.report.figures.strategies import restarts as figures
from experiments.studies.strategies import _restarts, restarts
from experiments.studies.strategies._restarts import Probe, back_after_s, longest_outage_s
from experiments.studies.strategies._restarts_service import Supervisor
from tests.experiments.studies.strategies.in_process import (
    check_claims,
    check_grid,
    drawn,
    planned,
    tried,
    value,
    words,
)


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    folder = tmp_path_factory.mktemp("restarts")
    cells = [
        msgspec.structs.replace(cell, condition={**cell.condition, "seconds": 0.9, "every_s": 0.4, "per_s": 50})
        for cell in planned(restarts, "standard")
        if not cell.twin and (cell.condition["fault"], cell.subject) in WANTED
    ]
    return {(cell.condition["fault"], cell.subject): tried(restarts, cell, folder) for cell in cells}


ALWAYS = ("restarts_available", "restarts_longest_outage", "restarts_cpu", "restarts_starts")
WANTED = (
    ("all-killed", "unattended"),
    ("all-killed", "at-once"),
    ("all-killed", "spare"),
    ("dies-at-start", "at-once"),
    ("dies-at-start", "backoff"),
)


def test_the_grid_is_whole_and_the_claims_are_in_it():
    check_grid(restarts, 200)
    check_claims(restarts, "S2-restart", preset="paper")


def test_a_service_that_nobody_attends_to_starts_nothing_and_others_do(records):
    down, up, spare = (records["all-killed", name] for name in ("unattended", "at-once", "spare"))
    assert down.part().values["kills"] == 2
    assert down.part().values["starts"] == 0
    assert value("restarts_available", down) < 1
    assert value("restarts_longest_outage", down) > 0
    for record in (up, spare):
        assert record.part().values["starts"] >= 2
        assert value("restarts_available", record) > 0
    assert all(record.part().values["probes"] == 45 for record in records.values())
    assert all(value(name, record) >= 0 for record in records.values() for name in ALWAYS)


@pytest.mark.parametrize("policy", ["at-once", "backoff"])
async def test_workers_that_die_at_their_start_serve_again_once_that_is_repaired(policy, tmp_path):
    service = await _restarts.started(policy, 1, tmp_path / "broken")
    try:
        await service.serves(1)
        (tmp_path / "broken").touch()
        service.kill(service.serving)
        async with asyncio.timeout(20), service._changed:
            await service._changed.wait_for(lambda: service.starts >= 3)
        (tmp_path / "broken").unlink()
        await service.serves(1)  # however long that takes on a busy machine
        assert (await _restarts._ask(await service.address, 0.0, 20.0, lambda: 0.0)).answered
    finally:
        await service.end()


class Briefly:
    """A worker that ends as soon as it is started."""

    def wait(self):
        return 1


@pytest.mark.parametrize(("policy", "pauses"), [("backoff", [0.1, 0.2, 0.4, 0.8, 1.0, 1.0]), ("at-once", [])])
def test_pauses_grow_while_workers_die_at_their_start(policy, pauses):
    supervisor, paused, started = Supervisor(policy, 1, "/nothing"), [], []

    def worker():
        started.append(1)
        if len(started) == 6:
            supervisor._ending.set()
        return Briefly()

    supervisor._worker = worker
    supervisor._ending.wait = paused.append
    supervisor._keep()
    supervisor._listening.close()
    assert paused == pauses
    assert len(started) == 6


def test_the_figures_say_what_the_trials_did(records, tmp_path):
    found = drawn(figures, list(records.values()), tmp_path)
    assert set(found) == {"strategies-restarts", "strategies-restarts-in-vain"}
    assert "started again at once" in words(found["strategies-restarts"])


def test_a_service_that_never_answers_again_has_no_time_until_it_does():
    before, unanswered, back = Probe(0.1, answered=True), Probe(0.6, answered=False), Probe(0.8, answered=True)
    assert back_after_s([before, unanswered], 0.5) is None
    assert back_after_s([before, unanswered, back], 0.5) == pytest.approx(0.3)


async def test_an_answer_that_comes_after_the_deadline_of_a_request_that_was_asked_late_is_none():
    async def answers(reader, writer):
        await reader.read(100)
        writer.write(b"an answer")
        writer.close()

    async with await asyncio.start_server(answers, "127.0.0.1", 0) as server:
        address = server.sockets[0].getsockname()
        answered = [(await _restarts._ask(address, due_s, 30.0, lambda: 60.0)).answered for due_s in (60.0, 20.0)]
    assert answered == [True, False]


@given(some.lists(some.booleans(), min_size=1))
def test_an_outage_is_from_the_first_miss_to_the_next_answer(answered):
    probes = [Probe(float(number), each) for number, each in enumerate(answered)]
    longest = longest_outage_s(probes)
    runs = "".join("x" if each else "o" for each in answered)
    whole = max((len(run) for run in runs[: len(runs.rstrip("o"))].split("x")), default=0)
    tail = len(runs) - len(runs.rstrip("o"))
    assert longest == max(whole, tail - 1, 0)
    assert (longest > 0) <= (not all(answered))
