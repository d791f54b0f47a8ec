"""What breaks while others talk: clients, the engine, the store. Each has its stated end, and the others go on."""

import asyncio
import json
import socket
import sqlite3
import struct
from contextlib import closing, suppress

import pytest
from websockets.asyncio.client import connect

from systems.engines.simulated import SimulatedEngine, SimulatedSettings
from systems.errors import EngineError
from systems.server.listening import listening
from systems.server.service import Service
from systems.server.settings import ServerSettings
from tests.experiments.test_interruption import small_disk
from tests.systems.server.serving import agent, ask, listening_to, until_the_last

HANDSHAKE = (
    b"GET /ws HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
    b"sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)
BODY = json.dumps({"messages": [{"role": "user", "content": "x"}], "max_tokens": 500, "stream": True}).encode()
POST = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(BODY) + BODY


def frame(text):
    """Return a masked text frame, as clients send."""
    data = text.encode()
    return b"\x81" + struct.pack("!BH", 0x80 | 126, len(data)) + b"\0\0\0\0" + data


STEPS = [
    *(HANDSHAKE[:cut] for cut in (0, 1, 20, len(HANDSHAKE) - 2)),
    *(HANDSHAKE + frame(ask(max_tokens=500))[:cut] for cut in (0, 1, 3, 20, None)),
    HANDSHAKE + b"\x89\x80\0\0\0\0",
    HANDSHAKE + b"\x88\x80\0\0\0\0",
    HANDSHAKE + b"\xff\xff\xff\xff",
    *(POST[:cut] for cut in (10, len(POST) - 5, None)),
]


async def test_clients_that_reset_at_every_step_leave_nothing_behind(tmp_path):
    engine = SimulatedEngine(SimulatedSettings(token_s=0.005, slots=50))
    hosted = agent(tmp_path, engine)
    service = Service(hosted, ServerSettings(port=0, connections=100), "test")
    async with hosted, listening(service) as address:
        host, port = address.split(":")
        tasks = len(asyncio.all_tasks())
        for sent in STEPS:
            for waits in (0.0, 0.02):
                _, writer = await asyncio.open_connection(host, int(port))
                writer.write(sent)
                await asyncio.sleep(waits)
                linger = struct.pack("ii", 1, 0)
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                writer.transport.abort()
        async with connect(f"ws://{address}/ws") as connection:
            await connection.send(ask(id="works", session="works"))
            assert (await until_the_last(connection, "works"))[1]["type"] == "reply"
        async with asyncio.timeout(10):
            await service.finish()  # no turn of those who left is under way for long
            while service.connections or len(asyncio.all_tasks()) > tasks:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.01)


async def test_an_engine_that_fails_or_stalls_fails_its_own_turns_alone(tmp_path):
    class Moody(SimulatedEngine):
        def generate(self, messages, *, on_token, check=None, **rest):
            if "fail" in messages[-1].content:
                raise EngineError("The engine broke.")
            if "stall" in messages[-1].content:
                while True:
                    check()
            return super().generate(messages, on_token=on_token, check=check, **rest)

    async with listening_to(agent(tmp_path, Moody(SimulatedSettings(slots=4)))) as address:

        async def say(number, text, **fields):
            async with connect(f"ws://{address}/ws") as connection:
                await connection.send(ask(session=str(number), text=text, **fields))
                return (await until_the_last(connection))[1]

        said = await asyncio.gather(
            say(1, "fail"), say(2, "stall", deadline_s=0.3), *(say(number, "hello") for number in range(3, 8))
        )
    assert [each.get("kind") for each in said] == ["EngineError", "DeadlineExceeded", *[None] * 5]


@pytest.mark.parametrize("durable", [True, False], ids=["saved before the reply", "saved after the reply"])
async def test_a_locked_database_is_a_typed_error_or_waited_out_and_never_a_lost_turn(tmp_path, durable):
    settings = {"background_saving": not durable, "fast_segmentation": False}
    async with listening_to(agent(tmp_path, **settings)) as address, connect(f"ws://{address}/ws") as connection:

        async def say(number):
            await connection.send(ask(id=str(number), session="s", text=f"Turn {number}"))
            return (await until_the_last(connection, str(number)))[1]

        assert (await say(1))["type"] == "reply"
        other = sqlite3.connect(tmp_path / "memory.sqlite", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        locked = asyncio.create_task(say(2))
        await asyncio.sleep(0.3)
        other.execute("COMMIT")
        answered = await locked
        assert answered["type"] == "reply" or answered["kind"] == "StoreBusy"
        acknowledged = 2 if answered["type"] == "reply" else 1
        assert (await say(3))["type"] == "reply"
    count = other.execute("SELECT count(*) FROM memories").fetchone()[0]
    other.close()
    assert count >= acknowledged + 1


@pytest.mark.needs_root
async def test_on_a_full_disk_nothing_is_acknowledged_that_is_not_saved(tmp_path):
    with small_disk(tmp_path / "small", "1m") as disk:
        settings = {"background_saving": False, "lru_cache": False}
        async with listening_to(agent(disk, **settings)) as address, connect(f"ws://{address}/ws") as connection:

            async def say(number):
                await connection.send(ask(id=str(number), text=f"Turn {number}"))
                return (await until_the_last(connection, str(number)))[1]

            acknowledged = int((await say(0))["type"] == "reply")
            with suppress(OSError), (disk / "filler").open("wb", buffering=0) as filler:
                while True:
                    filler.write(b"x" * 4096)
            kinds = [(await say(number)).get("kind") for number in range(1, 4)]
            assert "StoreError" in kinds
            (disk / "filler").unlink()
            assert (await say(4))["type"] == "reply"
            acknowledged += 1 + kinds.count(None)
        with closing(sqlite3.connect(disk / "memory.sqlite")) as database:
            assert database.execute("SELECT count(*) FROM memories").fetchone()[0] == acknowledged
