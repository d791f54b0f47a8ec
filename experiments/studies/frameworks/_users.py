"""The trials of the part `users`: a server around the system inside the limits, and the users outside them."""

from __future__ import annotations

import asyncio

from experiments.measuring.looks import SERVED, SERVING
from experiments.measuring.probes.loop_delay import LoopDelay
from experiments.measuring.role import Role
from experiments.measuring.workload import workloads
from experiments.studies.frameworks._running import note_work, running
from experiments.studies.load import users
from experiments.studies.planning import post
from experiments.studies.subjects import WARM_UP, Stopwatch, data_dir, planned, warm
from experiments.workloads.endpoint.asked import heard, url
from experiments.workloads.endpoint.service import PacedEndpoint
from systems.server.service import ServedSystem
from systems.server.settings import ServerSettings
from systems.server.wire.listening import listening


def serve(role: Role) -> None:
    """Serve the system until the client has finished."""
    asyncio.run(_serve(role))


def use(role: Role) -> None:
    """Be the users."""
    asyncio.run(_use(role))


async def _serve(role: Role) -> None:
    sessions, address = int(role.spec.condition["users"] or 0), role.service(PacedEndpoint.name)
    [[first]] = workloads.get(role.spec.workload)(role.spec.seed + 1, 1, 1)
    await asyncio.to_thread(post, url(address), planned({WARM_UP: [first]}))
    async with running(role, address, data_dir(role)) as system:
        await warm(system.host, [first])
        await asyncio.to_thread(heard, address)  # what was asked in the warm-up counts nowhere
        settings = ServerSettings(port=0, connections=2 * sessions + 1, sockets=3 * sessions + 8, experiment=True)
        async with listening(ServedSystem(system.host, settings, role.spec.subject)) as served_at:
            await asyncio.to_thread(role.outside_look, SERVING)
            await asyncio.to_thread(role.listening, f"ws://{served_at}/ws")
            await asyncio.to_thread(role.outside_look, SERVED)
        note_work(role, [await asyncio.to_thread(heard, address)])


async def _use(role: Role) -> None:
    asked = users.asked(role.spec.condition, role.spec.seed, workloads.get(role.spec.workload))
    await asyncio.to_thread(post, url(role.service(PacedEndpoint.name)), users.plan(asked))
    connections = [await users.connected(role.address) for _ in asked]
    try:
        async with LoopDelay() as lag:
            clock = Stopwatch()
            rows = await asyncio.gather(
                *(
                    users.talk(connection, user, questions, clock)
                    for user, (connection, questions) in enumerate(zip(connections, asked, strict=True))
                )
            )
        role.part.loop_delay_s = lag.delays_s
        role.part.requests = [row for user_rows in rows for row in user_rows]
    finally:
        await asyncio.gather(*(connection.close() for connection in connections))
