"""What the server adds to a turn: CPU time, and time to the first token, in one run.

    python -m tests.benchmarks.server_overhead [BLOCKS]

The same turns of the asynchronous agent, on a simulated engine without delay: *in process*, and *served* over 50
WebSockets, streamed. CPU time is that of the whole process that holds the agent, clients excluded, from the first
question to the last reply: 50 users at once, 40 turns each, no question twice. The time to the first token is counted
by the one who asks, one user alone, 200 turns. Every measurement is a fresh process; they alternate in blocks (10 by
default, some ten seconds each), whose differences give 95 % intervals.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import geometric_mean, median
from typing import NamedTuple

import msgspec
from websockets.asyncio.client import ClientConnection, connect

from experiments.analysis.intervals import Estimate
from experiments.measuring.workload import Turn
from experiments.workloads.conversations import conversations
from systems.asynchronous.agent import Asynchronous
from systems.asynchronous.settings import AsynchronousSettings
from systems.engines.scripted import Script, Scripts, scripted
from systems.engines.simulated import SimulatedEngine, SimulatedSettings
from systems.server.hosting import Host, host
from systems.server.messages import Ask, FromServer, Token
from systems.server.service import ServedSystem
from systems.server.settings import ServerSettings
from systems.server.wire.listening import listening

USERS, TURNS, ALONE, TOKENS = 50, 40, 200, 24
MOST_RATIO, MOST_MORE_MS, MOST_FIRST_TOKEN_MS = 1.5, 0.25, 2.0

_from_server = msgspec.json.Decoder(FromServer)

Say = Callable[[Turn, str, int], Awaitable[float]]
"""Asks a turn of a session and returns the seconds until its first token, once the reply is whole."""


class Measured(NamedTuple):
    """One process: CPU milliseconds a turn, and the median milliseconds to the first token."""

    cpu_ms: float
    first_token_ms: float


def main() -> None:
    """Measure, and say how the two compare."""
    blocks = max(2, int(sys.argv[1]) if sys.argv[1:] else 10)
    pairs = []
    for block in range(blocks):
        # Whichever comes second may find the machine warmer: they take turns.
        order = (_in_process, _served) if block % 2 == 0 else (_served, _in_process)
        found = {what: _measured(what) for what in order}
        inside, served = found[_in_process], found[_served]
        pairs.append((inside, served))
        print(
            f"block {block + 1}: CPU a turn {inside.cpu_ms:.2f} ms in process, {served.cpu_ms:.2f} ms served; "
            f"first token {inside.first_token_ms:.2f} ms, {served.first_token_ms:.2f} ms",
            flush=True,
        )
    ratio = geometric_mean(served.cpu_ms / inside.cpu_ms for inside, served in pairs)
    print(f"CPU a turn, served / in process: x {ratio:.2f}, geometric mean of {blocks} blocks")
    beyond = [served.cpu_ms - MOST_RATIO * inside.cpu_ms for inside, served in pairs]
    _judge(f"CPU a turn, served - {MOST_RATIO:g} x in process", beyond, MOST_MORE_MS)
    added = [served.first_token_ms - inside.first_token_ms for inside, served in pairs]
    _judge("median time to the first token, served - in process", added, MOST_FIRST_TOKEN_MS)


def _judge(what: str, values: list[float], most: float) -> None:
    estimate = Estimate(values)
    low, high = estimate.interval()
    word = "within" if high <= most else "beyond" if low > most else "cannot tell"
    print(f"{what}: {estimate.mean:.2f} ms ({low:.2f} ... {high:.2f}), at most {most:g} ms allowed: {word}")


def _measured(what: Callable[[str, Connection], None]) -> Measured:
    spawn = multiprocessing.get_context("spawn")
    here, there = spawn.Pipe()
    with tempfile.TemporaryDirectory() as folder:
        process = spawn.Process(target=what, args=(folder, there))
        process.start()
        try:
            address = here.recv()
            return here.recv() if address is None else asyncio.run(_ask(address, here))
        finally:
            here.send(None)
            process.join()


def _planned() -> list[list[Turn]]:
    return conversations(1, USERS + 1, max(TURNS, ALONE))


def _agent(folder: str) -> Host:
    scripts = Scripts(
        Script(f"user-{user}", turn.text, (turn.reply,)) for user, turns in enumerate(_planned()) for turn in turns
    )
    engine = scripted(SimulatedEngine(SimulatedSettings(slots=8)), scripts)
    return host(Asynchronous(AsynchronousSettings(), engine, Path(folder)))


async def _talk(say: Say, cpu_s: Callable[[], Awaitable[float]]) -> Measured:
    planned = _planned()

    async def be(user: int, turns: Sequence[Turn]) -> list[float]:
        return [await say(turn, f"user-{user}", number) for number, turn in enumerate(turns)]

    firsts = await be(USERS, planned[USERS][:ALONE])
    before = await cpu_s()
    await asyncio.gather(*(be(user, planned[user][:TURNS]) for user in range(USERS)))
    used = await cpu_s() - before
    return Measured(1000 * used / (USERS * TURNS), 1000 * median(firsts))


def _in_process(folder: str, parent: Connection) -> None:
    async def run() -> Measured:
        async with _agent(folder) as agent:

            async def say(turn: Turn, session: str, number: int) -> float:
                began, first = time.perf_counter(), 0.0

                def on_token(_: str) -> None:
                    nonlocal first
                    first = first or time.perf_counter() - began

                await agent.answer(turn.request(f"{session}-{number}", session, TOKENS), on_token)
                return first

            async def cpu_s() -> float:
                return time.process_time()

            return await _talk(say, cpu_s)

    parent.send(None)
    parent.send(asyncio.run(run()))
    parent.recv()


def _served(folder: str, parent: Connection) -> None:
    async def run() -> None:
        async with _agent(folder) as agent:
            settings = ServerSettings(port=0, connections=USERS + 1, experiment=True)
            async with listening(ServedSystem(agent, settings, "asynchronous")) as address:
                parent.send(address)
                while await asyncio.to_thread(parent.recv) is not None:
                    parent.send(time.process_time())

    asyncio.run(run())


async def _ask(address: str, server: Connection) -> Measured:
    connections: dict[str, ClientConnection] = {
        f"user-{user}": await connect(f"ws://{address}/ws", compression=None, max_queue=None)
        for user in range(USERS + 1)
    }

    async def say(turn: Turn, session: str, number: int) -> float:
        connection = connections[session]
        ask = Ask(
            id=f"{session}-{number}",
            session=session,
            text=turn.text,
            max_tokens=TOKENS,
            observed=turn.observed,
        )
        began, first = time.perf_counter(), 0.0
        await connection.send(msgspec.json.encode(ask), text=True)
        while isinstance(message := _from_server.decode(await connection.recv(decode=False)), Token):
            first = first or time.perf_counter() - began
        assert message.id == ask.id, message
        return first

    async def cpu_s() -> float:
        server.send("cpu")
        return float(await asyncio.to_thread(server.recv))

    try:
        return await _talk(say, cpu_s)
    finally:
        await asyncio.gather(*(connection.close() for connection in connections.values()))


if __name__ == "__main__":
    main()
