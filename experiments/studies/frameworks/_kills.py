"""The trials of the part `kills`: a session goes on in a new process, after the old one ended."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterable, Sequence
from contextlib import suppress

from experiments.measuring.role import Role
from experiments.measuring.workload import Turn, workloads
from experiments.studies.frameworks._running import Running, running
from experiments.studies.planning import post
from experiments.studies.subjects import Stopwatch, ask, ask_for_reply, data_dir, planned
from experiments.workloads.endpoint.asked import heard, url
from experiments.workloads.framework_levels import KILLED
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
    address = role.service("endpoint")
    await asyncio.to_thread(post, url(address), planned({_SESSION: [*asked, last]}))
    answers = await _acknowledged(role, address, asked)
    await asyncio.to_thread(heard, address)
    goes_on = await _goes_on(role, address, last)
    role.part.values |= {"acknowledged": float(turns), "goes_on": float(goes_on)}
    newest = (await asyncio.to_thread(heard, address)).newest
    if goes_on and not newest:
        return  # answered without a call that asks the question: nobody knows what it still had
    questions, replies = in_prompt([turn.text for turn in asked], newest), in_prompt(answers, newest)
    role.part.values |= {
        "kept": float(sum(map(all, zip(questions, replies, strict=True)))),
        "questions_kept": float(sum(questions)),
    }


async def _goes_on(role: Role, address: str, turn: Turn) -> bool:
    """Start the system anew and ask once more; return whether it answers. A file left torn or locked shows here."""
    answered = False
    with suppress(SystemClosed, SystemFailed):
        async with running(role, address, data_dir(role)) as system:
            row = await ask(system.host, turn, _SESSION, Stopwatch(), 0.0)
            answered = row.outcome == "ok"
            await asyncio.to_thread(role.outside_look)
    return answered


async def _acknowledged(role: Role, address: str, asked: Sequence[Turn]) -> list[str]:
    """Have the turns answered, end the system as the condition says, and return the answers.

    Raises `SystemFailed` where one is not answered: then nothing is told of what would have been kept.
    """
    answers: list[str] = []
    killed = False
    *first, newest = asked
    try:
        async with running(role, address, data_dir(role)) as system:
            answers = [await _answer(role, system, turn) for turn in first]
            known = system.pids()  # to look for them takes time, in which a system could save what it acknowledged
            answers.append(await _answer(role, system, newest))
            if role.spec.condition["end"] == KILLED:
                killed = True
                _kill(known)
                _kill(system.pids())  # those that it started meanwhile
    except (SystemClosed, SystemFailed):
        if not killed:  # who was killed cannot be closed
            raise
    return answers


def _kill(pids: Iterable[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


async def _answer(role: Role, system: Running, turn: Turn) -> str:
    """Return the answer to a turn. Raises `SystemFailed`."""
    row, reply = await ask_for_reply(system.host, turn, _SESSION, Stopwatch(), 0.0)
    if reply is None:
        raise SystemFailed(f"{role.spec.subject} did not answer a turn: {row.outcome}.")
    return reply.text
