"""How long a forgetting takes while others talk, and how much they notice of it.

    python -m tests.benchmarks.forgetting [--turns 2000 100000] [--times 5]

A memory file of so many turns of 21 people, a thousand conversations: half of them are of the one who forgets. Two
others ask one question after another of an agent whose model answers at once. Before, and while one turn of a
conversation is forgotten, so many times in a row, it is told how long their slowest turn took and how late the event
loop was at most.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import sqlite3
import tempfile
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from experiments.measuring import code
from systems.asynchronous.agent import Asynchronous
from systems.asynchronous.settings import AsynchronousSettings
from systems.engines.simulated import SimulatedEngine, SimulatedSettings
from systems.interface import Request
from systems.memory.filling import MEMORY_FILE
from systems.memory.schema import INSERT, SavedTurn, prepare

ME, OTHERS = "vera", ("s1", "s3")
_CONVERSATIONS, _WORDS = 1_000, 20_000
_PAUSE_S, _LOOK_S, _BEFORE_S = 0.005, 0.01, 2.0


def fill(path: Path, turns: int) -> None:
    """Write so many turns of random words into a new memory file."""
    chance = random.Random(1)
    words = [f"word{number}" for number in range(_WORDS)]
    with closing(sqlite3.connect(path)) as connection, connection:
        prepare(connection)
        connection.executemany(
            INSERT,
            (
                SavedTurn(
                    session=f"s{number % 20}" if number % 2 else ME,
                    conversation=f"c{number % _CONVERSATIONS}",
                    question="I like " + " ".join(chance.choices(words, k=12)),
                    answer="Well, " + " ".join(chance.choices(words, k=30)),
                    created=float(number),
                ).row(cut=True)
                for number in range(turns)
            ),
        )


class Others:
    """Those who talk meanwhile: how long each of their turns took, and how late the loop was, in seconds."""

    def __init__(self, agent: Asynchronous) -> None:
        self._agent = agent
        self._chance = random.Random(2)
        self.turns: list[float] = []
        self.late: list[float] = []

    async def talk(self, session: str) -> None:
        """Ask one question after another, until cancelled."""
        while True:
            text = f"Do I like word{self._chance.randrange(_WORDS)} and word{self._chance.randrange(_WORDS)}?"
            began = time.perf_counter()
            await self._agent.answer(Request(id=text, session=session, text=text, max_tokens=2))
            self.turns.append(time.perf_counter() - began)
            await asyncio.sleep(_PAUSE_S)

    async def look(self) -> None:
        """Look how late the loop is, until cancelled."""
        while True:
            began = time.perf_counter()
            await asyncio.sleep(_LOOK_S)
            self.late.append(time.perf_counter() - began - _LOOK_S)

    def said(self) -> str:
        """Return what was noticed since this was asked last."""
        text = f"{len(self.turns):5d} turns, the slowest {max(self.turns):.3f} s; loop late by {max(self.late):.3f} s"
        self.turns.clear()
        self.late.clear()
        return text


async def measure(folder: Path, times: int) -> None:
    """Forget, and print a line each time."""
    agent = Asynchronous(AsynchronousSettings(), SimulatedEngine(SimulatedSettings()), folder)
    await agent.start()
    began = time.perf_counter()
    await agent.turns(ME)
    opened = time.perf_counter() - began
    listing = []
    for _ in range(times):
        began = time.perf_counter()
        await agent.conversations(ME)
        listing.append(time.perf_counter() - began)
    size = (folder / MEMORY_FILE).stat().st_size / 1e6
    print(
        f"{size:.0f} MB; opened in {opened:.2f} s, conversations listed in {median(listing):.3f} s (median of {times})"
    )
    others = Others(agent)
    tasks = [asyncio.create_task(each) for each in (*map(others.talk, OTHERS), others.look())]
    try:
        await asyncio.sleep(_BEFORE_S)
        print(f"  nothing forgotten, {_BEFORE_S:g} s: {others.said()}")
        for number in range(times):
            [turn, *_] = await agent.turns(ME, conversation=f"c{2 * number}")
            began = time.perf_counter()
            await agent.forget(ME, turn=turn.id)
            print(f"  a turn forgotten in {time.perf_counter() - began:.2f} s: {others.said()}", flush=True)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await agent.close()


def main() -> None:
    """Measure files of each size."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.forgetting")
    parser.add_argument("--turns", type=int, nargs="+", default=[2_000, 100_000])
    parser.add_argument("--times", type=int, default=5)
    given = parser.parse_args()
    print("How long a forgetting takes while others talk, and how much they notice of it")
    print(
        f"{os.cpu_count()} processors, SQLite {sqlite3.sqlite_version}; load {os.getloadavg()[0]:.1f}; "
        f"code version {code.version('asynchronous', 'memory')}; {datetime.now(UTC):%Y-%m-%d}\n"
    )
    for turns in given.turns:
        with tempfile.TemporaryDirectory() as folder:
            fill(Path(folder) / MEMORY_FILE, turns)
            print(f"{turns:,} turns, ", end="")
            asyncio.run(measure(Path(folder), given.times))


if __name__ == "__main__":
    main()
