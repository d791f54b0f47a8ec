"""Whether the server stays whole: 500 connected users, 50 of them active, for as long as you like.

    python -m tests.benchmarks.server_soak [SECONDS]

An hour of 50 people who think for a minute between two questions is 3,000 turns; here they do not think, so that it
takes a minute or so (60 s by default). Of the server, a process of its own, it tells the share of turns that were
answered, and how anonymous memory, tasks, threads and descriptors grew between the first quarter and the end.
"""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import sys
import tempfile
import threading
import time
from multiprocessing.connection import Connection
from pathlib import Path

import msgspec
from websockets.asyncio.client import ClientConnection, connect

from experiments.probes import memory
from experiments.workloads.conversations import conversations
from systems.asynchronous.agent import Asynchronous
from systems.asynchronous.settings import AsynchronousSettings
from systems.engines.simulated import SimulatedEngine, SimulatedSettings
from systems.server.hosting import host
from systems.server.listening import listening
from systems.server.messages import Ask, FromServer, Reply, Token
from systems.server.service import Service
from systems.server.settings import ServerSettings

CONNECTED, ACTIVE, TURNS = 500, 50, 40
LEAST_SUCCESS = 0.999

_from_server = msgspec.json.Decoder(FromServer)


def main() -> None:
    """Soak, and say what was seen."""
    seconds = float(sys.argv[1]) if sys.argv[1:] else 60.0
    spawn = multiprocessing.get_context("spawn")
    here, there = spawn.Pipe()
    with tempfile.TemporaryDirectory() as folder:
        server = spawn.Process(target=_serve, args=(folder, there))
        server.start()
        try:
            answered, asked, early, late = asyncio.run(_use(here.recv(), here, seconds))
        finally:
            here.send(None)
            server.join()
    print(
        f"{asked} turns of {ACTIVE} users among {CONNECTED} in {seconds:g} s, {answered} answered: "
        f"{'at least' if answered >= LEAST_SUCCESS * asked else 'less than'} {LEAST_SUCCESS:.1%}"
    )
    for name, before in early.items():
        print(f"{name}: {before} after a quarter, {late[name]} at the end")


def _serve(folder: str, parent: Connection) -> None:
    async def run() -> None:
        engine = SimulatedEngine(SimulatedSettings(first_token_s=0.005, token_s=0.001, slots=8))
        settings = ServerSettings(port=0, connections=CONNECTED, sockets=CONNECTED + 50)
        hosted = host(Asynchronous(AsynchronousSettings(), engine, Path(folder)))
        async with hosted, listening(Service(hosted, settings, "asynchronous")) as address:
            parent.send(address)
            while await asyncio.to_thread(parent.recv) is not None:
                gc.collect()
                parent.send(
                    {
                        "anonymous KiB": memory.anonymous_bytes() // 1024,
                        "tasks": len(asyncio.all_tasks()),
                        "threads": threading.active_count(),
                        "descriptors": len(list(Path("/proc/self/fd").iterdir())),
                    }
                )

    asyncio.run(run())


async def _use(address: str, server: Connection, seconds: float) -> tuple[int, int, dict[str, int], dict[str, int]]:
    connections = [await connect(f"ws://{address}/ws", compression=None) for _ in range(CONNECTED)]
    end = time.monotonic() + seconds
    answered = asked = 0

    async def be(user: int, connection: ClientConnection) -> None:
        nonlocal answered, asked
        number = 0
        while time.monotonic() < end:
            for turn in conversations(user + number, 1, TURNS)[0]:
                number += 1
                asked += 1
                # Users come back under the same names, as people do.
                ask = Ask(id=str(number), session=f"user-{user}", text=turn.text, max_tokens=24)
                await connection.send(msgspec.json.encode(ask), text=True)
                while isinstance(message := _from_server.decode(await connection.recv(decode=False)), Token):
                    pass
                answered += isinstance(message, Reply)

    async def look() -> dict[str, int]:
        server.send("look")
        seen: dict[str, int] = await asyncio.to_thread(server.recv)
        return seen

    users = asyncio.gather(*(be(user, connection) for user, connection in enumerate(connections[:ACTIVE])))
    await asyncio.sleep(seconds / 4)
    early = await look()
    await users
    late = await look()
    await asyncio.gather(*(connection.close() for connection in connections))
    return answered, asked, early, late


if __name__ == "__main__":
    main()
