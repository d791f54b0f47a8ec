"""The trials of the part `turns`: sessions one after another, looked at when a quarter of the first one has passed.

What the lab reads after a stretch of turns is done inside the limits, too. So the runner looks twice, when the stretch
ends and when all has been read, and what lies between is no turn's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

from experiments.measuring.role import Role
from experiments.measuring.workload import workloads
from experiments.studies.frameworks._running import Running, disk_bytes, held, note_work, running
from experiments.studies.planning import post
from experiments.studies.subjects import Stopwatch, ask, data_dir, planned
from experiments.workloads.endpoint.asked import HeardCalls, heard, url
from experiments.workloads.framework_levels import LOOKED, begins, ends

_LAST = LOOKED[-1]
_LEAST = 8  # turns of a session that has quarters


def run(role: Role) -> None:
    """Hold the sessions."""
    asyncio.run(_live(role))


def looked_at(turns: int) -> Mapping[int, str]:
    """Return after which turns of a session of so many is looked, and what each is called; a short one has none."""
    if turns < _LEAST:
        return {}
    return dict(zip((1, turns // 4, 3 * turns // 4, turns), LOOKED, strict=True))


async def _live(role: Role) -> None:
    sessions, turns = int(role.spec.condition["sessions"] or 0), int(role.spec.condition["turns"] or 0)
    conversations = workloads.get(role.spec.workload)(role.spec.seed, sessions, turns)
    asked = {f"user-{number}": conversation for number, conversation in enumerate(conversations)}
    address, folder, marks = role.service("endpoint"), data_dir(role), looked_at(turns)
    await asyncio.to_thread(post, url(address), planned(asked))
    # Whatever this imports is imported before anything is measured.
    told = [await asyncio.to_thread(heard, address)]
    role.part.series |= {"prompt_messages": [], "prompt_tokens": []}
    async with running(role, address, folder) as system:
        clock = Stopwatch()
        for session, conversation in asked.items():
            for number, turn in enumerate(conversation, 1):
                role.part.requests.append(await ask(system.host, turn, session, clock, clock()))
                if mark := marks.get(number):
                    told.append(await _look(role, system, address, mark))
        if not marks:
            told.append(await _look(role, system, address, _LAST))
        role.part.values |= {"turns": float(len(role.part.requests)), **_calls(told)}
    role.part.values["disk_bytes"] = disk_bytes(folder) / sessions
    note_work(role, told)


async def _look(role: Role, system: Running, address: str, mark: str) -> HeardCalls:
    """Have the runner look, note what the system holds now, and return what it sent since the last time."""
    await asyncio.to_thread(role.outside_look, ends(mark))
    now, told = held(system.pids()), await asyncio.to_thread(heard, address)
    role.part.values |= {
        "rss_bytes": float(now.rss_bytes),
        "descriptors": float(now.descriptors),
        "threads": float(now.threads),
    }
    if now.anonymous_bytes is not None:
        role.part.values[f"anonymous_bytes/{mark}"] = float(now.anonymous_bytes)
    asking = told.asking
    role.part.series["prompt_messages"] += [float(prompt.messages) for prompt in asking]
    role.part.series["prompt_tokens"] += [float(prompt.tokens) for prompt in asking]
    if asking:
        role.part.values |= {
            f"messages/{mark}": float(asking[-1].messages),
            f"tokens/{mark}": float(asking[-1].tokens),
            "system_tokens": float(asking[-1].system_tokens),
        }
    if mark != _LAST:
        await asyncio.to_thread(role.outside_look, begins(mark))
    return told


def _calls(told: Iterable[HeardCalls]) -> dict[str, float]:
    prompts = [prompt for each in told for prompt in each.prompts]
    return {"calls": float(len(prompts)), "other_calls": float(sum(not prompt.asks for prompt in prompts))}
