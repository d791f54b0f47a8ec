"""An engine served by itself, for systems that ask it from other processes: what it says is planned over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from systems.engines.interface import Engine
from systems.engines.scripted import Scripts, scripted
from systems.server.direct import EngineHost
from systems.server.service import ServedSystem
from systems.server.settings import ServerSettings
from systems.server.wire.listening import listening


@asynccontextmanager
async def engine_served(engine: Engine, scripts: Scripts, settings: ServerSettings, name: str) -> AsyncIterator[str]:
    """Load ``engine`` and serve it under ``name`` while the context is open; gives the address, "host:port".

    It says what ``scripts`` plan, to which clients add if ``settings`` are those of an experiment. Raises
    `ModelError`, and `BadInput` for an address that cannot be listened on.
    """
    host = EngineHost(scripted(engine, scripts), settings.deadline_s)
    async with host, listening(ServedSystem(host, settings, name, scripts=scripts)) as address:
        yield address
