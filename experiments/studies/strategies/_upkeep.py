"""What a trial of the part ``upkeep`` does."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from statistics import median
from typing import Any

from asyncpg import Connection

from experiments.measuring.role import Role
from experiments.studies.strategies._postgres import connection
from experiments.studies.strategies._postgres_levels import SORT, WORK_MEM_MIB
from experiments.studies.subjects import Stopwatch

_READS = 5
_STATES = """
    CREATE TABLE states (
        agent integer PRIMARY KEY, seen timestamptz NOT NULL, turns integer NOT NULL, state text NOT NULL
    ) WITH (autovacuum_enabled = off);
    CREATE INDEX by_seen ON states (seen);
"""
_WRITE = "UPDATE states SET seen = clock_timestamp(), turns = turns + 1, state = md5(state)"
_READ = "SELECT count(*), sum(turns) FROM states"
_TABLE_BYTES = "SELECT pg_total_relation_size('states')"

# Sorts all rows, and gives away none but the last.
_SORT = "SELECT * FROM events ORDER BY body OFFSET {last}"
_BLOCK_BYTES = 8192
_SAMPLE_S = 0.01


def run(role: Role) -> None:
    """Write states over and read them, or sort rows, as the condition says."""
    asyncio.run(_sort(role) if role.spec.condition["case"] == SORT else _write_over(role))


async def _write_over(role: Role) -> None:
    states, times = int(role.spec.condition["states"] or 0), int(role.spec.condition["times"] or 0)
    writing, vacuuming = [], []
    async with connection(role) as database:
        await database.execute(_STATES)
        await database.execute(
            f"INSERT INTO states SELECT number, clock_timestamp(), 0, md5(number::text) FROM {_numbers(states)}"  # noqa: S608
        )
        await database.execute("VACUUM ANALYZE states")
        for _ in range(times):
            writing.append(await _took(database, _WRITE))
            if role.spec.subject == "vacuumed":
                vacuuming.append(await _took(database, "VACUUM states"))
        found = await database.fetchrow(_READ)  # and what is cold is warm afterwards
        if tuple(found) != (states, states * times):
            raise AssertionError(f"{found} is read of {states} states written over {times} times.")
        role.part.values = {
            "upkeep_write_s": sum(writing),
            "upkeep_vacuum_s": sum(vacuuming),
            "upkeep_read_s": median([await _took(database, _READ) for _ in range(_READS)]),
            "upkeep_table_bytes": float(await database.fetchval(_TABLE_BYTES)),
        }
        await asyncio.to_thread(role.outside_look)


def _numbers(count: int) -> str:
    return f"generate_series(1, {count}) AS number"


async def _took(database: Connection, statement: str) -> float:
    clock = Stopwatch()
    await database.execute(statement)
    return clock()


async def _sort(role: Role) -> None:
    rows, sessions = int(role.spec.condition["rows"] or 0), int(role.spec.condition["sessions"] or 0)
    statement = _SORT.format(last=rows - 1)
    async with AsyncExitStack() as stack:
        databases = [await stack.enter_async_context(connection(role)) for _ in range(sessions)]
        first = databases[0]
        await first.execute(
            f"CREATE TABLE events AS SELECT number, md5(number::text) AS body FROM {_numbers(rows)}"  # noqa: S608
        )
        await first.execute("VACUUM ANALYZE events")
        for database in databases:
            await database.execute(f"SET work_mem = '{WORK_MEM_MIB[role.spec.subject]}MB'")
            await database.execute("SET max_parallel_workers_per_gather = 0")
        spilled = await _spilled(first, statement)  # and what is cold is warm afterwards
        clock = Stopwatch()
        found = await asyncio.gather(*(database.fetch(statement) for database in databases))
        took_s = clock()
        if {len(each) for each in found} != {1}:
            raise AssertionError(f"{[len(each) for each in found]} rows came, of which each sort gives one.")
        with _held_beyond_now(role) as held:
            await asyncio.gather(*(database.fetch(statement) for database in databases))
        role.part.values = {
            "upkeep_sort_s": took_s,
            "upkeep_spilled_bytes": float(spilled),
        }
        most = most_held(held)
        if most is not None:
            role.part.values["upkeep_sort_bytes"] = float(most)
        await asyncio.to_thread(role.outside_look)


async def _spilled(database: Connection, statement: str) -> int:
    """Return how many bytes of working files one sort writes."""
    explained = f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) {statement}"
    plan: dict[str, Any] = json.loads(await database.fetchval(explained))[0]["Plan"]
    return int(plan["Temp Written Blocks"]) * _BLOCK_BYTES


@contextmanager
def _held_beyond_now(role: Role) -> Iterator[list[int]]:
    """Fill a list, on a thread, with how much more anonymous memory all processes hold than they do now.

    It stays empty where the kernel does not tell.
    """
    before = role.processes.anonymous_bytes()
    held: list[int] = []
    over = threading.Event()

    def watch() -> None:
        while before is not None and not over.wait(_SAMPLE_S):
            now = role.processes.anonymous_bytes()
            if now is not None:
                held.append(now - before)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield held
    finally:
        over.set()
        thread.join()


def most_held(held: Sequence[int]) -> int | None:
    """Return the most that was seen, and no less than nothing; None where nothing was seen."""
    return max(0, max(held)) if held else None
