"""The trials of the part `overflow`: long turns, and what was sent and answered in each."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from experiments.measuring.role import Role
from experiments.measuring.workload import Turn
from experiments.studies.frameworks._running import note_work, running
from experiments.studies.frameworks.overflow import ENDPOINTS, QUESTION_TOKENS, TurnSeen, outcome_of
from experiments.studies.planning import post
from experiments.studies.subjects import Stopwatch, ask, data_dir, planned
from experiments.workloads.conversations import in_english
from experiments.workloads.endpoint.asked import heard, url
from systems.engines.simulated import count

_SESSION = "user"
_LEAST_OF_A_TURN = 25  # tokens of the workload's shortest question in English, rounded down


def run(role: Role) -> None:
    """Hold the conversation."""
    asyncio.run(_live(role))


def long_turns(seed: int, turns: int, tokens: int) -> Iterator[Turn]:
    """Yield turns whose questions have at least so many tokens: several of the workload's, one after another."""
    [drawn] = in_english(seed, 1, turns * -(-tokens // _LEAST_OF_A_TURN))
    left = iter(drawn)
    for _ in range(turns):
        parts: list[str] = []
        while sum(map(count, parts)) < tokens:
            last = next(left)
            parts.append(last.text)
        yield Turn(" ".join(parts), last.reply, last.observed)


async def _live(role: Role) -> None:
    condition = role.spec.condition
    context, turns = int(condition["context"] or 0), int(condition["turns"] or 0)
    asked = list(long_turns(role.spec.seed, turns, QUESTION_TOKENS))
    address = role.service(ENDPOINTS[str(condition["endpoint"])])
    await asyncio.to_thread(post, url(address), planned({_SESSION: asked}))
    told, seen, said = [], [], 0
    full = []  # the turns from the first one on for which the whole conversation is too long
    async with running(role, address, data_dir(role)) as system:
        clock = Stopwatch()
        for turn in asked:
            row = await ask(system.host, turn, _SESSION, clock, clock())
            told.append(await asyncio.to_thread(heard, address))
            role.part.requests.append(row)
            seen.append(TurnSeen(row.outcome == "ok", told[-1].prompts))
            said += count(turn.text)
            if said > context:
                full.append(seen[-1])
            said += told[-1].generated_tokens
        await asyncio.to_thread(role.outside_look)
    role.part.values |= {
        f"overflow/{outcome_of(seen)}": 1.0,
        "full_turns": float(len(full)),
        "full_answered": float(sum(turn.answered for turn in full)),
        "most_sent": max((float(prompt.tokens) for turn in seen for prompt in turn.prompts), default=0.0) / context,
    }
    note_work(role, told)
