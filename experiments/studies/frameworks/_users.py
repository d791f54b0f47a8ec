"""The trials of the part `users`: a server around the system inside the limits, and the users outside them."""

from __future__ import annotations

import asyncio

from experiments.measuring.looks import SERVED, SERVING
from experiments.measuring.role import Role
from experiments.measuring.workload import workloads
from experiments.studies.frameworks._running import note_work, running
from experiments.studies.load import users
from experiments.studies.planning import post
from experiments.studies.subjects import WARM_UP, data_dir, planned, warm
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
    asyncio.run(users.all_ask(role, url(role.service(PacedEndpoint.name))))


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
