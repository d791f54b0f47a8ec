"""What breaks while fifty users talk: clients, the engine, the store. Each has its stated end, and the fifty go on."""

import asyncio
import json
import socket
import sqlite3
import struct
import time
from contextlib import AsyncExitStack, closing, suppress

import msgspec
import pytest
import pytest_asyncio
from websockets.asyncio.client import connect

from systems.engines.simulated import SimulatedEngine, SimulatedSettings
from systems.errors import EngineError
from systems.server.service import ServedSystem
from systems.server.settings import ServerSettings
from systems.server.wire.listening import listening
from tests.experiments.measuring.test_interruption import small_disk
from tests.systems.server.serving import Crowd, agent, ask, listening_to, until_the_last

HANDSHAKE = (
    b"GET /ws HTTP/1.1\r\nhost: localhost\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
    b"sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


def post(text):
    """Return a request for a stream."""
    body = json.dumps({"messages": [{"role": "user", "content": text}], "max_tokens": 500, "stream": True}).encode()
    return b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: %d\r\n\r\n" % len(body) + body


def frame(text):
    """Return a masked text frame, as clients send."""
    data = text.encode()
    return b"\x81" + struct.pack("!BH", 0x80 | 126, len(data)) + b"\0\0\0\0" + data


POST = post("x")
STEPS = [
    *(HANDSHAKE[:cut] for cut in (0, 1, 20, len(HANDSHAKE) - 2)),
    *(HANDSHAKE + frame(ask(max_tokens=500))[:cut] for cut in (0, 1, 3, 20, None)),
    HANDSHAKE + b"\x89\x80\0\0\0\0",
    HANDSHAKE + b"\x88\x80\0\0\0\0",
    HANDSHAKE + b"\xff\xff\xff\xff",
    *(POST[:cut] for cut in (10, len(POST) - 5, None)),
]


USERS = 50
PATIENCE_S = 0.5
OPEN = {"connections": USERS + 60, "sockets": USERS + 120, "patience_s": PATIENCE_S}

pytestmark = pytest.mark.asyncio(loop_scope="module")


class Moody(SimulatedEngine):
    """Fails, stalls or is slow when it is asked to."""

    def generate(self, call):
        asked = call.messages[-1].content
        if "fail" in asked:
            raise EngineError("The engine broke.")
        if "stall" in asked:
            while True:
                time.sleep(0.005)
                call.check()
        if "slow" in asked:
            at_once = call.on_token

            def slowly(token):
                time.sleep(0.005)
                if at_once is not None:
                    at_once(token)

            call = msgspec.structs.replace(call, on_token=slowly)
        return super().generate(call)


class Town:
    """A server that fifty users talk to from the first of these tests to the last."""

    def __init__(self, address, service, crowd, memory):
        self.address, self.service, self.crowd, self.memory = address, service, crowd, memory

    async def say(self, session, text, **fields):
        async with connect(f"ws://{self.address}/ws") as connection:
            await connection.send(ask(session=session, text=text, **fields))
            return (await until_the_last(connection))[1]

    async def only_the_crowd_is_left(self, tasks):
        async with asyncio.timeout(10):
            while self.service.connections > USERS or len(asyncio.all_tasks()) > tasks:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.01)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(tmp_path_factory):
    folder = tmp_path_factory.mktemp("town")
    hosted = agent(folder, Moody(SimulatedSettings(slots=8)), background_saving=False)
    service = ServedSystem(hosted, ServerSettings(port=0, **OPEN), "test")
    async with hosted, listening(service) as address, Crowd(address, USERS) as crowd:
        yield Town(address, service, crowd, folder / "memory.sqlite")
        assert crowd.lost(folder / "memory.sqlite") == set()


async def opened(address, receive_buffer=None):
    """Return a socket that is connected; with a small buffer, what is sent to it soon has nowhere to go."""
    host, port = address.split(":")
    made = socket.socket()
    if receive_buffer is not None:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    made.setblocking(False)
    await asyncio.get_running_loop().sock_connect(made, (host, int(port)))
    return made


async def test_clients_that_reset_at_every_step_leave_nothing_behind(town):
    tasks = len(asyncio.all_tasks())
    for sent in STEPS:
        for waits in (0.0, 0.02):
            client = await opened(town.address)
            await asyncio.get_running_loop().sock_sendall(client, sent)
            await asyncio.sleep(waits)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
    assert await town.crowd.go_on() == []
    await town.only_the_crowd_is_left(tasks)


async def test_half_closed_clients_and_fifty_that_leave_in_mid_stream_leave_nothing_behind(town):
    loop, tasks = asyncio.get_running_loop(), len(asyncio.all_tasks())
    halves = [await opened(town.address) for _ in STEPS]
    for client, sent in zip(halves, STEPS, strict=True):
        await loop.sock_sendall(client, sent)
        client.shutdown(socket.SHUT_WR)

    async def leaves(number):
        client = await opened(town.address)
        if number % 2:
            await loop.sock_sendall(client, post(f"slow {number}"))
        else:
            await loop.sock_sendall(client, HANDSHAKE)
            await loop.sock_recv(client, 1000)
            await loop.sock_sendall(client, frame(ask(session=f"{number}", text="slow", max_tokens=500)))
        await loop.sock_recv(client, 1000)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()

    await asyncio.gather(*map(leaves, range(50)))
    await town.only_the_crowd_is_left(tasks)
    assert await town.crowd.go_on() == []
    for client in halves:
        client.close()


async def test_an_engine_that_fails_or_stalls_fails_its_own_turns_alone(town):
    said = await asyncio.gather(
        town.say("a", "fail"), town.say("b", "stall", deadline_s=0.3), *(town.say(f"c{n}", "hello") for n in range(5))
    )
    assert [each.get("kind") for each in said] == ["EngineError", "DeadlineExceeded", *[None] * 5]
    assert await town.crowd.go_on() == []


async def test_a_client_that_reads_or_sends_a_byte_at_a_time_is_cut_off(town):
    loop = asyncio.get_running_loop()

    async def reads(*asks):
        client = await opened(town.address, receive_buffer=4096)
        await loop.sock_sendall(client, HANDSHAKE)

        async def slowly():
            for _ in range(1000):
                await loop.sock_recv(client, 1)
                await asyncio.sleep(0.05)

        reading = asyncio.create_task(slowly())
        asked = b"".join(map(frame, asks)) * 100
        with suppress(OSError):
            async with asyncio.timeout(20):
                while True:
                    await loop.sock_sendall(client, asked)
        reading.cancel()
        client.close()

    async def sends():
        client = await opened(town.address)
        with suppress(OSError):
            for byte in POST:
                await loop.sock_sendall(client, bytes([byte]))
                await asyncio.sleep(0.05)
            pytest.fail("a request in drops was waited for")
        client.close()

    tasks = len(asyncio.all_tasks())
    ping = json.dumps({"type": "ping", "id": "x" * 128})
    await asyncio.gather(reads(ping), reads("x" * 200), sends())
    assert await town.crowd.go_on() == []
    await town.only_the_crowd_is_left(tasks)


async def test_a_locked_database_is_a_typed_error_or_waited_out_and_never_a_lost_turn(town):
    with closing(sqlite3.connect(town.memory, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        await asyncio.sleep(0.3)
        other.execute("COMMIT")
    assert set(await town.crowd.go_on()) <= {"StoreBusy"}
    assert await town.crowd.go_on() == []
    assert town.crowd.lost(town.memory) == set()


@pytest.mark.needs_root
async def test_on_a_full_disk_nothing_is_acknowledged_that_is_not_saved(tmp_path):
    with small_disk(tmp_path / "small", "8m") as disk:
        settings = {"background_saving": False, "lru_cache": False}
        async with listening_to(agent(disk, **settings), **OPEN) as address, AsyncExitStack() as everyone:
            where = f"ws://{address}/ws"
            users = [await everyone.enter_async_context(connect(where, ping_interval=None)) for _ in range(USERS)]
            acknowledged = set()

            async def say(user, text):
                await users[user].send(ask(session=f"user-{user}", text=text))
                _, last = await until_the_last(users[user])
                if last["type"] == "reply":
                    acknowledged.add((f"user-{user}", text))
                return last.get("kind")

            async def each_says(text):
                return await asyncio.gather(*(say(user, text) for user in range(USERS)))

            assert await each_says("There is room") == [None] * USERS
            with suppress(OSError), (disk / "filler").open("wb", buffering=0) as filler:
                while True:
                    filler.write(bytes(4096))
            assert set(await each_says("The disk is full")) == {"StoreError"}
            (disk / "filler").unlink()
            assert await each_says("There is room again") == [None] * USERS
        with closing(sqlite3.connect(disk / "memory.sqlite")) as database:
            assert set(database.execute("SELECT session, question FROM memories")) == acknowledged
