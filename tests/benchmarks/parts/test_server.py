"""A turn through the server, of an agent whose model answers at once: over a WebSocket, and over HTTP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import AsyncExitStack
from http.client import HTTPConnection

import pytest
from websockets.asyncio.client import connect

from systems.engines.simulated import SimulatedEngine, SimulatedSettings
from tests.systems.server.serving import agent, ask, listening_to, until_the_last


@pytest.fixture
def address(run, tmp_path) -> Iterator[str]:
    """Return where an agent is served, in the loop that also asks."""
    stack = AsyncExitStack()
    engine = SimulatedEngine(SimulatedSettings(slots=8))
    yield run(stack.enter_async_context(listening_to(agent(tmp_path, engine, lru_cache=False))))
    run(stack.aclose())


def test_a_turn_over_a_websocket(benchmark, run, address):
    stack = AsyncExitStack()
    connection = run(stack.enter_async_context(connect(f"ws://{address}/ws")))

    async def turn() -> None:
        await connection.send(ask())
        _, last = await until_the_last(connection)
        assert last["type"] == "reply"

    benchmark(lambda: run(turn()))
    run(stack.aclose())


def test_a_turn_over_http(benchmark, run, address):
    client = HTTPConnection(address)
    body = json.dumps({"messages": [{"role": "user", "content": "Hello Vera"}], "max_tokens": 4})

    def post() -> None:
        client.request("POST", "/v1/chat/completions", body, {"Content-Type": "application/json"})
        with client.getresponse() as response:
            assert response.status == 200
            response.read()

    benchmark(lambda: run(asyncio.to_thread(post)))
    client.close()
