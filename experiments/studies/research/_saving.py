"""The trials of the part `saving`: processes that save, end or are killed; and what is in the file they left."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import msgspec

from experiments.measuring.role import Role
from experiments.studies.research._levels import LISTED, SUMMED_UP
from experiments.studies.research._listed_saving import listed_restore
from experiments.studies.research._saving_child import PROGRAM, SavingSeen, Traffic, covered, turn_of
from systems.engines.interface import Message
from systems.errors import SystemFailed
from systems.research.keeping import tables

_SESSIONS = 10
_SUMMED_UP_PER_S, _SUMMARY_S = 50, 0.05  # a summary takes as long as a turn or two, as one does that people wait for


def run(role: Role) -> None:
    """Save the turns of the trial, and note what came of them."""
    condition = role.spec.condition
    turns = int(condition["turns"] or 0)
    pattern = None if role.spec.subject == LISTED else role.spec.subject
    traffic = msgspec.convert(
        {"path": "", "pattern": pattern, "turns": turns, "seed": role.spec.seed}
        | (
            {"turns_per_s": _SUMMED_UP_PER_S, "sessions": 1, "summary_s": _SUMMARY_S}
            if condition.get("case") == SUMMED_UP
            else {"turns_per_s": int(condition["turns_per_s"] or 1), "sessions": _SESSIONS}
        ),
        Traffic,
    )
    exited = msgspec.structs.replace(traffic, path=str(role.work_dir / "exited.sqlite"))
    if traffic.summary_s is not None:
        _note_summed_up(role, exited)
    else:
        _note_lost(role, exited, msgspec.structs.replace(traffic, path=str(role.work_dir / "killed.sqlite")))
    role.outside_look()


def _note_lost(role: Role, exited: Traffic, killed: Traffic) -> None:
    acknowledged, observed = _exit(exited)
    role.part.requests = observed.rows
    role.part.loop_delay_s = observed.loop_delay_s
    last = random.Random(role.spec.seed).randint(1, max(1, killed.turns // 2))
    for name, told, traffic in (("exit", acknowledged, exited), ("kill", _kill(killed, last), killed)):
        role.part.values[f"acknowledged_at_{name}"] = len(told)
        role.part.values[f"lost_at_{name}"] = len(told - _saved_turns(traffic))


def _note_summed_up(role: Role, traffic: Traffic) -> None:
    # When a turn was due means nothing here: it waits for the summaries that are in its way.
    _, observed = _exit(traffic)
    role.part.loop_delay_s = observed.loop_delay_s
    saved = sorted(turn_of(each.content) for each in _saved(traffic))
    summary, window = _restored(traffic)
    said, first = 2 * traffic.turns, observed.said_at_first_summary
    if first is None:
        raise SystemFailed("Nothing was summed up in the conversation that was to be.")
    role.part.values |= {
        "messages_said": said,
        "messages_saved": len(set(saved)),
        "said_after_summary": said - first,
        "saved_after_summary": len({number for number in saved if number >= first}),
        # Missing before something that is there: what is missing at the end was never saved.
        "holes": max(saved, default=-1) + 1 - len(set(saved)),
        "doubled_after_restart": sum(turn_of(each.content) < covered(summary) for each in window),
    }


def _exit(traffic: Traffic) -> tuple[set[int], SavingSeen]:
    """Have a process save ``traffic`` and end; return the turns it acknowledged, and what it observed."""
    with _started(traffic) as process:
        assert process.stdout is not None
        *lines, observed = process.stdout.read().splitlines() or [b""]
    if process.returncode or not observed:
        raise SystemFailed(f"The process that saves ended with status {process.returncode}.")
    return _acknowledged(lines), msgspec.json.decode(observed, type=SavingSeen)


def _kill(traffic: Traffic, last: int) -> set[int]:
    """Have a process save ``traffic``, kill it when it acknowledged ``last`` turns; return all it acknowledged."""
    lines: list[bytes] = []
    with _started(traffic) as process:
        assert process.stdout is not None
        while len(lines) < last and (line := process.stdout.readline()):
            lines.append(line)
        os.kill(process.pid, signal.SIGKILL)
        rest = process.stdout.read()
    # A line that the kill cut off was not told; what stood in the pipe was.
    lines += rest[: rest.rfind(b"\n") + 1].splitlines()
    return _acknowledged(lines)


def _started(traffic: Traffic) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", PROGRAM, msgspec.json.encode(traffic).decode()]
    return subprocess.Popen(command, stdout=subprocess.PIPE)


def _acknowledged(lines: list[bytes]) -> set[int]:
    return {int(line.split()[1]) for line in lines if line.startswith(b"saved ")}


def _saved(traffic: Traffic) -> list[Message]:
    """Return every message in the file, however often it is there."""
    with closing(sqlite3.connect(Path(traffic.path))) as connection:
        rows = connection.execute("SELECT role, content FROM messages").fetchall()
    return [Message(role, content) for role, content in rows]


def _saved_turns(traffic: Traffic) -> set[int]:
    """Return the turns of which both messages are in the file."""
    saved = {turn_of(each.content) for each in _saved(traffic)}
    return {number // 2 for number in saved if number % 2 == 0 and number + 1 in saved}


def _restored(traffic: Traffic) -> tuple[str, list[Message]]:
    """Return what the one session goes on with after a restart: its summary, and the messages beside it."""
    with closing(sqlite3.connect(Path(traffic.path))) as connection:
        if traffic.pattern is None:
            return listed_restore(connection, "session-0")
        restored = tables.restore(connection, "session-0")
    return restored.summary, list(restored.window)
