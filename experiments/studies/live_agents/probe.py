"""The process of one probe: ``python -m experiments.studies.live_agents.probe ORDER``.

It runs a system with so many agents inside the trial's limits, tells each its conversation, and asks each in turn, one
right after another, in two rounds. The first computes what was told; the second is timed. It says on its standard
output what came of that, is looked at while everything is still held, and ends when it is told to.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import msgspec

from experiments.measuring import endings, engines
from experiments.measuring.records import TrialSpec
from experiments.studies.live_agents.conversations import OBSERVED, LiveConversation, conversation, question
from experiments.studies.live_agents.reading import reading
from experiments.studies.subjects import make_system
from systems.errors import DeadlineExceeded, FourgigError, SystemFailed
from systems.interface import Reply, Request
from systems.server.hosting import Host, host

REPLY_TOKENS = 12
"""Tokens of an answer at most: enough for the number."""

FIRST_ROUND_S = 10.0
"""Seconds that an answer may take before the timed round: to what is told, or the first, which computes the past."""

# The kernel is to kill the agents first, not the process that notes what became of them.
_KILLED_FIRST = "1000"

Came = Literal["held", "wrong", "late", "lost", "failed"]
"""What came of a probe: all answered rightly and in time; one answered wrongly, or too late; a process was gone, killed
as far as anybody can tell; or an agent said that it could not."""


class ProbeOrder(msgspec.Struct, frozen=True, kw_only=True):
    """What a probe is to do, and where."""

    spec: TrialSpec
    model_path: str | None
    agents: int
    data_dir: str


class Probed(msgspec.Struct, kw_only=True):
    """What a probe saw. ``round_s`` is how long the timed round took, ``slowest_s`` its slowest answer, in seconds."""

    came: Came = "held"
    why: str = ""
    round_s: float = 0.0
    slowest_s: float = 0.0
    prompt_tokens: int = 0
    reused_tokens: int = 0


def main() -> None:
    """Do what the order says."""
    endings.tell_in_one_line()
    Path("/proc/self/oom_score_adj").write_text(_KILLED_FIRST)
    order = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=ProbeOrder)
    said = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # what anything prints is not the probe's word
    asyncio.run(_probe(order, said.write))


async def _probe(order: ProbeOrder, say: Callable[[bytes], object]) -> None:
    spec, probed = order.spec, Probed()
    forced = spec.condition["words"] == "scripted"
    try:
        engine = engines.make(engines.engine_of(spec), order.model_path, spec.profile.cpus, spec.seed)
        system = make_system(spec, reading(engine, forced=forced), Path(order.data_dir))
        async with host(system, spec.hosting) as running:
            await _rounds(running, order, probed)
            say(msgspec.json.encode(probed) + b"\n")
            await asyncio.to_thread(sys.stdin.readline)
    except FourgigError as error:
        # Whoever could not even start, or close.
        say(msgspec.json.encode(_failed(probed, error)) + b"\n")


async def _rounds(running: Host, order: ProbeOrder, probed: Probed) -> None:
    spec = order.spec
    period, deadline = float(spec.condition["period_s"] or 0), float(spec.condition["deadline_s"] or 0)
    agents = [conversation(spec.seed, agent, int(spec.condition["tokens"] or 0)) for agent in range(order.agents)]
    try:
        for agent in agents:
            for number, text in enumerate(agent.told):
                await running.answer(_request(agent, f"told-{number}", text, FIRST_ROUND_S))
        for number, most_s in enumerate((FIRST_ROUND_S * len(agents), period)):
            began = time.perf_counter()
            probed.slowest_s = 0.0
            for agent in agents:
                asked = time.perf_counter()
                timed = deadline if number else FIRST_ROUND_S
                reply = await running.answer(_request(agent, f"asked-{number}", question(number), timed))
                now = time.perf_counter()
                probed.round_s, probed.slowest_s = now - began, max(probed.slowest_s, now - asked)
                if not _is_right(agent, reply):
                    probed.came, probed.why = "wrong", f"{agent.session} said {reply.text!r}"
                    return
                probed.prompt_tokens, probed.reused_tokens = reply.prompt_tokens, reply.reused_tokens
                if probed.round_s > most_s:
                    probed.came, probed.why = "late", f"round {number + 1} took longer than {most_s:g} s"
                    return
    except FourgigError as error:
        _failed(probed, error)


def _request(agent: LiveConversation, number: str, text: str, deadline_s: float) -> Request:
    return Request(
        id=f"{agent.session}-{number}",
        session=agent.session,
        text=text,
        max_tokens=REPLY_TOKENS,
        deadline_s=deadline_s,
        observed=OBSERVED,
    )


def _is_right(agent: LiveConversation, reply: Reply) -> bool:
    return agent.value in reply.text


def _failed(probed: Probed, error: FourgigError) -> Probed:
    match error:
        case DeadlineExceeded():
            probed.came = "late"
        case SystemFailed():
            probed.came = "lost"
        case _:
            probed.came = "failed"
    probed.why = f"{type(error).__name__}: {error}"
    return probed


if __name__ == "__main__":
    main()
