"""Building what a trial measures, and asking it: shared by the studies."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from experiments.measuring import engines
from experiments.measuring.records import EngineSpec, RequestRow, Scalar, TrialSpec
from experiments.measuring.role import Role
from experiments.measuring.workload import Turn
from systems import registry
from systems.description import Description
from systems.engines.interface import Engine
from systems.engines.scripted import Script, Scripts, scripted
from systems.errors import BadInput, FourgigError
from systems.interface import Counters, Reply, System
from systems.server.hosting import Host, host

REPLY_TOKENS = 24
"""Tokens every generation of a timing trial makes; every scripted reply is longer."""

WARM_UP = "warm-up"
"""The session in which turns are asked that nobody times."""


def batched(engine: EngineSpec, **settings: Scalar) -> EngineSpec | None:
    """Return the batched engine on the model of ``engine``; None unless that is the serial one."""
    if engine.name != "llama":
        return None
    return msgspec.structs.replace(engine, name="batched", settings={"context_tokens": 2048, **settings})


def make_system(spec: TrialSpec, engine: Engine, data_dir: Path) -> System:
    """Return the system a trial names, not yet started. Raises `BadInput`."""
    description = described(spec)
    chosen = engines.settings_of(description.settings, settings_of(spec, description), f"system {spec.system}")
    return description.build(chosen, engine, data_dir)


def described(spec: TrialSpec) -> Description:
    """Return the description of the system a trial names. Raises `BadInput` where it names none."""
    if spec.system is None:
        raise BadInput(f"The trial of {spec.subject} names no system.")
    return registry.systems.get(spec.system)


def settings_of(spec: TrialSpec, description: Description) -> dict[str, Any]:
    """Return the trial's settings of the system, and what every trial sets besides where it can be set."""
    settings: dict[str, Any] = dict(spec.settings)
    # What the trial's record says anyway, and what a system run for real would read of its machine.
    fields = description.setting_names
    if "memory_bytes" in fields:
        settings.setdefault("memory_bytes", spec.profile.memory_bytes)
    if "seed" in fields:
        settings.setdefault("seed", spec.seed)
    if "instructions" in fields and "instructions" not in settings:
        from systems.turn.layouts import LAYOUTS  # no other trial's process needs them here

        settings["instructions"] = LAYOUTS["passage"].system_prompt  # that of the lab's agents as they come
    return settings


def planned(turns: Mapping[str, Iterable[Turn]]) -> list[Script]:
    """Return what the model is made to say in the turns of each session, by the session's name."""
    return [Script(session, turn.text, (turn.reply,)) for session, those in turns.items() for turn in those]


def hosted(role: Role, scripts: Scripts) -> Host:
    """Return the trial's system in the trial's hosting; entering the host starts it.

    It is on the trial's engine, made to say what ``scripts`` plan, of which the system knows nothing. An engine that is
    served from a process of its own is told the plan now.
    """
    engine = engines.of_role(role)
    if role.engine_address:
        from experiments.studies.planning import post  # an HTTP client, which no other trial needs

        post(f"http://{role.engine_address}", scripts.planned())
    else:
        engine = scripted(engine, scripts)
    return host(make_system(role.spec, engine, data_dir(role)), role.spec.hosting)


def data_dir(role: Role) -> Path:
    """Return the folder of the trial's system."""
    folder = role.work_dir / "data"
    folder.mkdir(exist_ok=True)
    return folder


def counted(counters: Counters, scripts: Scripts) -> dict[str, int]:
    """Return what a subject counted, by name: ``counters`` of its system, and what ``scripts`` saw of it.

    ``warm_up_turns`` are those planned in the session `WARM_UP`: they are in all counters, and in no row of requests.
    """
    warm_up = sum(script.session == WARM_UP for script in scripts.planned())
    return {**msgspec.structs.asdict(counters), "warm_up_turns": warm_up, **engines.seen(scripts)}


class Stopwatch:
    """Seconds since a trial's first intended start."""

    def __init__(self) -> None:
        self._origin = time.perf_counter()

    def __call__(self) -> float:
        """Return the seconds since this stopwatch was made."""
        return round(time.perf_counter() - self._origin, 6)


async def ask(
    where: Host, turn: Turn, session: str, clock: Stopwatch, intended_s: float, tokens: int = REPLY_TOKENS
) -> RequestRow:
    """Ask one planned turn for ``tokens`` tokens and return what was seen of it from the caller's side.

    An error is a row, not a raise.
    """
    row, _ = await ask_for_reply(where, turn, session, clock, intended_s, tokens)
    return row


async def ask_for_reply(
    where: Host, turn: Turn, session: str, clock: Stopwatch, intended_s: float, tokens: int = REPLY_TOKENS
) -> tuple[RequestRow, Reply | None]:
    """Ask as `ask` does, and return the reply beside the row; None where there was an error."""
    first: list[float] = []

    def on_token(_: str) -> None:
        if not first:
            first.append(clock())

    started = clock()
    reply: Reply | None = None
    outcome = "ok"
    try:
        reply = await where.answer(turn.request(f"{session}-{started}", session, tokens), on_token)
    except FourgigError as error:
        outcome = type(error).__name__
    row = RequestRow(
        intended_s=intended_s,
        started_s=started,
        first_token_s=first[0] if first else None,
        finished_s=clock(),
        outcome=outcome,
        source=reply.source if reply else "",
        prompt_tokens=reply.prompt_tokens if reply else 0,
        generated_tokens=reply.generated_tokens if reply else 0,
    )
    return row, reply


async def warm(where: Host, turns: Sequence[Turn]) -> None:
    """Ask untimed turns in the session `WARM_UP`, so that what is loaded on first use has been loaded.

    Raises what the system raises: a trial whose warm-up fails has nothing to measure.
    """
    for number, turn in enumerate(turns):
        await where.answer(turn.request(f"warm-up-{number}", WARM_UP, REPLY_TOKENS))
    await asyncio.sleep(0)
