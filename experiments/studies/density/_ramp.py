"""The agent of the part ``pressure``, in a process of its own: it may be killed, and whoever started it goes on.

No model runs. Memory is held as an agent holds it, byte for byte and touched: of every conversation its exchanges and
tool output, which must be kept and can be packed, and what the engine computed of it, which can be dropped and is then
computed again; and what was fetched ahead. Replies take as long as the plan says, and longer for what was dropped.
"""

from __future__ import annotations

import asyncio
import random
import sys
import time
import zlib
from typing import Literal

import msgspec

from experiments.measuring.records import RequestRow
from systems.errors import Refused
from systems.mechanisms.memory_in_use import Meter
from systems.tiered.pressure.forecast import Forecast
from systems.tiered.pressure.judging import ByKernel, ByUse, Judge, Stage, StageSteps
from systems.tiered.pressure.kernel import kernel_pressure
from systems.tiered.pressure.returning import Returning
from systems.tiered.pressure.stages import Pressure, Reclaim
from systems.tiered.pressure.working_sets import WorkingSets

Policy = Literal["unmanaged", "threshold", "kernel", "stages", "forecast"]
HORIZON_S = 2.0
"""How far ahead the forecast looks."""

# Of the 135m shape a token's keys and values take 22.5 KiB; a turn of 64 tokens, and half a millisecond to compute one.
_TURN_TOKENS = 64
_TURN_BYTES = _TURN_TOKENS * 23_040
_TOKEN_S = 0.0005
_REPLY_S = 0.05
_AHEAD_BYTES = 1 << 20
# Replies of the engine at once, as many as slots.
_SLOTS = 8
# A caller who was refused asks again when told to, until so long after the first time.
_PATIENCE_S = 4.0
# Packing goes on for so long before memory is looked at again.
_PACKING_S = 0.2


class Ramp(msgspec.Struct, frozen=True, kw_only=True):
    """What the agent is asked: ``conversations`` begin within ``duration_s``, most of them in its middle.

    Each has ``turns`` turns, one every ``think_s``, and ends then: what was held of it is freed. A turn adds
    ``state_bytes`` that must be kept, and ``computed`` times the keys and values of its tokens.
    ``begun_s`` of the ramp are over already when the process starts.
    """

    policy: Policy
    limit_bytes: int
    seed: int
    duration_s: float
    conversations: int
    turns: int
    think_s: float
    state_bytes: int
    computed: float
    begun_s: float = 0.0


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """What a process that was not killed says at its end: what its policy did."""

    stages: dict[str, float]
    transitions: int
    refusals: int
    reclaimed_bytes: int
    returned_bytes: int
    recomputed_tokens: int


def beginnings(ramp: Ramp) -> list[float]:
    """Return when each conversation begins, in seconds: drawn from a triangle over the first two thirds."""
    rng = random.Random(f"ramp {ramp.seed}")
    return sorted(rng.triangular(0.0, ramp.duration_s * 2 / 3) for _ in range(ramp.conversations))


class _Conversation:
    __slots__ = ("ahead", "computed", "kept", "packed", "used_s")

    def __init__(self) -> None:
        self.kept: list[bytes] = []
        self.packed: list[bytes] = []
        self.computed: list[bytearray] = []
        self.ahead: bytearray | None = None
        self.used_s = 0.0


class _Agent:
    def __init__(self, ramp: Ramp) -> None:
        self.ramp = ramp
        self.held: dict[int, _Conversation] = {}
        self.recomputed = 0
        self.returning = Returning(every_s=0.5)
        self.pressure = _pressure(ramp, self.reclaim)
        self._sizes = WorkingSets()
        self._slots = asyncio.Semaphore(_SLOTS)
        self._tool_output = _tool_output(ramp)

    async def turn(self, number: int, turn: int) -> None:
        """Answer one turn. Raises `Refused`."""
        if self.pressure is None:
            await self._answered(number, turn)
            return
        # To know what a turn will need is a forecast too: only who makes one uses it.
        foreseen = self._sizes.predicted("ramp", "turn") if self.ramp.policy == "forecast" else 0
        with self.pressure.turn(foreseen):
            await self._answered(number, turn)

    async def _answered(self, number: int, turn: int) -> None:
        ramp, pressure = self.ramp, self.pressure
        mine = self.held.setdefault(number, _Conversation())
        async with self._slots:
            missing = turn - len(mine.computed) if ramp.computed else 0
            self.recomputed += missing * _TURN_TOKENS
            await asyncio.sleep(_REPLY_S + missing * _TURN_TOKENS * _TOKEN_S)
            for _ in range(missing + 1 if ramp.computed else 0):
                mine.computed.append(_touched(int(ramp.computed * _TURN_BYTES)))
            # A new object each time, as a tool's answer is.
            mine.kept.append(bytes(memoryview(self._tool_output)))
            mine.used_s = time.monotonic()
            self._sizes.saw("ramp", "turn", ramp.state_bytes + (missing + 1) * int(ramp.computed * _TURN_BYTES))
            if pressure is None or pressure.stage < Stage.NO_PREFETCH:
                mine.ahead = _touched(_AHEAD_BYTES)

    async def reclaim(self, stage: Stage, excess: int) -> None:
        """Do what the stage is for; what an idle conversation has goes first."""
        idle = sorted(self.held.values(), key=lambda each: each.used_s)
        if stage >= Stage.NO_PREFETCH:
            for each in idle:
                each.ahead = None
        if stage >= Stage.SMALLER_CACHES:
            freed = 0
            for each in idle:
                if freed >= excess:
                    break
                freed += sum(map(len, each.computed))
                each.computed.clear()
            excess -= freed
        if stage >= Stage.COMPRESSING and excess > 0:
            await asyncio.to_thread(_pack, idle, excess)
        if stage >= Stage.SMALLER_CACHES:
            await self.returning.give_back()


def _pressure(ramp: Ramp, reclaim: Reclaim) -> Pressure | None:
    judge: Judge | None = None  # by the forecast, or by use where there is none
    forecast = Forecast(HORIZON_S) if ramp.policy == "forecast" else None
    if ramp.policy == "unmanaged":
        return None
    if ramp.policy == "threshold":
        judge = ByUse(StageSteps(0.85, 0.85, 0.85, 0.85))
    elif ramp.policy == "kernel":
        kernel = kernel_pressure()
        if kernel is None:
            raise SystemExit("The kernel tells this process's group no memory pressure.")
        judge = ByKernel(kernel)
    return Pressure(Meter(ramp.limit_bytes).read, reclaim, judge=judge, forecast=forecast, calm_s=0.5)


def _pack(idle: list[_Conversation], excess: int) -> None:
    until = time.monotonic() + _PACKING_S
    for each in idle:
        while each.kept and excess > 0:
            whole = each.kept.pop(0)
            each.packed.append(zlib.compress(whole, 1))
            excess -= len(whole) - len(each.packed[-1])
            if time.monotonic() > until:
                return


def _touched(size: int) -> bytearray:
    return bytearray(b"\x01") * size


def _tool_output(ramp: Ramp) -> bytes:
    """Return what a tool says: half words, half what cannot be packed (pictures, archives)."""
    rng = random.Random(f"tool {ramp.seed}")
    words = [f"{rng.randrange(10_000)} " for _ in range(500)]
    text = "".join(rng.choice(words) for _ in range(ramp.state_bytes // 8)).encode()[: ramp.state_bytes // 2]
    return text + rng.randbytes(ramp.state_bytes - len(text))


async def _hold(agent: _Agent, number: int, begins_s: float, origin: float) -> None:
    ramp = agent.ramp

    def clock() -> float:
        return time.monotonic() - origin

    for turn in range(ramp.turns):
        intended_s = begins_s + turn * ramp.think_s
        if intended_s < ramp.begun_s:
            continue  # asked of the process before this one
        await asyncio.sleep(intended_s - clock())
        started_s, outcome = clock(), "Refused"
        while outcome == "Refused" and clock() <= intended_s + _PATIENCE_S:
            try:
                await agent.turn(number, turn)
                outcome = "ok"
            except Refused as error:
                # Who is told to come back later than they can wait gives up at the end of their patience.
                await asyncio.sleep(min(error.retry_after_s, max(0.0, intended_s + _PATIENCE_S - clock()) + 0.01))
        row = RequestRow(
            intended_s=round(intended_s, 4),
            started_s=round(started_s, 4),
            first_token_s=None,
            finished_s=round(clock(), 4),
            outcome=outcome,
            user=number,
            turn=turn,
        )
        sys.stdout.buffer.write(msgspec.json.encode(row) + b"\n")
        sys.stdout.buffer.flush()
    agent.held.pop(number, None)


async def _run(ramp: Ramp) -> None:
    agent = _Agent(ramp)
    origin = time.monotonic() - ramp.begun_s
    if agent.pressure is not None:
        agent.pressure.start()
    async with asyncio.TaskGroup() as group:
        for number, begins_s in enumerate(beginnings(ramp)):
            group.create_task(_hold(agent, number, begins_s, origin))
    pressure = agent.pressure
    if pressure is not None:
        await pressure.close()
    summary = Summary(
        stages={stage.name.lower(): round(held_s, 3) for stage, held_s in pressure.seconds.items()} if pressure else {},
        transitions=pressure.transitions.total() if pressure else 0,
        refusals=pressure.refused if pressure else 0,
        reclaimed_bytes=pressure.reclaimed_bytes if pressure else 0,
        returned_bytes=agent.returning.bytes,
        recomputed_tokens=agent.recomputed,
    )
    sys.stdout.buffer.write(msgspec.json.encode(summary) + b"\n")


def main() -> None:
    """Hold the conversations of the ramp that the argument describes; one line a turn, and a last one in the end."""
    asyncio.run(_run(msgspec.json.decode(sys.argv[1], type=Ramp)))
