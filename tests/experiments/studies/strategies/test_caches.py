"""The part `caches`: what is planned, the ways on a real Redis, the optimum, and a small run."""

from __future__ import annotations

import asyncio
import json
import subprocess
import tempfile
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments import metrics
from experiments.analysis import claims
from experiments.measuring import records, services
from experiments.measuring.records import EngineSpec, Outcome
from experiments.measuring.study import BLOCKS, GRADED, Cell, GridRequest, Preset
from experiments.metrics.interface import Missing
from experiments.studies.strategies import caches
from experiments.studies.strategies._cache_ways import (
    CacheWay,
    InProcessCache,
    RedisAside,
    RedisThrough,
    SlowOrigin,
    Uncached,
)
from experiments.studies.strategies._caching import AccessesSeen, CacheAccess, accesses, popular
from experiments.studies.strategies._optimum import most_hits

KEYS = 12


def cells(preset: Preset) -> list[Cell]:
    return caches.cells(GridRequest(preset=preset, systems=(), engine=EngineSpec(name="simulated")))


@pytest.mark.parametrize("preset", BLOCKS)
def test_every_cell_is_one_trial_and_redis_is_asked_for_where_it_is_used(preset: Preset) -> None:
    found = cells(preset)
    assert len({(str(cell.condition), cell.subject, cell.twin) for cell in found}) == len(found)
    assert all(0 < cell.estimate_s < cell.timeout_s and json.dumps(cell.condition) for cell in found)
    assert all(bool(cell.services) is cell.subject.startswith("redis-") for cell in found)
    assert any(cell.twin for cell in found) is (preset in GRADED)
    assert all("no model runs" in cell.labels[0] for cell in found)
    assert all(metrics.get(name) for name in caches.MEASURES)


def test_the_standard_preset_tests_every_condition_of_the_claims_and_takes_four_minutes_at_most() -> None:
    found = cells("standard")
    assert cells("wide") == found
    for name in ("S2-cache", "S2-cache-lat"):
        for test in claims.get(name).tests:
            fitting = [cell for cell in found if test.fits(cell.condition)]
            assert len({str(cell.condition) for cell in fitting}) == 1, test.title
            assert {test.subject, test.reference} - {None} <= {cell.subject for cell in fitting}, test.title
    assert BLOCKS["standard"] * sum(cell.estimate_s for cell in found) < 4 * 60


# The optimum


def least_recently_used(keys: Sequence[int], room: int) -> int:
    held: OrderedDict[int, None] = OrderedDict()
    hits = 0
    for key in keys:
        hits += key in held
        held[key] = None
        held.move_to_end(key)
        if len(held) > room:
            held.popitem(last=False)
    return hits


@given(st.lists(st.integers(0, 9), max_size=60), st.integers(1, 12))
def test_nobody_hits_more_than_the_optimum_and_no_room_is_better_than_room_for_all(keys: list[int], room: int) -> None:
    reads = [True] * len(keys)
    most = most_hits(keys, reads, room)
    assert least_recently_used(keys, room) <= most <= len(keys) - len(set(keys))
    assert most_hits(keys, reads, 10) == len(keys) - len(set(keys))
    assert most_hits(keys, reads, 10, range(10)) == len(keys)


@given(st.lists(st.integers(0, 5), max_size=12), st.integers(1, 4))
def test_the_optimum_is_the_best_of_all_that_may_leave(keys: list[int], room: int) -> None:
    assert most_hits(keys, [True] * len(keys), room) == best(tuple(keys), room, frozenset())


def best(keys: tuple[int, ...], room: int, held: frozenset[int]) -> int:
    if not keys:
        return 0
    first, *left = keys
    rest = tuple(left)
    if first in held:
        return 1 + best(rest, room, held)
    if len(held) < room:
        return best(rest, room, held | {first})
    return max(best(rest, room, (held | {first}) - {gone}) for gone in held | {first})


def test_an_independent_simulator_whose_optimum_stores_everything_hits_no_more() -> None:
    pytest.importorskip("libcachesim")
    from experiments.studies.memory.hit_rate import simulate

    keys = [access.key for access in accesses(3, 1_000, 200, 0.0, 0.0)]
    simulated = simulate("Belady", 20, list(map(str, keys)))
    assert 0.9 * most_hits(keys, [True] * len(keys), 20) < simulated <= most_hits(keys, [True] * len(keys), 20)


def test_what_is_changed_is_held_and_counts_as_no_hit() -> None:
    assert most_hits([1, 2, 1, 2], [False, False, True, True], 1) == 1
    assert most_hits([1, 2, 1, 2], [False, False, True, True], 2) == 2


# The ways


@pytest.fixture(scope="module")
def redis_address() -> Iterator[str]:
    service = services.get("redis")
    if missing := service.missing():
        pytest.skip(missing)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        address = str(folder / "socket")
        process = subprocess.Popen(service.command(folder, address), cwd=folder, stdout=subprocess.DEVNULL)
        try:
            while not _ready(service, address):
                assert process.poll() is None
            yield address
        finally:
            process.terminate()
            process.wait(service.stops_within_s)


def _ready(service: services.Service, address: str) -> bool:
    try:
        return service.ready(address)
    except OSError:
        return False


@pytest.fixture(scope="module")
def ways(redis_address: str) -> dict[str, Callable[[SlowOrigin, int], CacheWay]]:
    return {
        "uncached": Uncached,
        "in-process": InProcessCache,
        "redis-aside": lambda origin, room: RedisAside(origin, room, redis_address),
        "redis-through": lambda origin, room: RedisThrough(origin, room, redis_address),
    }


NAMES = ("uncached", "in-process", "redis-aside", "redis-through")


def used(
    make: Callable[[SlowOrigin, int], CacheWay], room: int, planned: Sequence[CacheAccess]
) -> tuple[AccessesSeen, int, int, int]:
    """Make the accesses one after another; return what was seen, the hits, the reads of the origin, what is held."""

    async def use() -> tuple[AccessesSeen, int, int, int]:
        seen = AccessesSeen()
        with tempfile.TemporaryDirectory() as folder, closing(SlowOrigin(Path(folder) / "o.sqlite", KEYS, 1)) as origin:
            way = make(origin, room)
            await way.open(1)
            for access in planned:
                await seen.do(way, access)
            held = await way.held()
            await way.close()
            return seen, way.hits, origin.reads, held

    return asyncio.run(use())


def planned(*steps: tuple[int, str]) -> list[CacheAccess]:
    return [CacheAccess(key=key, kind=kind, after_s=0.0) for key, kind in steps]  # type: ignore[arg-type]


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=15, deadline=None)
@given(steps=st.lists(st.tuples(st.integers(0, KEYS - 1), st.sampled_from(["read", "read", "change"])), max_size=40))
def test_alone_no_way_reads_anything_stale_and_every_miss_asks_the_origin(
    ways: dict[str, Callable[[SlowOrigin, int], CacheWay]], name: str, steps: list[tuple[int, str]]
) -> None:
    seen, hits, origin_reads, held = used(ways[name], KEYS, planned(*steps))
    reads = sum(kind == "read" for _, kind in steps)
    assert seen.stale == 0
    assert len(seen.read_s) == reads == hits + origin_reads
    assert held <= (0 if name == "uncached" else KEYS)


@pytest.mark.parametrize(
    ("name", "hits", "stale"),
    [("uncached", 0, 0), ("in-process", 3, 2), ("redis-aside", 1, 0), ("redis-through", 3, 0)],
)
def test_what_another_agent_changed_is_stale_in_the_process_alone(
    ways: dict[str, Callable[[SlowOrigin, int], CacheWay]], name: str, hits: int, stale: int
) -> None:
    steps = planned((1, "read"), (1, "read"), (1, "elsewhere"), (1, "read"), (1, "elsewhere"), (1, "read"))
    seen, found, _, _ = used(ways[name], KEYS, steps)
    assert (found, seen.stale) == (hits, stale)


@pytest.mark.parametrize(("name", "stale"), [("in-process", 0), ("redis-aside", 1), ("redis-through", 0)])
async def test_an_answer_that_a_change_overtook_stays_in_a_cache_aside(
    ways: dict[str, Callable[[SlowOrigin, int], CacheWay]], name: str, stale: int, tmp_path: Path
) -> None:
    seen = AccessesSeen()
    with closing(SlowOrigin(tmp_path / "o.sqlite", KEYS, 1)) as origin:
        way = ways[name](origin, KEYS)
        await way.open(2)
        reading = asyncio.create_task(seen.do(way, CacheAccess(key=1, kind="read", after_s=0.1)))
        async with asyncio.timeout(10):
            while not origin.reads:  # noqa: ASYNC110 - an origin has no event for it
                await asyncio.sleep(0.001)
        await seen.do(way, CacheAccess(key=1, kind="change", after_s=0.0))
        await reading
        await seen.do(way, CacheAccess(key=1, kind="read", after_s=0.0))
        await way.close()
    assert seen.stale == stale


@pytest.mark.parametrize("name", ["in-process", "redis-aside"])
def test_a_cache_has_room_for_about_as_many_things_as_it_is_said_to(
    ways: dict[str, Callable[[SlowOrigin, int], CacheWay]], name: str
) -> None:
    *_, held = used(ways[name], 8, planned(*((key, "read") for _ in range(3) for key in range(KEYS))))
    assert 4 <= held <= 8


def test_accesses_have_the_stated_changes_and_delays_and_are_the_same_for_one_seed() -> None:
    found = accesses(1, 10_000, 100, 0.02, 5)
    assert found == accesses(1, 10_000, 100, 0.02, 5) != accesses(2, 10_000, 100, 0.02, 5)
    kinds = [access.kind for access in found]
    assert 70 < kinds.count("change") < 130
    assert 70 < kinds.count("elsewhere") < 130
    assert 0.0045 < sum(access.after_s for access in found) / len(found) < 0.0055
    assert {access.after_s for access in accesses(1, 100, 100, 0.02, 0)} == {0.0}


def test_a_cache_is_warmed_with_what_was_popular_on_another_day() -> None:
    warmed = popular(1, 1_000, 100, 10)
    assert len(set(warmed)) == 10
    assert 0 in warmed[-3:]
    assert sorted(popular(1, 20, 100, 100)) == list(range(100))
    assert popular(1, 20, 100, 50) == popular(1, 20, 100, 100)[50:] != popular(2, 20, 100, 50)


# From the trial to the figure


@pytest.mark.long
def test_a_small_run_measures_everything(fourgig, enforcement, tmp_path: Path) -> None:
    if missing := services.get("redis").missing():
        pytest.skip(missing)
    out = tmp_path / "run"
    arguments = ("strategies", "--part", "caches", "--engine", "simulated", "--preset", "smoke", "--out", out)
    done = fourgig("run", *arguments, *enforcement)
    assert done.returncode == 0, done.stderr
    found = {record.spec.subject: record for record in records.read(out / "trials.jsonl")}
    assert {record.outcome for record in found.values()} == {Outcome.OK}
    assert set(found) == {"in-process", "redis-aside"}
    for record in found.values():
        for name in set(caches.MEASURES) - {"warming_time"}:
            assert _value(name, record) >= 0, name
        assert 0 < _value("hit_rate", record) <= _value("hit_rate_of_optimum", record) <= 1
    [service] = found["redis-aside"].outside.services
    assert (service.name, service.inside) == ("redis", True)
    assert _value("stale_reads", found["redis-aside"]) == 0
    assert (out / "figures" / "strategies-caches-hits.svg").exists()


def _value(metric: str, record: records.Record) -> float:
    value = metrics.get(metric).of(record)
    assert not isinstance(value, Missing), value.reason
    return value
