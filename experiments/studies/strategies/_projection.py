"""What a trial of the part ``projection`` does."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from asyncpg import Connection

from experiments.measuring.probes import memory
from experiments.measuring.role import Role
from experiments.studies.strategies._postgres import connection
from experiments.studies.subjects import Stopwatch
from experiments.workloads.memories import AGENTS, SIZES, TABLE, insertion, newest

_ASKED = 10  # times, of agents chosen by chance
_NEWEST = 10
_ALL = "SELECT * FROM memories"
_INDEX = "CREATE INDEX by_agent ON memories (agent, at DESC)"
_NEEDED = "id, data"


def run(role: Role) -> None:
    """Fill the table step by step, and ask for the newest memories of agents at each size."""
    asyncio.run(_run(role))


async def _run(role: Role) -> None:
    chosen = random.Random(role.spec.seed)
    async with connection(role) as database:
        await database.execute(TABLE)
        if role.spec.subject.startswith("indexed"):
            await database.execute(_INDEX)
        way, held = _Way(role.spec.subject, database), 0
        for name, size in SIZES.items():
            if size > int(role.spec.condition["memories"] or 0):
                break
            await database.execute(insertion(held, size, role.spec.seed))
            held = size
            await database.execute("VACUUM ANALYZE memories")
            agents = [chosen.randrange(AGENTS) for _ in range(_ASKED)]
            role.part.values |= {f"{what}_{name}": value for what, value in (await _seen(way, size, agents)).items()}
            role.part.values["retrieval_peak_bytes"] = float(memory.peak_bytes())  # of the last size, the largest
        await asyncio.to_thread(role.outside_look)


class _Way:
    """One way to the newest memories of an agent: what the database is asked for, and what is done here."""

    def __init__(self, subject: str, database: Connection) -> None:
        fields = _NEEDED if subject.endswith("projected") else "*"
        chosen = f"SELECT {fields} FROM memories WHERE agent = $1 ORDER BY at DESC LIMIT {_NEWEST}"  # noqa: S608 - ours
        self._reads_all = subject == "read-all"
        self._asks, self._database = _ALL if self._reads_all else chosen, database

    async def rows(self, agent: int) -> Sequence[Any]:
        """Return the rows that come from the database."""
        rows: Sequence[Any] = await self._database.fetch(self._asks, *(() if self._reads_all else (agent,)))
        return rows

    def newest(self, rows: Sequence[Any], agent: int) -> Sequence[Any]:
        """Return those of ``rows`` that were wanted, in their order."""
        if not self._reads_all:
            return rows
        return sorted((row for row in rows if row["agent"] == agent), key=_at, reverse=True)[:_NEWEST]


def _at(row: Any) -> Any:
    return row["at"]


async def _seen(way: _Way, size: int, agents: Sequence[int]) -> dict[str, float]:
    """Return the seconds of asking for the memories of an agent, and the bytes that come for it.

    Raises AssertionError where other memories come than the newest.
    """
    came = _bytes(await way.rows(agents[0]))  # and what is cold is warm afterwards
    Path("/proc/self/clear_refs").write_text("5")  # forgets the peak of memory so far
    took = []
    for agent in agents:
        clock = Stopwatch()
        found = [row["id"] for row in way.newest(await way.rows(agent), agent)]
        took.append(clock())
        if found != newest(size, agent, _NEWEST):
            raise AssertionError(f"The memories {found} of agent {agent} came of {size}.")
    return {"retrieval_s": median(took), "retrieval_bytes": float(came)}


def _bytes(rows: Iterable[Any]) -> int:
    """Return the bytes of all values: of text and vectors as long as they are, of the others eight."""
    return sum(len(value) if isinstance(value, str | bytes) else 8 for row in rows for value in row.values())
