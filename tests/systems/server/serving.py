"""A server on a free port, and the messages of a WebSocket client, for tests."""

import asyncio
import json
from contextlib import asynccontextmanager

from systems.asynchronous.agent import Asynchronous
from systems.asynchronous.settings import AsynchronousSettings
from systems.engines.simulated import SimulatedEngine, SimulatedSettings
from systems.server.hosting import host
from systems.server.listening import listening
from systems.server.service import Service
from systems.server.settings import ServerSettings


@asynccontextmanager
async def listening_to(hosted, memory_used=None, **settings):
    """Give the address, "host:port", of a server of ``hosted``, which is started and closed."""
    async with hosted, listening(Service(hosted, ServerSettings(port=0, **settings), "test", memory_used)) as address:
        yield address


def agent(tmp_path, engine=None, **settings):
    """Return the asynchronous agent, hosted, on a simulated engine unless another is given."""
    engine = engine or SimulatedEngine(SimulatedSettings(slots=8))
    return host(Asynchronous(AsynchronousSettings(**settings), engine, tmp_path))


def ask(**fields):
    return json.dumps({"type": "ask", "id": "1", "session": "s", "text": "Hello Vera", "max_tokens": 4, **fields})


async def until_the_last(connection, ask_id="1"):
    """Return the tokens and the last message of the answer to one ask."""
    tokens = []
    while True:
        message = json.loads(await asyncio.wait_for(connection.recv(), 20))
        if message["type"] != "token":
            return tokens, message
        assert message["id"] == ask_id
        tokens.append(message["text"])
