"""The trials of the part `kills`: a session goes on in a new process, after the old one ended."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterable, Sequence
from contextlib import suppress

from experiments.measuring.role import Role
from experiments.measuring.workload import Turn, workloads
from experiments.studies.frameworks._levels import KILLED
from experiments.studies.frameworks._running import Running, running
from experiments.studies.planning import post
from experiments.studies.subjects import Stopwatch, ask, ask_for_reply, data_dir, planned
from experiments.workloads.endpoint.asked import heard, url
from systems.engines.interface import Message
from systems.errors import SystemClosed, SystemFailed

_SESSION = "user"


def run(role: Role) -> None:
    """Ask, end, and ask again."""
    asyncio.run(_live(role))


def in_prompt(texts: Iterable[str], prompt: Sequence[Message]) -> list[bool]:
    """Return of each text whether it stands in one of the messages of ``prompt``, word for word."""
    return [any(text.strip() in message.content for message in prompt) for text in texts]


async def _live(role: Role) -> None:
    turns = int(role.spec.condition["turns"] or 0)
    *asked, last = workloads.get(role.spec.workload)(role.spec.seed, 1, turns + 1)[0]
    address, folder = role.service("endpoint"), data_dir(role)
    await asyncio.to_thread(post, url(address), planned({_SESSION: [*asked, last]}))
    answers = await _acknowledged(role, address, asked)
    await asyncio.to_thread(heard, address)
    async with running(role, address, folder) as system:
        row = await ask(system.host, last, _SESSION, Stopwatch(), 0.0)
        await asyncio.to_thread(role.outside_look)
    newest = (await asyncio.to_thread(heard, address)).newest
    questions, replies = in_prompt([turn.text for turn in asked], newest), in_prompt(answers, newest)
    role.part.values |= {
        "acknowledged": float(turns),
        "kept": float(sum(map(all, zip(questions, replies, strict=True)))),
        "questions_kept": float(sum(questions)),
        "goes_on": float(row.outcome == "ok"),
    }


async def _acknowledged(role: Role, address: str, asked: Sequence[Turn]) -> list[str]:
    """Have the turns answered, end the system as the condition says, and return the answers.

    Raises `SystemFailed` where one is not answered: then nothing is told of what would have been kept.
    """
    answers: list[str] = []
    killed = False
    try:
        async with running(role, address, data_dir(role)) as system:
            answers = [await _answer(role, system, turn) for turn in asked]
            if role.spec.condition["end"] == KILLED:
                killed = True
                for pid in system.pids():
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
    except (SystemClosed, SystemFailed):
        if not killed:  # who was killed cannot be closed
            raise
    return answers


async def _answer(role: Role, system: Running, turn: Turn) -> str:
    """Return the answer to a turn. Raises `SystemFailed`."""
    row, reply = await ask_for_reply(system.host, turn, _SESSION, Stopwatch(), 0.0)
    if reply is None:
        raise SystemFailed(f"{role.spec.subject} did not answer a turn: {row.outcome}.")
    return reply.text
