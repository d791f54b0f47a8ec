"""What one client can cost the others: nothing beyond its bounds."""

import asyncio
import gc
import http.client
import json
import socket
import threading
import urllib.request
from contextlib import AsyncExitStack, closing, suppress
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from experiments.measuring.probes import memory
from systems.engines.simulated import SimulatedEngine, SimulatedSettings
from systems.errors import BadInput, Refused
from systems.server.chat.completions import Completions
from systems.server.responses.endpoint import Responses
from systems.server.schema import WEBSOCKET, openapi
from systems.server.service import ServedSystem
from systems.server.settings import MAX_HEADER_BYTES, ServerSettings
from systems.server.wire.guard import Guard
from tests.systems.server.serving import Watched, agent, ask, listening_to, until_the_last

# The packages whose objects only the server has: the test's own client is of others.
OUR_SIDE = ("systems.", "uvicorn.", "httptools.", "starlette.")


def shown(token):
    return {"Authorization": f"Bearer {token}"}


async def get(address, path, **headers):
    def fetch():
        request = urllib.request.Request(f"http://{address}{path}", headers=headers)
        with urllib.request.urlopen(request, timeout=20) as response:
            return response.read().decode()

    return await asyncio.to_thread(fetch)


async def works(address):
    async with connect(f"ws://{address}/ws") as connection:
        await connection.send(ask(id="works", session="works"))
        return (await until_the_last(connection, "works"))[1]["type"] == "reply"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "laptop.local"])
def test_beyond_this_machine_a_long_token_is_required(host):
    with pytest.raises(BadInput, match="token is required"):
        Guard(ServerSettings(host=host))
    with pytest.raises(BadInput, match="at least 16"):
        Guard(ServerSettings(host=host, tokens=("long enough, this one", "short")))
    Guard(ServerSettings(host=host, admin_tokens=("long enough, this one",)))
    for loopback in ("127.0.0.1", "127.0.0.2", "::1", "localhost"):
        Guard(ServerSettings(host=loopback))


async def test_an_address_that_cannot_be_listened_on_is_bad_input(tmp_path):
    with pytest.raises(BadInput, match="Cannot listen"):
        async with listening_to(agent(tmp_path), tokens=("long enough, this one",), host="192.0.2.77"):
            pass


async def test_who_has_shown_no_token_takes_nobodys_place(tmp_path):
    async with listening_to(agent(tmp_path), tokens=("one",), connections=1) as address:
        where = f"ws://{address}/ws"
        async with connect(where), connect(where), connect(where, additional_headers=shown("one")) as connection:
            await connection.send(ask())
            assert (await until_the_last(connection))[1]["type"] == "reply"


async def test_a_user_has_a_bounded_number_of_unanswered_asks_over_all_connections(tmp_path):
    engine = Watched(SimulatedSettings(slots=8), held=True)
    tokens = {"tokens": ("one", "two"), "asks_per_user": 2}
    async with listening_to(agent(tmp_path, engine), **tokens) as address:
        where = f"ws://{address}/ws"
        async with (
            connect(where, additional_headers=shown("one")) as first,
            connect(where, additional_headers=shown("one")) as second,
            connect(where, additional_headers=shown("two")) as other,
        ):
            for connection, name in ((first, "1"), (first, "2"), (other, "4")):
                await connection.send(ask(id=name, session=name, stream=False))
                await engine.begun()
            await second.send(ask(id="3", session="3", stream=False))
            _, refused = await until_the_last(second, "3")
            assert (refused["type"], "a user" in refused["reason"]) == ("refusal", True)
            engine.let_go.set()
            for connection, name in ((first, "1"), (first, "2"), (other, "4")):
                assert (await until_the_last(connection, name))[1]["type"] == "reply"


async def test_a_user_who_asks_too_often_is_told_when_to_ask_again(tmp_path):
    async with listening_to(agent(tmp_path), tokens=("one", "two"), asks_per_minute=2) as address:
        for token, kinds in (("one", ["reply", "reply", "refusal"]), ("two", ["reply"])):
            async with connect(f"ws://{address}/ws", additional_headers=shown(token)) as connection:
                for number, kind in enumerate(kinds):
                    await connection.send(ask(id=str(number)))
                    _, last = await until_the_last(connection, str(number))
                    assert last["type"] == kind
                    assert kind != "refusal" or 0 < last["retry_after_s"] <= 30


async def test_work_is_refused_while_memory_is_short(tmp_path):
    used = 0.5
    async with listening_to(agent(tmp_path), memory_used=lambda: used) as address:
        assert await works(address)
        used = 0.95
        async with asyncio.timeout(20):
            while await works(address):  # noqa: ASYNC110 - who looks at the memory tells nobody
                await asyncio.sleep(0.05)
        async with connect(f"ws://{address}/ws") as connection:
            await connection.send(ask())
            _, refused = await until_the_last(connection)
            assert (refused["type"], refused["reason"]) == ("refusal", "memory is short")
            assert refused["retry_after_s"] > 0
        with pytest.raises(urllib.error.HTTPError, match="503"):
            await get(address, "/readyz")
        assert "ok" in await get(address, "/healthz")
        used = 0.5
        async with asyncio.timeout(20):
            while not await works(address):  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.05)


async def test_a_connection_on_which_nothing_is_asked_is_closed_but_not_one_that_waits(tmp_path):
    slow = SimulatedEngine(SimulatedSettings(first_token_s=0.5))
    async with listening_to(agent(tmp_path, slow), idle_s=0.2) as address, connect(f"ws://{address}/ws") as connection:
        await connection.send(ask(stream=False))
        assert json.loads(await connection.recv())["type"] == "reply"
        with pytest.raises(ConnectionClosed) as caught:
            await connection.recv()
        assert "long time" in caught.value.rcvd.reason


async def test_a_client_that_comes_again_is_not_refused_because_its_last_connection_is_still_counted(tmp_path):
    """It closes one and opens another while the server, which has heard of neither, is about to accept a third."""
    loop = asyncio.get_running_loop()
    async with listening_to(agent(tmp_path), sockets=2) as address, AsyncExitStack() as opened:
        host, port = address.split(":")

        def connected():
            return opened.enter_context(socket.create_connection((host, int(port)), timeout=20))

        begun = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n"
        first = connected()
        first.sendall(begun)  # not idle, so that its place cannot be taken
        await get(address, "/healthz")  # which is answered after the first was counted

        again = loop.create_future()

        def come_again():
            first.close()
            again.set_result(connected())

        other = connected()
        other.sendall(begun)
        # Called when the loop already knows that somebody is to be accepted, and before it does so.
        loop.call_soon(come_again)
        later = await again
        later.sendall(begun + b"connection: close\r\n\r\n")
        other.sendall(b"connection: close\r\n\r\n")
        for each in (later, other):
            each.setblocking(False)
            assert (await loop.sock_recv(each, 100)).startswith(b"HTTP/1.1 200")


async def test_of_those_who_come_at_once_as_many_are_served_as_there_is_room_for(tmp_path):
    loop = asyncio.get_running_loop()
    async with listening_to(agent(tmp_path), sockets=3) as address, AsyncExitStack() as opened:
        host, port = address.split(":")
        idle = opened.enter_context(closing(http.client.HTTPConnection(host, int(port), timeout=20)))
        await asyncio.to_thread(idle.request, "GET", "/healthz")
        assert await asyncio.to_thread(lambda: idle.getresponse().read())  # its place is one that may be taken, once
        crowd = [opened.enter_context(socket.create_connection((host, int(port)), timeout=20)) for _ in range(8)]
        answers = []
        for each in crowd:
            each.sendall(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
            each.setblocking(False)
        for each in crowd:
            with suppress(ConnectionResetError):  # of one that is refused what it asks is not read
                answers.append(await loop.sock_recv(each, 100))
        assert sum(each.startswith(b"HTTP/1.1 200") for each in answers) == 3


async def test_thousands_of_half_open_connections_are_bounded_and_cut_off(tmp_path):
    async with listening_to(agent(tmp_path), sockets=40, patience_s=1.0) as address:
        host, port = address.split(":")
        assert await works(address)
        before = memory.anonymous_bytes()

        async def half_open(number, opened=None):
            reader, writer = opened or await asyncio.open_connection(host, int(port))
            writer.write((b"", b"GET / HTT", b"GET / HTTP/1.1\r\nhost: localhost\r\n")[number % 3])
            said = await asyncio.wait_for(reader.read(), 20)
            writer.close()
            return said

        # Whoever is refused is told at once; those who are held, whose places others may take then, are cut off.
        first = [await asyncio.open_connection(host, int(port)) for _ in range(40)]
        held = [asyncio.create_task(half_open(number, opened)) for number, opened in enumerate(first)]
        await asyncio.sleep(0.1)
        refused = 0
        while not any(task.done() for task in held) and refused < 2000:
            said = await asyncio.gather(*map(half_open, range(100)), return_exceptions=True)
            assert all(isinstance(each, ConnectionError) or b" 503 " in each or not each for each in said)
            refused += len(said)
        assert await asyncio.gather(*held) == [b""] * 40
        assert await works(address)
        assert memory.anonymous_bytes() - before < 16 * 2**20


async def test_what_a_closed_connection_held_is_free_without_the_collector(tmp_path):
    async with listening_to(agent(tmp_path)) as address:
        gc.collect()
        gc.disable()
        try:
            for _ in range(5):
                assert await works(address)
            await asyncio.sleep(0.1)
            gc.set_debug(gc.DEBUG_SAVEALL)
            gc.collect()
            left = {type(each).__qualname__ for each in gc.garbage if type(each).__module__.startswith(OUR_SIDE)}
        finally:
            gc.set_debug(0)
            gc.garbage.clear()
            gc.enable()
        assert left == set()


TRAILED = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n0\r\n"


@pytest.mark.parametrize(
    "request_",
    [
        b"GET / HTTP/1.1\r\nx: " + b"y" * (MAX_HEADER_BYTES + 1),
        b"GET / HTTP/1.1\r\n" + b"x: yyyy\r\n" * MAX_HEADER_BYTES + b"\r\n",
        TRAILED + b"x: yyyy\r\n" * MAX_HEADER_BYTES + b"\r\n",
        b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n" * 1000,
        b"\x16\x03\x01 what is this\r\n\r\n",
    ],
    ids=["a long header", "many headers", "many trailers", "many requests at once", "no HTTP"],
)
async def test_more_than_the_parser_may_keep_or_nonsense_gets_a_400(tmp_path, request_):
    async with listening_to(agent(tmp_path)) as address:
        reader, writer = await asyncio.open_connection(*address.split(":"))
        writer.write(request_)
        said = b""
        with suppress(ConnectionResetError):  # what it did not read any more
            async with asyncio.timeout(20):
                while more := await reader.read(1000):
                    said += more
        assert b"HTTP/1.1 400 " in said
        writer.close()
        assert await works(address)


async def test_what_concerns_everyone_takes_an_administrator(tmp_path):
    tokens = {"tokens": ("user",), "admin_tokens": ("administrator",)}
    async with listening_to(agent(tmp_path), **tokens) as address:

        async def say(token, message):
            async with connect(f"ws://{address}/ws", additional_headers=shown(token)) as connection:
                await connection.send(message)
                return (await until_the_last(connection))[1]

        def setting(**values):
            return json.dumps({"type": "settings", "id": "1", "session": "s", **values})

        own = await say("user", setting(history_length=4))
        assert (own["type"], "4 messages" in own["said"]) == ("settings", True)
        assert "10 messages" in (await say("administrator", setting()))["said"]
        for message in (setting(cache_capacity=7), ask(text="/cache size 7")):
            refused = await say("user", message)
            assert (refused["type"], refused["kind"]) == ("error", "NotAllowed")
        assert "7 replies" in (await say("administrator", setting(cache_capacity=7)))["said"]
        assert "7 replies" in (await say("user", setting()))["said"]
        assert (await say("user", setting(history_length=-1)))["kind"] == "BadMessage"


async def test_metrics_count_turns_by_outcome_and_tell_what_the_system_counts(tmp_path):
    async with listening_to(agent(tmp_path), tokens=("one",)) as address:
        async with connect(f"ws://{address}/ws", additional_headers=shown("one")) as connection:
            await connection.send(ask())
            await until_the_last(connection)
            text = await get(address, "/metrics", **shown("one"))
        assert 'fourgig_turn_seconds_count{outcome="ok"} 1.0' in text
        assert "fourgig_connections 1.0" in text
        assert "fourgig_system_turns_total 1.0" in text
        with pytest.raises(urllib.error.HTTPError, match="401"):
            await get(address, "/metrics")


def test_the_description_and_the_page_for_people_name_every_message():
    described = openapi(ServerSettings())["components"]["schemas"]
    page = (Path(__file__).parents[3] / "docs" / "clients.md").read_text()
    for message in WEBSOCKET:
        assert f"`{message.__struct_config__.tag}`" in page
        assert message.__name__ in described


async def test_no_grammar_is_made_for_a_user_who_may_not_ask(tmp_path):
    service = ServedSystem(agent(tmp_path), ServerSettings(port=0, tokens=("one", "two"), asks_per_minute=1), "test")
    one, two = (service.guard.user(token) for token in ("one", "two"))
    assert [await service.forming(one, lambda: "made") for _ in range(3)] == ["made"] * 3, "a part is no ask"
    with service.work(one):
        pass
    with pytest.raises(Refused, match="a minute"):
        await service.forming(one, pytest.fail)
    assert await service.forming(two, lambda: "made") == "made"
    await service.finish()
    with pytest.raises(Refused, match="stopping"):
        await service.forming(two, pytest.fail)


@pytest.mark.parametrize("endpoint", [Completions, Responses])
async def test_no_grammar_is_made_for_a_client_that_left_while_others_waited_for_theirs(
    tmp_path, endpoint, monkeypatch
):
    made = []
    for module in ("chat.completions.chat_asked", "responses.endpoint.response_asked"):
        monkeypatch.setattr(f"systems.server.{module}", lambda *_: made.append("a grammar"))
    service = ServedSystem(agent(tmp_path), ServerSettings(port=0), "test")
    said = {"messages": [{"role": "user", "content": "x"}], "response_format": {"type": "json_object"}}
    if endpoint is Responses:
        said = {"input": "x", "text": {"format": {"type": "json_object"}}}
    heard = iter([{"type": "http.request", "body": json.dumps(said).encode()}, {"type": "http.disconnect"}])

    async def receive():
        return next(heard)

    another_is_made = threading.Event()
    another = asyncio.create_task(service.forming("another", lambda: another_is_made.wait(60)))
    await asyncio.sleep(0)
    try:
        async with asyncio.timeout(20):
            await endpoint(service)({"type": "http", "headers": []}, receive, pytest.fail)
        assert service.turns == 1
    finally:
        another_is_made.set()
    assert await another
    assert await service.forming("another", lambda: made) == []
