"""Kill -9 of a writer at random points: every acknowledged turn is there afterwards, and the file is sound."""

import asyncio
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing

import pytest

from systems.memory.fulltext import FullTextStore

KILLS = int(os.environ.get("FOURGIG_KILLS", "4"))
"""How often; FOURGIG_KILLS=100 takes some three minutes."""

# Now and then it makes the file smaller, or is killed while it does.
WRITER = """
import asyncio, random, sys
from pathlib import Path
from systems.memory import archive
from systems.memory.fulltext import FullTextStore
from systems.memory.schema import SavedTurn

async def main(path, seed, number):
    rng = random.Random(seed)
    while True:
        store = FullTextStore(path)
        await store.open()
        for _ in range(rng.randint(50, 400)):
            turns = [
                SavedTurn(session=f"s{n % 3}", question=str(n), answer="x" * rng.randint(0, 3000))
                for n in range(number, number + rng.randint(1, 5))
            ]
            await store.save(turns)
            number += len(turns)
            print(turns[0].question, turns[-1].question, flush=True)
        await store.close()
        archive.compact(path)

asyncio.run(main(Path(sys.argv[1]), *map(int, sys.argv[2:])))
"""


@pytest.mark.parametrize("seed", [7])
def test_killed_at_random_points_no_acknowledged_turn_is_lost(tmp_path, seed):
    rng = random.Random(seed)
    path = tmp_path / "memory.sqlite"
    acknowledged: set[int] = set()
    for kill in range(KILLS):
        start = max(acknowledged, default=-1) + 10  # what was being saved at the last kill may be there or not
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), str(seed + kill), str(start)], stdout=subprocess.PIPE, text=True
        )
        first = writer.stdout.readline()
        time.sleep(rng.uniform(0.0, 0.8))
        os.kill(writer.pid, signal.SIGKILL)
        said = first + writer.communicate()[0]
        for line in said[: said.rfind("\n")].splitlines():
            begin, end = map(int, line.split())
            acknowledged |= set(range(begin, end + 1))
        asyncio.run(_opened(path))
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",), f"after kill {kill}"
            connection.execute("INSERT INTO memory_index (memory_index) VALUES ('integrity-check')")
            there = {int(row[0]) for row in connection.execute("SELECT question FROM memories")}
            indexed = connection.execute(
                "SELECT count(*) FROM memory_index WHERE memory_index MATCH ?", _any()
            ).fetchone()
        assert acknowledged <= there, f"after kill {kill}"
        assert len(there - acknowledged) <= 5 * (kill + 1), "at most the batch under way at each kill"
        assert indexed == (len(there),)
    assert len(acknowledged) > 300 * KILLS / 4


async def _opened(path):
    """Let the next agent index what the killed one had not."""
    store = FullTextStore(path)
    await store.open()
    await store.close()


def _any():
    from systems.memory.schema import scope

    return (" OR ".join(f'"{scope(f"s{n}")}"' for n in range(3)),)
