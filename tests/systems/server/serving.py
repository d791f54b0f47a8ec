"""A server on a free port, the messages of a WebSocket client, and a crowd of those, for tests."""

import asyncio
import json
import sqlite3
import threading
from contextlib import asynccontextmanager, closing, suppress
from itertools import count

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from systems.asynchronous.agent import Asynchronous
from systems.asynchronous.settings import AsynchronousSettings
from systems.engines.simulated import SimulatedEngine, SimulatedSettings
from systems.server.hosting import host
from systems.server.service import ServedSystem
from systems.server.settings import ServerSettings
from systems.server.wire.listening import listening


@asynccontextmanager
async def listening_to(
    hosted, memory_used=None, scripts=None, context_tokens=None, embeddings=None, random_weights=False, **settings
):
    """Give the address, "host:port", of a server of ``hosted``, which is started and closed."""
    chosen = ServerSettings(**{"port": 0, **settings})
    service = ServedSystem(
        hosted, chosen, "test", memory_used, scripts, context_tokens, embeddings, random_weights=random_weights
    )
    async with hosted, listening(service) as address:
        yield address


def agent(tmp_path, engine=None, **settings):
    """Return the asynchronous agent, hosted, on a simulated engine unless another is given."""
    engine = engine or SimulatedEngine(SimulatedSettings(slots=8))
    return host(Asynchronous(AsynchronousSettings(**settings), engine, tmp_path))


class Watched(SimulatedEngine):
    """Tells when a reply has begun; and ends none while it is `held`."""

    def __init__(self, settings, *, held=False):
        super().__init__(settings)
        self._begun = threading.Semaphore(0)
        self.let_go, self.ended = threading.Event(), threading.Event()
        if not held:
            self.let_go.set()

    async def begun(self):
        """Return when one more reply has begun."""
        assert await asyncio.to_thread(self._begun.acquire, timeout=60)

    def generate(self, *arguments, **named):
        self._begun.release()
        self.let_go.wait(60)
        try:
            return super().generate(*arguments, **named)
        finally:
            self.ended.set()


def ask(**fields):
    return json.dumps({"type": "ask", "id": "1", "session": "s", "text": "Hello Vera", "max_tokens": 4, **fields})


async def until_the_last(connection, ask_id="1"):
    """Return the tokens and the last message of the answer to one ask."""
    tokens = []
    while True:
        # Not `wait_for`: in Python 3.11 it swallows a cancellation that comes together with the message.
        async with asyncio.timeout(20):
            message = json.loads(await connection.recv())
        if message["type"] != "token":
            return tokens, message
        assert message["id"] == ask_id
        tokens.append(message["text"])


class Crowd:
    """Users who talk while something happens; ``acknowledged`` are the turns that were answered, (session, text)."""

    def __init__(self, address, users=50):
        self._address = address
        self._users = users
        self._answers = [0] * users
        self.acknowledged = []
        self.errors = []

    async def go_on(self):
        """Return the kinds of errors until each of them was answered twice more: one of these was asked after now."""
        known, before = len(self.errors), list(self._answers)
        async with asyncio.timeout(60):
            while any(now < was + 2 for was, now in zip(before, self._answers, strict=True)):
                if gone := [task for task in self._tasks if task.done()]:
                    await gone[0]
                await asyncio.sleep(0.01)
        return self.errors[known:]

    def lost(self, memory):
        """Return which acknowledged turns are not in the file ``memory``."""
        with closing(sqlite3.connect(memory)) as database:
            return set(self.acknowledged) - set(database.execute("SELECT session, question FROM memories"))

    async def __aenter__(self):
        self._tasks = [asyncio.create_task(self._talk(user)) for user in range(self._users)]
        await self.go_on()
        return self

    async def __aexit__(self, *_):
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def until_cut_off(self):
        """Return once the server has gone from all of them."""
        for task in self._tasks:
            with suppress(ConnectionClosed):
                await task

    async def _talk(self, user):
        async with connect(f"ws://{self._address}/ws", ping_interval=None) as connection:
            for number in count():
                session, text = f"user-{user}", f"Turn {number} of user {user}"
                await connection.send(ask(id=str(number), session=session, text=text, stream=False))
                _, last = await until_the_last(connection, str(number))
                if last["type"] == "reply":
                    self._answers[user] += 1
                    self.acknowledged.append((session, text))
                else:
                    self.errors.append(last["kind"])
                await asyncio.sleep(0.2)
