"""The parts that ask PostgreSQL: what is planned, and each way against a real server."""

import asyncio
import json
import os
import subprocess
import sys
import threading
from datetime import timedelta
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments import metrics
from experiments.analysis import claims
from experiments.measuring.records import EngineSpec
from experiments.measuring.role import Assignment, Role
from experiments.measuring.study import BLOCKS, GRADED, GridRequest
from experiments.metrics.interface import Missing
from experiments.studies.strategies import (
    Strategies,
    _database_pool,
    _upkeep,
    database_pool,
    projection,
    time_ranges,
    upkeep,
)
from experiments.studies.strategies import _postgres_levels as levels
from experiments.workloads import events, memories
from tests.experiments.analysis import synthetic
from tests.experiments.postgres_server import needs_postgres, serving, socket_folder

PARTS = (time_ranges, database_pool, projection, upkeep)
CLAIMS = {"S2-brin": time_ranges, "S2-partition": time_ranges, "S2-dbpool": database_pool}


def planned(part, preset):
    return part.cells(GridRequest(preset=preset, systems=(), engine=EngineSpec(name="simulated")))


# What is planned


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.PART)
@pytest.mark.parametrize("preset", BLOCKS)
def test_every_cell_is_one_trial_with_a_reference_beside_it(part, preset):
    cells = planned(part, preset)
    assert len({(str(cell.condition), cell.subject, cell.twin) for cell in cells}) == len(cells)
    assert any(cell.twin for cell in cells) is (preset in GRADED)
    for condition in {str(cell.condition) for cell in cells}:
        there = [cell.subject for cell in cells if str(cell.condition) == condition and not cell.twin]
        assert len(there) > 1
        assert len(set(there) & set(part.REFERENCES)) == 1
    for cell in cells:
        assert cell.condition["part"] == cell.part == part.PART
        assert [service.name for service in cell.services] == ["postgres"]
        assert 0 < cell.estimate_s < cell.timeout_s
        assert json.dumps(cell.condition)
        assert cell.labels[0].startswith("no model runs: ")
    assert all(metrics.get(name) for name in part.MEASURES)


@pytest.mark.parametrize(
    ("part", "most_s"), [(time_ranges, 300), (database_pool, 150), (projection, 150), (upkeep, 150)]
)
def test_the_standard_preset_keeps_to_its_time(part, most_s):
    assert BLOCKS["standard"] * sum(cell.estimate_s for cell in planned(part, "standard")) < most_s


@pytest.mark.parametrize("claim_id", CLAIMS)
def test_the_standard_preset_tests_every_condition_of_the_claim(claim_id):
    claim, part = claims.get(claim_id), CLAIMS[claim_id]
    assert claim.study == Strategies.name
    for test in claim.tests:
        fitting = [cell for cell in planned(part, "standard") if test.fits(cell.condition)]
        assert len({str(cell.condition) for cell in fitting}) == 1, test.title
        assert {test.subject, test.reference} <= {cell.subject for cell in fitting}, test.title
        assert (test.metric or claim.metric) in part.MEASURES


def test_planning_imports_nothing_of_what_the_trials_measure():
    look = "import sys, experiments.studies.strategies; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert {"asyncpg", "asyncio", "numpy"} & set(done.stdout.split()) == set()


# What is in the tables, and asked for


@given(st.sampled_from([20_000, 200_000, 500_000]), st.sampled_from(list(events.RANGES.values())), st.integers(0, 99))
def test_a_range_has_as_many_events_as_lie_in_it(rows, width, seed):
    apart = events.step(rows)
    for asked in events.ranges(rows, width, 3, seed):
        assert asked.end - asked.start == width
        assert asked.start >= events.START
        assert asked.end <= events.START + timedelta(days=events.DAYS)
        first = -(-(asked.start - events.START) // apart)
        assert events.START + first * apart >= asked.start
        assert (
            events.START + (first + asked.events - 1) * apart
            < asked.end
            <= events.START + (first + asked.events) * apart
        )


def test_events_are_whole_microseconds_apart():
    assert events.step(500_000) == timedelta(milliseconds=6_048)
    with pytest.raises(ValueError, match="whole number"):
        events.step(11_000_000)


@settings(max_examples=50)
@given(st.integers(1, 3_000), st.integers(0, memories.AGENTS - 1), st.integers(1, 20))
def test_the_newest_memories_are_the_agents_and_the_last_of_them(size, agent, count):
    every = [number for number in range(size) if number % memories.AGENTS == agent]
    assert memories.newest(size, agent, count) == every[::-1][:count]


# Each way, against a server


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    folder = tmp_path_factory.mktemp("postgres")
    with socket_folder() as sockets, serving(folder, str(sockets / "socket")):
        yield str(sockets / "socket")


@pytest.fixture
def seen(address, tmp_path):
    """Return a function that does a trial in an empty database, and returns what it noted, by metric."""

    def do(part, subject, **condition):
        asyncio.run(emptied(address))
        spec = synthetic.spec(
            "strategies", subject, condition={"part": part.PART, **condition}, services=services(part)
        )
        says, runner_says = os.pipe(), os.pipe()
        os.write(runner_says[1], b"go\n")
        assignment = Assignment(
            role="subject",
            spec=spec,
            work_dir=str(tmp_path),
            part_path=str(tmp_path / "part.json"),
            cpus=(0,),
            runner_pid=os.getpid(),
            services={"postgres": address},
        )
        role = Role(assignment, to_runner=says[1], from_runner=runner_says[0])
        try:
            part.run(role)
        finally:
            for descriptor in (*says, *runner_says):
                os.close(descriptor)
        record = synthetic.record(spec, role.part)
        found = {name: metrics.get(name).of(record) for name in part.MEASURES}
        return {name: value for name, value in found.items() if not isinstance(value, Missing)}

    return do


def services(part):
    return planned(part, "smoke")[0].services


async def emptied(address):
    import asyncpg

    from experiments.workloads.postgres.service import reached

    connection = await asyncpg.connect(**reached(address))
    await connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public; GRANT USAGE ON SCHEMA public TO public")
    await connection.execute("DROP ROLE IF EXISTS agent")
    await connection.close()


@needs_postgres
@pytest.mark.parametrize("order", [levels.IN_ORDER, levels.SHUFFLED])
def test_every_way_finds_the_events_of_a_range_and_reads_as_much_as_it_must(seen, order):
    rows = 50_000
    ways = time_ranges.SUBJECTS if order == levels.IN_ORDER else ("no-index", "btree", "brin")
    found = {way: seen(time_ranges, way, rows=rows, order=order) for way in ways}
    for values in found.values():
        assert set(values) == set(time_ranges.MEASURES)
        assert all(values[f"range_time_{name}"] > 0 for name in events.RANGES)
    blocks = {way: values["range_blocks_1h"] for way, values in found.items()}
    whole = blocks["no-index"]
    assert blocks["btree"] < whole
    assert (blocks["brin"] < whole) is (order == levels.IN_ORDER)
    if order == levels.IN_ORDER:
        assert blocks["partitions"] < whole / 10
    assert 0 < found["brin"]["range_index_bytes"] < found["btree"]["range_index_bytes"]
    assert found["no-index"]["range_index_bytes"] == 0


@needs_postgres
@pytest.mark.parametrize("login", [levels.PASSWORD, levels.TRUSTED])
def test_every_request_has_a_connection_and_its_answer(seen, login):
    found = {
        way: seen(database_pool, way, users=4, login=login, requests=16)
        for way in ("connect-each", "pool-2", "pool-20")
    }
    for values in found.values():
        assert set(values) == set(database_pool.MEASURES)
        assert 0 < values["database_connection_time"] < values["latency_p50"] + values["latency_p95"]
    # Twenty processes of the server hold more than four, and those more than two.
    held = [found[way]["database_pool_memory"] for way in ("pool-2", "connect-each", "pool-20")]
    assert held == sorted(held)


@needs_postgres
@pytest.mark.parametrize(("way", "warmed"), [("connect-each", 1), ("pool-2", 2), ("pool-20", 20)])
def test_every_connection_of_a_pool_has_asked_before_its_time_counts(seen, way, warmed, monkeypatch):
    asked, before = [], []
    ask, clock = _database_pool._ask, _database_pool.Stopwatch

    async def noted(had, agent):
        asked.append(had.get_server_pid())
        await ask(had, agent)

    def started():
        before.append(len(set(asked)))
        return clock()

    monkeypatch.setattr(_database_pool, "_ask", noted)
    monkeypatch.setattr(_database_pool, "Stopwatch", started)
    seen(database_pool, way, users=4, login=levels.TRUSTED, requests=8)
    assert before == [warmed]


@needs_postgres
def test_every_way_finds_the_newest_memories_and_less_comes_of_what_is_not_needed(seen):
    found = {way: seen(projection, way, memories=1_000) for way in projection.SUBJECTS}
    measured = {name for name in projection.MEASURES if not name.endswith(("10k", "50k"))}
    assert all(set(values) == measured for values in found.values())
    came = {way: values["retrieval_bytes_1k"] for way, values in found.items()}
    assert came["scan"] == came["indexed"] == came["read-all"] / 100
    assert came["scan-projected"] == came["indexed-projected"] < came["indexed"] / 5


@needs_postgres
def test_states_that_are_not_vacuumed_take_more_room(seen):
    found = {way: seen(upkeep, way, case=levels.VACUUM, states=500, times=8) for way in ("never-vacuumed", "vacuumed")}
    assert found["vacuumed"]["upkeep_table_bytes"] < found["never-vacuumed"]["upkeep_table_bytes"]
    assert found["never-vacuumed"]["upkeep_vacuum_time"] == 0 < found["vacuumed"]["upkeep_vacuum_time"]
    assert all(values["upkeep_read_time"] > 0 for values in found.values())


@pytest.mark.parametrize(("read", "most"), [([3, 7, 5], 4), ([None], None), ([3, None, 9], 6)])
def test_what_sorts_hold_is_left_out_where_the_kernel_tells_none(read, most, monkeypatch):
    told, enough = iter(read), threading.Event()

    def anonymous_bytes():
        if len(asked) == 5:
            enough.set()
        asked.append(1)
        return next(told, read[-1])

    asked = []
    monkeypatch.setattr(_upkeep, "_SAMPLE_S", 0.0001)
    role = SimpleNamespace(processes=SimpleNamespace(anonymous_bytes=anonymous_bytes))
    with _upkeep._held_beyond_now(role) as held:
        assert most is None or enough.wait(10)
    assert _upkeep.most_held(held) == most


@needs_postgres
def test_a_sort_that_does_not_fit_writes_files_and_one_that_fits_does_not(seen):
    found = {
        way: seen(upkeep, way, case=levels.SORT, rows=100_000, sessions=2) for way in ("work-mem-4", "work-mem-64")
    }
    assert found["work-mem-4"]["upkeep_spilled_bytes"] > 0 == found["work-mem-64"]["upkeep_spilled_bytes"]
    assert all(values["upkeep_sort_time"] > 0 for values in found.values())
