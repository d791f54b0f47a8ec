"""Whether the server stays whole: hours of 500 connected users, 50 of them active, compressed into minutes.

    python -m tests.benchmarks.server_soak [MINUTES [HOURS]] [--system tiered]

Whatever people and the server's clocks do is as many times as fast as HOURS (1) are longer than MINUTES (6): an active
user thinks 15 s on average before each question, the heartbeat comes every 30 s, and who asks nothing for 30 minutes is
disconnected, and connects again. What a turn costs, and what the network does, is not compressed. The engine is
simulated, with eight slots.

What fills up to a bound must not look like a leak, so the users have lived before. 20,000 of their turns are stored,
and another 30,000 are asked before it begins: SQLite's pages, words and their stems are in memory then, and the users'
sessions have been, until they were as long as those that are searched in the file (`systems.memory.resident`). The idle
come within ten minutes, and each leaves once before its 30 minutes are over, as if it had been there for a while: from
then on connections end and begin all the time, not all at once after half an hour, and memory has the room for that.
The first third of the time is left out.

Of the server, a process of its own, it tells the share of turns that were answered; how anonymous memory grew over the
turns; what is left of tasks, threads, descriptors, connections and turns under way, while everyone is connected and
nobody asks any more, and once everyone has left; and how many blocks Python's objects took at these times, right after
a collection: objects that are kept show there, and memory that is only in pieces too small to be given back does not.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import multiprocessing
import random
import sys
import tempfile
import threading
import time
from array import array
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path

import msgspec
from scipy import special
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, ConnectionClosedOK

from experiments.measuring.probes import memory
from experiments.measuring.workload import Turn
from experiments.metrics.anonymous_growth import slope_interval
from experiments.workloads.conversations import conversations
from systems import registry
from systems.engines.simulated import SimulatedEngine, SimulatedSettings
from systems.server.hosting import host
from systems.server.messages import Ask, FromServer, ReplyMessage, Token
from systems.server.service import ServedSystem
from systems.server.settings import ServerSettings
from systems.server.wire.listening import listening
from tests.benchmarks.turn_cost import store

CONNECTED, ACTIVE, THINK_S, TOKENS = 500, 50, 15.0, 24
MEMORIES, WARM_UP_TURNS, ARRIVING_S = 20_000, 600, 600
LEAST_SUCCESS, SAMPLES = 0.999, 600

_from_server = msgspec.json.Decoder(FromServer)


class Seen(msgspec.Struct):
    """What clients saw: turns asked, those answered, what went wrong, and how often someone idle came back."""

    asked: int = 0
    answered: int = 0
    failures: list[str] = []
    returns: int = 0


def main() -> None:
    """Soak, and say what was seen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("minutes", type=float, nargs="?", default=6.0)
    parser.add_argument("hours", type=float, nargs="?", default=1.0)
    parser.add_argument("--system", choices=("asynchronous", "tiered"), default="asynchronous")
    chosen = parser.parse_args()
    minutes, hours = chosen.minutes, chosen.hours
    faster = 60 * hours / minutes
    spawn = multiprocessing.get_context("spawn")
    here, there = spawn.Pipe()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(store(Path(folder, "memory.sqlite"), MEMORIES))
        server = spawn.Process(target=_serve, args=(folder, there, chosen.system, minutes, faster))
        server.start()
        try:
            address = here.recv()
            asyncio.run(_warm_up(address))
            before = _look(here)
            seen, held = asyncio.run(_use(address, here, minutes, faster))
            after = _look(here)
        finally:
            here.send("end")
            samples: list[tuple[int, int]] = here.recv()
            server.join()
    print(f"{chosen.system}: {hours:g} h in {minutes:g} minutes: {faster:g} times as fast")
    # Clopper and Pearson's exact one-sided limit.
    least = special.betaincinv(seen.answered, seen.asked - seen.answered + 1, 0.05)
    word = (
        "within"
        if least >= LEAST_SUCCESS
        else "cannot tell"
        if seen.answered >= LEAST_SUCCESS * seen.asked
        else "beyond"
    )
    print(
        f"{seen.answered} of {seen.asked} turns answered, {seen.answered / seen.asked:.3%}; at least {least:.3%} with "
        f"95 % confidence, {LEAST_SUCCESS:.1%} wanted: {word}"
    )
    for failure, count in Counter(seen.failures).most_common(10):
        print(f"  {count} x {failure}")
    print(f"{seen.returns} connections were closed as idle and opened again")
    turns, sizes = zip(*samples[len(samples) // 3 :], strict=True)
    low, high = slope_interval(turns, sizes)
    print(
        f"anonymous memory: {sizes[0] / 2**20:.1f} MiB after {turns[0]} turns, {sizes[-1] / 2**20:.1f} MiB after "
        f"{turns[-1]}: {low:.0f} ... {high:.0f} bytes a turn (95 %): {'flat' if low <= 0 else 'grows'}"
    )
    tenths = (f"{samples[len(samples) * tenth // 10][1] / 2**20:.1f}" for tenth in range(10))
    print(f"  after each tenth of the time, MiB: {' '.join(tenths)} {sizes[-1] / 2**20:.1f}")
    first, last = before.pop("blocks"), after.pop("blocks")
    print(
        f"blocks of Python's objects, after a collection: {first} before anyone came, {held.pop('blocks')} with "
        f"{CONNECTED} connected, {last} after all left: {(last - first) / seen.asked:+.3f} a turn"
    )
    for name, count in before.items():
        print(
            f"{name}: {count} before anyone came, {held[name]} with {CONNECTED} connected, {after[name]} after all left"
        )
    leaked = [name for name in before if after[name] > before[name]]
    print(f"left over: {', '.join(leaked) or 'nothing'}")


def _serve(folder: str, parent: Connection, system: str, minutes: float, faster: float) -> None:
    async def run() -> None:
        engine = SimulatedEngine(SimulatedSettings(first_token_s=0.005, token_s=0.001, slots=8))
        usual = ServerSettings()
        settings = ServerSettings(
            port=0,
            connections=CONNECTED,
            sockets=CONNECTED + 50,
            heartbeat_s=usual.heartbeat_s / faster,
            idle_s=usual.idle_s / faster,
        )
        description = registry.systems.get(system)
        hosted = host(description.build(description.settings(), engine, Path(folder)))
        service = ServedSystem(hosted, settings, system)
        # Room for all of them from the beginning: the measure must not grow with what it measures.
        columns = tuple(array("q", [0] * SAMPLES) for _ in range(2))

        async def sample() -> None:
            for at in range(SAMPLES):
                columns[0][at], columns[1][at] = hosted.counters().turns, memory.anonymous_bytes()
                await asyncio.sleep(60 * minutes / SAMPLES)

        async with hosted, listening(service) as address:
            sampling = None
            parent.send(address)
            while await asyncio.to_thread(parent.recv) == "look":
                if sampling is None:  # the first look is the beginning, the second the end
                    sampling = asyncio.create_task(sample())
                else:
                    sampling.cancel()
                gc.collect()
                parent.send(
                    {
                        "blocks": sys.getallocatedblocks(),
                        "tasks": len(asyncio.all_tasks()),
                        "threads": threading.active_count(),
                        "descriptors": len(list(Path("/proc/self/fd").iterdir())),
                        "connections": service.connections,
                        "turns under way": service.turns,
                    }
                )
            parent.send([row for row in zip(*columns, strict=True) if row[1]])

    asyncio.run(run())


def _look(server: Connection) -> dict[str, int]:
    time.sleep(1)  # until it has noticed who left
    server.send("look")
    seen: dict[str, int] = server.recv()
    return seen


async def _warm_up(address: str) -> None:
    """Have everything started that starts when it is first needed, and every bounded cache filled."""

    async def one(user: int, turns: Sequence[Turn]) -> None:
        async with connect(f"ws://{address}/ws", compression=None) as connection:
            for turn in turns:
                ask = Ask(id=turn.text[:100], session=f"user-{user}", text=turn.text, max_tokens=TOKENS)
                await _turn(connection, ask, Seen())

    await asyncio.gather(*(one(user, turns) for user, turns in enumerate(conversations(0, ACTIVE, WARM_UP_TURNS))))


async def _use(address: str, server: Connection, minutes: float, faster: float) -> tuple[Seen, dict[str, int]]:
    # Planned beforehand, and more than can be asked: a client that is busy is late to answer pings.
    planned = conversations(1, ACTIVE, 2 * round(60 * minutes * faster / THINK_S))
    seen, end = Seen(), time.monotonic() + 60 * minutes
    think_s = THINK_S / faster

    async def idle(user: int) -> None:
        chance = random.Random(user)
        await asyncio.sleep(chance.uniform(0, ARRIVING_S / faster))
        stays_s: float | None = chance.uniform(0, ServerSettings().idle_s / faster)
        while True:
            try:
                async with connect(f"ws://{address}/ws", compression=None) as connection:
                    with suppress(TimeoutError):
                        async with asyncio.timeout(stays_s):
                            await connection.recv()
                    stays_s = None  # from now on until it is disconnected
            except ConnectionClosedOK:
                seen.returns += 1
            except ConnectionClosed as error:
                seen.failures.append(f"an idle connection was lost: {error}")

    async def active(user: int) -> None:
        pauses = random.Random(user)
        turns = iter(planned[user])
        while True:
            try:
                async with connect(f"ws://{address}/ws", compression=None) as connection:
                    while time.monotonic() < end:
                        await asyncio.sleep(pauses.expovariate(1 / think_s))
                        turn = next(turns)
                        ask = Ask(id=turn.text[:100], session=f"user-{user}", text=turn.text, max_tokens=TOKENS)
                        await _turn(connection, ask, seen)
                    await everybody.wait()  # has asked for the last time
                    await everybody.wait()  # may leave
                    return
            except ConnectionClosed as error:
                seen.failures.append(f"an active connection was lost: {error}")

    everybody = asyncio.Barrier(ACTIVE + 1)
    idlers = [asyncio.create_task(idle(user)) for user in range(CONNECTED - ACTIVE)]
    async with asyncio.TaskGroup() as group:
        for user in range(ACTIVE):
            group.create_task(active(user))
        await everybody.wait()
        held = await asyncio.to_thread(_look, server)
        await everybody.wait()
    for each in idlers:
        each.cancel()
    await asyncio.gather(*idlers, return_exceptions=True)
    return seen, held


async def _turn(connection: ClientConnection, ask: Ask, seen: Seen) -> None:
    seen.asked += 1
    await connection.send(msgspec.json.encode(ask), text=True)
    while isinstance(message := _from_server.decode(await connection.recv(decode=False)), Token):
        pass
    if isinstance(message, ReplyMessage):
        seen.answered += 1
    else:
        seen.failures.append(f"{type(message).__name__} instead of a reply: {message}")


if __name__ == "__main__":
    main()
