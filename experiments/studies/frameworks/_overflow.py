"""The trials of the part `overflow`: long turns, what was sent and answered in each, and what became of them all."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import NamedTuple

from experiments.measuring.role import Role
from experiments.measuring.workload import Turn
from experiments.studies.frameworks._levels import ENDPOINTS
from experiments.studies.frameworks._running import note_work, running
from experiments.studies.planning import post
from experiments.studies.subjects import Stopwatch, ask, data_dir, planned
from experiments.workloads.conversations import in_english
from experiments.workloads.endpoint.asked import Prompt, heard, url
from experiments.workloads.framework_levels import FullContext
from systems.engines.simulated import count
from systems.errors import SystemClosed

QUESTION_TOKENS = 400
"""Tokens of a question at least."""

_SESSION = "user"
_LEAST_OF_A_TURN = 25  # tokens of the workload's shortest question in English, rounded down


class TurnSeen(NamedTuple):
    """One turn: whether there was a reply, and the prompts in which its question was sent."""

    replied: bool
    prompts: Sequence[Prompt]

    @property
    def answered(self) -> bool:
        """Whether the model answered it: words that a system has for a refused prompt are no answer."""
        refused = bool(self.prompts) and all(prompt.refused for prompt in self.prompts)
        return self.replied and not refused


def outcome_of(turns: Sequence[TurnSeen]) -> FullContext:
    """Return the one outcome of a conversation that does not fit."""
    failed = [turn for turn in turns if not turn.answered]
    if failed:
        told = all(turn.prompts and turn.prompts[-1].refused for turn in failed)
        return "refused" if told else "error"
    return "growth" if any(prompt.dropped for turn in turns for prompt in turn.prompts) else "truncated"


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


def run(role: Role) -> None:
    """Hold the conversation."""
    asyncio.run(_live(role))


async def _live(role: Role) -> None:
    condition = role.spec.condition
    context, turns = int(condition["context"] or 0), int(condition["turns"] or 0)
    asked = list(long_turns(role.spec.seed, turns, QUESTION_TOKENS))
    address = role.service(ENDPOINTS[str(condition["endpoint"])])
    await asyncio.to_thread(post, url(address), planned({_SESSION: asked}))
    told, seen, said = [], [], 0
    full = []  # the turns from the first one on for which the whole conversation is too long
    with suppress(SystemClosed):  # one that died of it cannot be closed; its turns say so
        async with running(role, address, data_dir(role)) as system:
            clock = Stopwatch()
            for turn in asked:
                row = await ask(system.host, turn, _SESSION, clock, clock())
                told.append(await asyncio.to_thread(heard, address))
                role.part.requests.append(row)
                seen.append(TurnSeen(row.outcome == "ok", told[-1].asking))
                said += count(turn.text)
                if said > context:
                    full.append(seen[-1])
                said += count(turn.reply) if row.outcome == "ok" else 0
            await asyncio.to_thread(role.outside_look)
    sent = [float(prompt.tokens) for turn in seen for prompt in turn.prompts]
    role.part.values |= {
        # A conversation that fitted to its end has no outcome: nothing overflowed.
        **({f"overflow/{outcome_of(seen)}": 1.0} if full else {}),
        "full_turns": float(len(full)),
        "full_answered": float(sum(turn.answered for turn in full)),
        "most_sent": max(sent, default=0.0) / context,
    }
    note_work(role, told)
