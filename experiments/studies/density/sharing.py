"""Keys and values of many conversations in one engine: private, shared, spilled to disk, in eight bits.

Every conversation begins with the same long instructions. There are more conversations than slots, so that each is
idle between its turns, and what was computed of it waits: in memory, on disk, or not at all. What the assistant said
so far is scripted, so that every prompt is the same for every subject, and each reply is generated freely and
greedily. The last replies are then generated once more by an engine that shares and keeps nothing: their words must be
the same.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from experiments.measuring import engines
from experiments.measuring.records import EngineSpec, RequestRow, Scalar
from experiments.measuring.role import Role
from experiments.measuring.study import GRADED, Cell, GridRequest, Preset, twins
from experiments.measuring.workload import Turn
from experiments.studies.subjects import Stopwatch, batched
from experiments.workloads.conversations import conversations
from systems.engines.interface import Call, Generation, Message, Sampling
from systems.errors import BadInput
from systems.models.key_values import key_values

if TYPE_CHECKING:
    from systems.engines.batched.engine import BatchedEngine
    from systems.engines.batched.settings import BatchedCounters

PART = "sharing"
QUESTION = (
    "key/value states private, shared, spilled or in eight bits: what is computed again, held, and said otherwise?"
)
MEASURES = (
    "sharing_computed_tokens",
    "sharing_peak_memory",
    "sharing_unchanged",
    "sharing_shift",
    "sharing_spilled",
    "latency_p50",
    "latency_p95",
)
PRIMARY = 4

SUBJECTS: dict[str, dict[str, Scalar]] = {
    "nothing-kept": {"share_prefixes": False, "keep_states": False},
    "private": {"share_prefixes": False},
    "shared": {},
    "shared-no-room": {},
    "spilled": {"disk_bytes": 1 << 30},
    "q8_0": {"key_value": "q8_0"},
}
_SHOWN: dict[Preset, tuple[str, ...]] = {
    "smoke": ("private", "shared"),
    "quick": ("private", "shared"),
    "standard": ("private", "shared", "spilled", "q8_0"),
}
"""What is shown in the shorter presets; all of it in the others."""

_NO_ROOM = ("shared-no-room", "spilled")
_IDLE_MIB = 1024
_CONTEXT_TOKENS, _SLOTS, _REPLY_TOKENS = 1024, 2, 24
_CONVERSATIONS: dict[Preset, int] = {"smoke": 5, "quick": 5, "standard": 5, "wide": 8, "paper": 24}
_TURNS: dict[Preset, int] = {"smoke": 2, "quick": 2, "standard": 2, "wide": 2, "paper": 4}
_SAMPLE_S = 0.05
_LIKELIEST = 10
# About three hundred tokens, as an agent's instructions and the descriptions of its tools are.
_RULES = (
    "Answer in plain words and in the language of the question. Keep to what you were told, and say so when you do not "
    "know. Names, numbers and dates are repeated exactly as they were given. Before a tool is used its purpose is told "
    "in one sentence, and what it returned is never shown as it is, but summed up. "
)
_INSTRUCTIONS = "You are a careful assistant on a small computer. " + _RULES * 4


def cells(request: GridRequest) -> list[Cell]:
    """Return a cell a way to keep; none where the engine of record is not llama.cpp's."""
    preset = request.preset
    found = [
        Cell(
            part=PART,
            condition={"part": PART, "conversations": _CONVERSATIONS[preset], "turns": _TURNS[preset]},
            subject=subject,
            engine=engine,
            settings={"idle_mib": 0 if subject in _NO_ROOM else _IDLE_MIB},
            estimate_s=2.0 + 0.45 * _CONVERSATIONS[preset] * _TURNS[preset],
        )
        for subject, settings in SUBJECTS.items()
        if subject in _SHOWN.get(preset, SUBJECTS)
        if (engine := _engine(request.engine, settings)) is not None
    ]
    return [*found, *(twins(cell for cell in found if cell.subject == "private") if preset in GRADED else ())]


def _engine(serial: EngineSpec, settings: dict[str, Scalar]) -> EngineSpec | None:
    return batched(serial, context_tokens=_CONTEXT_TOKENS, slots=_SLOTS, **settings)


def run(role: Role) -> None:
    """Hold the conversations, then compare the last replies with those of an engine that keeps nothing."""
    if role.model_path is None:
        raise BadInput(f"The trial of {role.spec.subject} names no model.")
    users, turns = int(role.spec.condition["conversations"] or 0), int(role.spec.condition["turns"] or 0)
    planned = conversations(role.spec.seed, 2 * users, turns)[::2]  # of two users one speaks English
    engine = _made(role, engines.engine_of(role.spec))
    engine.load()
    try:
        said = asyncio.run(_converse(role, engine, planned))
        _note(role, engine.counters())
    finally:
        engine.close()
    role.outside_look()
    plain: dict[str, Scalar] = {"share_prefixes": False, "keep_states": False, "key_value": "f16", "disk_bytes": 0}
    spec = engines.engine_of(role.spec)
    reference = _made(role, msgspec.structs.replace(spec, settings={**spec.settings, **plain}))
    reference.load()
    try:
        again = [reference.generate(_call(each, user, turns - 1)) for user, each in enumerate(planned)]
    finally:
        reference.close()
    role.part.values["unchanged"] = sum(one.text == other.text for one, other in zip(said, again, strict=True))
    role.part.values["compared"] = len(again)
    role.part.series["first_token_shift"] = [_shift(one, other) for one, other in zip(said, again, strict=True)]


def _shift(one: Generation, other: Generation) -> float:
    """Return by how much the probability of the first token of ``one`` differs from that in ``other``, at least."""
    first, theirs = one.tokens[0], other.tokens[0]
    told = dict(theirs.likeliest) | {theirs.text: theirs.logprob}
    # One that is not among the likeliest there had less than the least of them.
    return abs(math.exp(first.logprob) - math.exp(told.get(first.text, min(told.values()))))


def _made(role: Role, spec: EngineSpec) -> BatchedEngine:
    """Return the engine, its bound being that of the context and of what the trial leaves to idle conversations."""
    # Of these some load numpy, which other parts would measure; and who only reads a report loads no engine.
    from systems.engines.batched.engine import BatchedEngine
    from systems.engines.batched.settings import KEY_VALUE_TYPES
    from systems.engines.context_length import padded
    from systems.models.check import read_metadata

    number_bytes = KEY_VALUE_TYPES[str(spec.settings.get("key_value", "f16"))][1]
    a_token = key_values(read_metadata(Path(role.model_path or ""))).numbers * number_bytes
    idle_bytes = int(role.spec.settings["idle_mib"] or 0) << 20
    bound = int(_SLOTS * padded(_CONTEXT_TOKENS) * a_token) + idle_bytes + (1 << 20)
    bounded = msgspec.structs.replace(spec, settings={**spec.settings, "memory_bytes": bound})
    engine = engines.make(bounded, role.model_path, role.spec.profile.cpus, role.spec.seed)
    if not isinstance(engine, BatchedEngine):
        raise BadInput(f"The part {PART} measures the batched engine, not {spec.name}.")
    return engine


async def _converse(role: Role, engine: BatchedEngine, planned: list[list[Turn]]) -> list[Generation]:
    """Ask every conversation's turns, all conversations at once, and return what each said last."""
    highest = asyncio.create_task(_watch(role))
    clock = Stopwatch()
    said: list[Generation] = []
    try:
        for turn in range(len(planned[0])):
            said = await asyncio.gather(
                *(_ask(role, engine, each, user, turn, clock) for user, each in enumerate(planned))
            )
    finally:
        highest.cancel()
        with suppress(asyncio.CancelledError):
            await highest
    return said


async def _ask(
    role: Role, engine: BatchedEngine, planned: list[Turn], user: int, turn: int, clock: Stopwatch
) -> Generation:
    began = clock()
    generation = await engine.reply(_call(planned, user, turn))
    role.part.requests.append(
        RequestRow(
            intended_s=began,
            started_s=began,
            first_token_s=round(began + generation.first_token_s, 6),
            finished_s=clock(),
            outcome="ok",
            source="model",
            prompt_tokens=generation.prompt_tokens,
            generated_tokens=generation.generated_tokens,
            user=user,
            turn=turn,
        )
    )
    return generation


def _call(planned: list[Turn], user: int, turn: int) -> Call:
    return Call(
        messages=list(_messages(planned[: turn + 1])),
        max_tokens=_REPLY_TOKENS,
        conversation=str(user),
        sampling=Sampling(temperature=0.0, ignore_end=True),
        all_messages=True,
        likeliest=_LIKELIEST,
    )


def _messages(turns: list[Turn]) -> Iterator[Message]:
    yield Message("system", _INSTRUCTIONS)
    for turn in turns[:-1]:
        yield Message("user", turn.text)
        yield Message("assistant", turn.reply)
    yield Message("user", turns[-1].text)


async def _watch(role: Role) -> None:
    """Note the most anonymous memory of any moment until cancelled."""
    while True:
        held = role.processes.anonymous_bytes()
        if held is not None:
            role.part.values["peak_anonymous_bytes"] = max(role.part.values.get("peak_anonymous_bytes", 0.0), held)
        await asyncio.sleep(_SAMPLE_S)


def _note(role: Role, counters: BatchedCounters) -> None:
    role.part.counters = msgspec.structs.asdict(counters)
