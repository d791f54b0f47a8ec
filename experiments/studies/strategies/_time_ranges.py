"""What a trial of the part ``time-ranges`` does."""

from __future__ import annotations

import asyncio
import json
from statistics import median
from typing import Any

from asyncpg import Connection

from experiments.measuring.role import Role
from experiments.studies.strategies._postgres import connection
from experiments.studies.strategies._postgres_levels import SHUFFLED
from experiments.studies.subjects import Stopwatch
from experiments.workloads import events
from experiments.workloads.events import Range

_REPEATS = 5
_ASKED = "SELECT count(*), sum(tokens) FROM events WHERE at >= $1 AND at < $2"
_INDEXES = {"btree": "CREATE INDEX by_time ON events (at)", "brin": "CREATE INDEX by_time ON events USING brin (at)"}
_INDEX_BYTES = "SELECT coalesce(sum(pg_relation_size(oid)), 0)::bigint FROM pg_class WHERE relname = 'by_time'"


def run(role: Role) -> None:
    """Fill the table, make what finds ranges in it, and ask for them."""
    asyncio.run(_run(role))


async def _run(role: Role) -> None:
    async with connection(role) as database:
        # Planned for the very range that is asked for, in every way: a plan for any range prunes no partition early.
        await database.execute("SET plan_cache_mode = force_custom_plan")
        clock = Stopwatch()
        await _load(role, database)
        if role.spec.subject in _INDEXES:
            await database.execute(_INDEXES[role.spec.subject])
        await database.execute("VACUUM ANALYZE")
        values = {"range_preparing_s": clock(), "range_index_bytes": float(await database.fetchval(_INDEX_BYTES))}
        for name, width in events.RANGES.items():
            asked = events.ranges(int(role.spec.condition["rows"] or 0), width, _REPEATS, role.spec.seed)
            values[f"range_blocks_{name}"] = await _blocks(database, asked[0])  # and what is cold is warm afterwards
            values[f"range_s_{name}"] = median([await _took(database, each) for each in asked])
        values["range_append_s"] = await _appended(role, database)
        role.part.values = values
        await asyncio.to_thread(role.outside_look)


async def _load(role: Role, database: Connection) -> None:
    rows, shuffled = int(role.spec.condition["rows"] or 0), role.spec.condition["order"] == SHUFFLED
    partitioned = role.spec.subject == "partitions"
    async with database.transaction():
        await database.execute(
            f"CREATE TABLE events ({events.COLUMNS}){' PARTITION BY RANGE (at)' if partitioned else ''}"
        )
        if partitioned:
            for day in range(events.DAYS + 1):  # one is there for tomorrow
                begin, end = (f"timestamptz '{events.START}' + interval '{each} days'" for each in (day, day + 1))
                await database.execute(
                    f"CREATE TABLE events_{day} PARTITION OF events FOR VALUES FROM ({begin}) TO ({end})"
                )
        await database.execute(events.insertion(rows, 0, rows, role.spec.seed, shuffled=shuffled))


async def _took(database: Connection, asked: Range) -> float:
    """Return the seconds of asking once. Raises AssertionError where other events come than are there."""
    clock = Stopwatch()
    found = await database.fetchrow(_ASKED, asked.start, asked.end)
    took_s = clock()
    if found[0] != asked.events:
        raise AssertionError(f"{found[0]} events came of {asked.events} from {asked.start} to {asked.end}.")
    return took_s


async def _blocks(database: Connection, asked: Range) -> float:
    """Return how many blocks of 8 KiB are read, index included, wherever they come from."""
    explained = f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) {_ASKED}"
    plan: dict[str, Any] = json.loads(await database.fetchval(explained, asked.start, asked.end))[0]["Plan"]
    return float(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


async def _appended(role: Role, database: Connection) -> float:
    """Return the seconds of adding one more day, on the disk when it is told so."""
    rows = int(role.spec.condition["rows"] or 0)
    statement = events.insertion(rows, rows, rows + rows // events.DAYS, role.spec.seed)
    clock = Stopwatch()
    await database.execute(statement)
    return clock()
