"""The role "engine": a trial's engine, served from a process of its own inside the limits."""

from __future__ import annotations

import asyncio

from experiments.measuring import engines
from experiments.measuring.role import Role
from systems.engines.scripted import Scripts
from systems.server.alone import engine_served
from systems.server.settings import ServerSettings


def serve(role: Role) -> None:
    """Load the trial's engine and serve it until the runner says that it is not asked any more."""
    asyncio.run(_serve(role))


async def _serve(role: Role) -> None:
    spec, scripts = engines.engine_of(role.spec), Scripts()
    settings = ServerSettings(port=0, experiment=True, connections=engines.CONNECTIONS, deadline_s=3600.0)
    engine = engines.make(spec, role.model_path, role.spec.profile.cpus, role.spec.seed)
    async with engine_served(engine, scripts, settings, engines.MODEL) as address:
        await asyncio.to_thread(role.listening, address)
    role.part.counters = engines.seen(scripts)
