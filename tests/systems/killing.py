"""Programs that are killed in the middle of what they do, again and again, and what they had said until then.

Each is a process of its own, forked from one that has imported everything: that is most of what starting one costs.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

_NURSERY = """
import asyncio, os, sys

for run, _ in enumerate(sys.stdin):
    child = os.fork()
    if child == 0:
        try:
            asyncio.run(talk(run, *sys.argv[1:]))
        finally:
            os._exit(1)
    print("begun", child, flush=True)
    os.waitpid(child, 0)
    print("ended", flush=True)
"""

_CONVERSING = """
import asyncio, importlib, json, sys
from pathlib import Path
from systems.engines.simulated import SimulatedEngine, SimulatedSettings
from systems.interface import Request
from systems.memory import retrieval

module, _, name = sys.argv[2].partition(":")
System = getattr(importlib.import_module(module), name)

async def talk(run, folder, _, settings):
    engine = SimulatedEngine(SimulatedSettings(slots=4))
    agent = System(System.Settings(**json.loads(settings)), engine, Path(folder))
    await agent.start()
    number = 0
    while True:
        async def turn(user, number=number):
            text = f"run {run}: user {user} said {number}"
            await agent.answer(Request(id=text, session=f"user {user}", text=text, max_tokens=2))
            print(text, flush=True)
        await asyncio.gather(*map(turn, range(6)))
        number += 1
"""


def killed(program: str, *arguments: str, after: Iterable[int]) -> Iterator[list[str]]:
    """Kill ``talk`` of ``program`` when it has said so many lines; yield all that it had said, each time.

    ``talk`` is a coroutine function, of which time it is and of the ``arguments``.
    """
    command = [sys.executable, "-c", program + _NURSERY, *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None and process.stdout is not None
        for enough in after:
            process.stdin.write("\n")
            process.stdin.flush()
            child, said, alive = 0, list[str](), True
            while (line := process.stdout.readline().strip()) != "ended":
                if line.startswith("begun "):
                    child = int(line.removeprefix("begun "))
                else:
                    said.append(line)
                if alive and child and len(said) >= enough:
                    os.kill(child, signal.SIGKILL)
                    alive = False
            assert not alive, "it ended by itself"
            yield said


def said_last(folder: Path, system: str, settings: dict[str, int], kills: int) -> dict[str, str]:
    """Kill an agent so often while six users talk to it; return what each of them had acknowledged last.

    ``system`` is its module and class. Whatever is acknowledged has to be in its memory file after every kill.
    """
    newest: dict[str, str] = {}
    after = [30 + 17 * kill for kill in range(kills)]
    for said in killed(_CONVERSING, str(folder), system, json.dumps(settings), after=after):
        assert set(said) <= questions(folder)
        newest |= {line.split(": ")[1].split(" said")[0]: line for line in said}
    return newest


def questions(folder: Path) -> set[str]:
    """Return every question in the memory file."""
    with closing(sqlite3.connect(folder / "memory.sqlite")) as connection:
        return {question for (question,) in connection.execute("SELECT question FROM memories")}
