"""What a durable turn costs: the asynchronous agent's CPU time over that of the barest turn, in one run.

    python -m tests.benchmarks.turn_cost [BLOCKS]

The *bare* turn is what nobody can do without: read the newest five exchanges of the session from SQLite, await a model
that answers at once, insert and commit the turn (write-ahead log, synchronous=NORMAL: it survives a killed process).
The *agent's* turn has every mechanism on, and the very same model; or, *simulated*, the simulated engine without delay,
called on threads as a serial engine is, which counts its prompt's tokens and cuts its reply into tokens. All: 50 users
at once, 20 turns each, no question twice, 10,000 memories stored before. CPU time is the whole process's, all threads,
from the first question until all is saved and the file is closed. Every measurement is a fresh process; they alternate
in blocks, free to use all processors and kept on one: on two, threads that take turns with the same data slow each
other down, which the bare turn's one thread does not meet.

Where the time goes is measured by taking one part away at a time: what is left out returns at once, with nothing
(or, for the words, with those that were cut before).
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from functools import cache, partial
from itertools import chain, islice
from pathlib import Path
from statistics import median
from typing import Any

from experiments.measuring.workload import Turn
from experiments.workloads.conversations import conversations, sentences
from systems.asynchronous.agent import Asynchronous
from systems.asynchronous.settings import AsynchronousSettings
from systems.engines.interface import AsyncEngine, Call, Generation
from systems.engines.scripted import Script, Scripts, scripted
from systems.engines.simulated import SimulatedEngine, SimulatedSettings
from systems.memory import words
from systems.memory.fulltext import FullTextStore
from systems.memory.importance import is_important
from systems.memory.schema import SavedTurn

USERS, TURNS, MEMORIES = 50, 20, 10_000


_known = cache(words.both)


async def _finds_nothing(*_: object) -> list[str]:
    return []


async def _saves_nothing(*_: object) -> None:
    return None


async def _model(reply: str) -> str:
    """Answer at once, but not before others had their turn."""
    await asyncio.sleep(0)
    return reply


class ModelAtOnce(SimulatedEngine, AsyncEngine):
    """The bare turn's model as an engine."""

    async def reply(self, call: Call) -> Generation:
        """Return the script."""
        text = await _model(call.script or "")
        return Generation(text=text, prompt_tokens=0, generated_tokens=0, first_token_s=0.0, finish_reason="stop")


# What is replaced, by what.
PARTS: dict[str, tuple[Any, str, object]] = {
    "cutting words": (words, "both", _known),
    "the lookups": (FullTextStore, "find", _finds_nothing),
    "the saves": (FullTextStore, "save", _saves_nothing),
}


def bare(folder: Path) -> float:
    """Return the CPU seconds of a bare turn."""
    with closing(sqlite3.connect(folder / "bare.sqlite")) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("CREATE TABLE turns (id INTEGER PRIMARY KEY, session TEXT, question TEXT, answer TEXT)")
        connection.execute("CREATE INDEX by_session ON turns (session, id)")
        insert = "INSERT INTO turns (session, question, answer) VALUES (?, ?, ?)"
        stored = islice(sentences(1), MEMORIES)
        connection.executemany(insert, [(f"user-{number % USERS}", text, "") for number, text in enumerate(stored)])
        connection.commit()

        async def ask(session: str, turn: Turn) -> None:
            newest = "SELECT question, answer FROM turns WHERE session = ? ORDER BY id DESC LIMIT 5"
            connection.execute(newest, (session,)).fetchall()
            reply = await _model(turn.reply)
            connection.execute(insert, (session, turn.text, reply))
            connection.commit()

        async def run() -> float:
            planned = conversations(2, USERS, TURNS)
            began = time.process_time()
            await _everybody(planned, ask)
            connection.close()
            return time.process_time() - began

        return asyncio.run(run()) / (USERS * TURNS)


def agent(folder: Path, engine: type[SimulatedEngine] = ModelAtOnce, without: str = "") -> float:
    """Return the CPU seconds of the agent's turn, ``without`` one of `PARTS` or all of them."""
    asyncio.run(store(folder / "memory.sqlite", MEMORIES))
    for part in PARTS if without == "all of these" else [without] if without else []:
        owner, name, nothing = PARTS[part]
        setattr(owner, name, nothing)
    if without:
        for turn in chain.from_iterable(conversations(2, USERS, TURNS)):
            _known(turn.text)
    return asyncio.run(_asked(folder, engine(SimulatedSettings(slots=USERS)))) / (USERS * TURNS)


async def store(path: Path, count: int) -> None:
    """Make a memory file in which the users have ``count`` turns between them, as the agent saves them."""
    turns = [
        SavedTurn(
            session=f"user-{number % USERS}",
            question=text,
            answer="",
            important=is_important(text),
            created=float(number),
        )
        for number, text in enumerate(islice(sentences(1), count))
    ]
    file = FullTextStore(path)
    await file.open()
    await file.save(turns)
    await file.close()


async def _asked(folder: Path, engine: SimulatedEngine) -> float:
    [first] = conversations(9, 1, 1)[0]
    planned = conversations(2, USERS, TURNS)
    sessions = {f"user-{number}": turns for number, turns in enumerate(planned)}
    scripts = Scripts(
        Script(session, turn.text, (turn.reply,))
        for session, turns in {"warm-up": [first], **sessions}.items()
        for turn in turns
    )
    system = Asynchronous(AsynchronousSettings(), scripted(engine, scripts), folder)
    await system.start()
    await system.answer(first.request("first", "warm-up", 24))
    numbers = iter(range(10**9))

    async def ask(session: str, turn: Turn) -> None:
        await system.answer(turn.request(f"{next(numbers)}", session, 24))

    began = time.process_time()
    await _everybody(planned, ask)
    await system.close()
    return time.process_time() - began


async def _everybody(planned: list[list[Turn]], ask: Callable[[str, Turn], object]) -> None:
    async def user(session: str, turns: list[Turn]) -> None:
        for turn in turns:
            await ask(session, turn)  # type: ignore[misc]

    await asyncio.gather(*(user(f"user-{number}", turns) for number, turns in enumerate(planned)))


MEASURED: dict[str, Callable[..., float]] = {
    "bare": bare,
    "agent": agent,
    "simulated": partial(agent, engine=SimulatedEngine),
}


def _measured(what: str, *, one_processor: bool = False, **given: str) -> float:
    command = [sys.executable, "-m", "tests.benchmarks.turn_cost", what, *given.values()]
    usable = os.sched_getaffinity(0)
    keep = partial(os.sched_setaffinity, 0, {min(usable)} if one_processor else usable)
    return float(subprocess.run(command, check=True, capture_output=True, text=True, preexec_fn=keep).stdout)


def main() -> None:
    """Measure one thing, as a child; or all of it, and print every block."""
    if sys.argv[1:2] and sys.argv[1] in MEASURED:
        given = {"without": sys.argv[2]} if sys.argv[2:] else {}
        with tempfile.TemporaryDirectory() as folder:
            print(MEASURED[sys.argv[1]](Path(folder), **given))
        return
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    blocks: dict[bool, list[dict[str, float]]] = {False: [], True: []}
    for _ in range(count):
        for one_processor, measured in blocks.items():
            block = {what: _measured(what, one_processor=one_processor) for what in MEASURED}
            measured.append(block)
            floor, ours, simulated = block.values()
            print(
                f"{'one processor ' if one_processor else 'all processors'}: "
                f"bare {floor * 1e6:6.0f} µs, agent {ours * 1e6:6.0f} µs of CPU a turn: × {ours / floor:.1f}; "
                f"with the simulated engine {simulated * 1e6:6.0f} µs: × {simulated / floor:.1f}",
                flush=True,
            )
    for one_processor, measured in blocks.items():
        for what in ("agent", "simulated"):
            ratio = median(block[what] / block["bare"] for block in measured)
            print(f"{'one processor' if one_processor else 'all processors'}: median of {what} over bare × {ratio:.1f}")
    print(f"\nthe agent's turn without one part, and what that saves: median of {count} blocks")
    variants = ["", *PARTS, "all of these"]
    turns = [[_measured("agent", without=without) for without in variants] for _ in range(count)]
    whole, *rest = (median(column) * 1e6 for column in zip(*turns, strict=True))
    print(f"{'nothing':20s} {whole:6.0f} µs")
    for without, left in zip(variants[1:], rest, strict=True):
        print(f"{without:20s} {left:6.0f} µs, {whole - left:6.0f} µs less")


if __name__ == "__main__":
    main()
