"""A server on a free port, for tests."""

from contextlib import asynccontextmanager

from systems.server.listening import listening
from systems.server.service import Service
from systems.server.settings import ServerSettings


@asynccontextmanager
async def listening_to(hosted, **settings):
    """Give the address, "host:port", of a server of ``hosted``, which is started and closed."""
    async with hosted, listening(Service(hosted, ServerSettings(port=0, **settings), "test")) as address:
        yield address
