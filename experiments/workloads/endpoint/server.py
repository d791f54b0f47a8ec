"""The endpoint's server: ``python -m experiments.workloads.endpoint.server 127.0.0.1:PORT SETTINGS``, these as JSON."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec

from experiments.workloads.endpoint.asked import MODEL, EndpointSettings
from experiments.workloads.endpoint.hearing import HearingEngine
from systems.engines.scripted import Scripts
from systems.server.direct import EngineHost
from systems.server.service import ServedSystem
from systems.server.settings import ServerSettings
from systems.server.wire.listening import listening

# More than any trial has users; and longer than any trial lasts.
_SOCKETS, _DEADLINE_S = 1024, 3600.0


@asynccontextmanager
async def endpoint(settings: EndpointSettings, port: int = 0) -> AsyncIterator[str]:
    """Serve on loopback while the context is open; gives the address, "host:port". Raises `BadInput`."""
    scripts = Scripts()
    bounds = ServerSettings(
        port=port, experiment=True, connections=_SOCKETS, sockets=_SOCKETS, deadline_s=_DEADLINE_S, grace_s=1.0
    )
    host = EngineHost(HearingEngine(settings, scripts), _DEADLINE_S)
    async with host, listening(ServedSystem(host, bounds, MODEL, scripts=scripts)) as address:
        yield address


async def _serve(port: int, settings: EndpointSettings) -> None:
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    async with endpoint(settings, port):
        await stopped.wait()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1].rpartition(":")[2]), msgspec.json.decode(sys.argv[2], type=EndpointSettings)))
