"""Requests as bytes: each gets one response, and no body is ever read as a request."""

import asyncio
import json
import socket

import pytest

from systems.engines.simulated import SimulatedEngine, SimulatedSettings
from systems.server.direct import EngineHost
from systems.server.settings import MAX_BODY_BYTES
from systems.server.wire.protocols import Http
from tests.benchmarks.wire_fuzz import fuzz
from tests.systems.server.serving import Watched, listening_to
from tests.systems.server.wire import (
    AMBIGUOUS,
    CHAT,
    H2C,
    LAST,
    OFFERS,
    SMUGGLED,
    chunked,
    naming,
    responses,
    said_to,
    whole,
)


def served(engine=None, **settings):
    engine = engine or SimulatedEngine(SimulatedSettings(slots=8))
    return listening_to(EngineHost(engine, 30), **settings)


def pieces(request, size):
    return [request[start : start + size] for start in range(0, len(request), size)]


@pytest.mark.parametrize("size", [1, 7, 100_000], ids=["byte by byte", "in pieces", "at once"])
@pytest.mark.parametrize("framed", [whole, chunked])
@pytest.mark.parametrize("offer", OFFERS)
async def test_an_upgrade_that_is_not_taken_is_ignored_and_the_body_read(offer, framed, size):
    async with served() as address:
        # What follows a body is the next request, and the body is none, however much it looks like one.
        sent = framed(naming("mine"), OFFERS[offer]) + framed(SMUGGLED, OFFERS[offer]) + LAST
        first, second, last = responses(await said_to(address, *pieces(sent, size)))
        assert (first.status, b"mine" in first.body) == (404, True)
        assert (second.status, last.status) == (400, 200)


async def test_what_a_client_offers_for_a_get_is_ignored_too():
    async with served() as address:
        for offer in OFFERS.values():
            sent = b"GET /v1/models HTTP/1.1\r\nhost: localhost\r\n" + offer + b"\r\n" + LAST
            assert [each.status for each in responses(await said_to(address, sent))] == [200, 200]
        # As one of HTTP/1.0 it must be.
        sent = b"GET /v1/models HTTP/1.0\r\n" + OFFERS["h2c"] + b"\r\n" + LAST
        assert [each.status for each in responses(await said_to(address, sent))] == [200]


HANDSHAKE = b"GET /ws HTTP/1.1\r\nhost: localhost\r\nconnection: Upgrade\r\nupgrade: websocket\r\n"
HANDSHAKE += b"sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n"


async def test_a_websocket_is_opened_only_by_a_plain_handshake_with_nothing_before_or_behind_it():
    async with served() as address:
        pending = whole(naming("mine")) + HANDSHAKE + b"\r\n" + LAST
        assert [each.status for each in responses(await said_to(address, pending))] == [404, 426, 200]
        body = whole(SMUGGLED, head=HANDSHAKE) + LAST
        assert [each.status for each in responses(await said_to(address, body))] == [426, 200]
        early = HANDSHAKE + b"\r\n" + SMUGGLED
        assert [each.status for each in responses(await said_to(address, early))] == [400]
        plain = b"GET /ws HTTP/1.1\r\nhost: localhost\r\n\r\n" + LAST
        needed, last = responses(await said_to(address, plain))
        assert (needed.status, needed.headers["upgrade"], last.status) == (426, "websocket", 200)


@pytest.mark.parametrize("size", [1, 100_000], ids=["byte by byte", "at once"])
@pytest.mark.parametrize("kind", AMBIGUOUS)
async def test_what_can_be_read_in_two_ways_is_refused_and_nothing_after_it_is_read(kind, size):
    headers, body = AMBIGUOUS[kind]
    for offer in (b"", H2C):
        async with served() as address:
            sent = CHAT + offer + headers + b"\r\n" + body + SMUGGLED
            [refused] = responses(await said_to(address, *pieces(sent, size)))
            assert refused.status in (400, 501)
            assert refused.headers["connection"] == "close"
            assert json.loads(refused.body)["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"CONNECT localhost:1 HTTP/1.1\r\nhost: localhost\r\n\r\n" + SMUGGLED, 405),
        (b"CONNECT localhost:1 HTTP/1.1\r\nhost: localhost\r\ncontent-length: 3\r\n\r\nabc" + SMUGGLED, 405),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + SMUGGLED, 400),
        (b"GET / HTTP/2.0\r\nhost: localhost\r\n\r\n" + SMUGGLED, 505),
        (b"GET / HTTP/0.9\r\n\r\n" + SMUGGLED, 505),
        (b"GET /\r\n\r\n" + SMUGGLED, 505),
        (b"GET / HTTP/1.1\r\n\r\n" + SMUGGLED, 400),
        (b"GET / HTTP/1.1\nhost: localhost\n\n" + SMUGGLED, 400),
        (b"POST / HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED, 400),
        (CHAT + b"expect: a miracle\r\ncontent-length: 0\r\n\r\n" + SMUGGLED, 417),
    ],
)
async def test_what_is_not_for_this_server_is_refused_and_nothing_after_it_is_read(request_, status):
    async with served() as address:
        assert [each.status for each in responses(await said_to(address, request_))] == [status]


async def test_an_error_comes_after_the_answers_to_everything_that_was_asked_before():
    engine = Watched(SimulatedSettings(slots=8), held=True)
    async with served(engine) as address:
        asked = json.dumps({"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 2}).encode()
        sent = whole(asked) + whole(naming("mine")) + CHAT + b"content-length: +1\r\n\r\n" + SMUGGLED
        saying = asyncio.create_task(said_to(address, sent))
        await engine.begun()
        engine.let_go.set()
        assert [each.status for each in responses(await saying)] == [200, 404, 400]


async def test_a_body_that_goes_wrong_gets_one_answer_also_behind_others():
    async with served() as address:
        wrong = CHAT + b"transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n"
        for before, statuses in ((b"", [400]), (whole(naming("mine")), [404, 400])):
            said = await said_to(address, before + wrong, b"zz\r\n" + SMUGGLED, between=0.05)
            assert [each.status for each in responses(said)] == statuses


@pytest.mark.parametrize("method", [b"GET", b"HEAD", b"DELETE", b"OPTIONS"])
async def test_a_body_where_none_belongs_is_not_the_next_request(method):
    async with served() as address:
        for path in (b"/healthz", b"/nowhere", b"/v1/chat/completions"):
            head = method + b" " + path + b" HTTP/1.1\r\nhost: localhost\r\n"
            for framed in (whole, chunked):
                said = await said_to(address, framed(SMUGGLED, head=head), LAST)
                assert len(responses(said, [method.decode()])) == 2


@pytest.mark.parametrize("path", [b"/nowhere", b"/metrics", b"/v1/chat/completions"], ids=["404", "405", "401 or 413"])
async def test_the_rest_of_a_body_that_was_refused_is_not_the_next_request(path):
    head = b"POST " + path + b" HTTP/1.1\r\nhost: localhost\r\n"
    async with served(tokens=("a token",)) as address:
        # It comes at once, in time, or never as a whole: then the connection ends.
        for rest, expected in ((b"x" * 100, 2), (b"", 1)):
            start = head + b"content-length: %d\r\n\r\n" % (len(SMUGGLED) + 100)
            refused, *others = responses(
                await said_to(address, start, SMUGGLED + rest, LAST * bool(rest), between=0.05)
            )
            assert 400 <= refused.status < 500
            assert len(others) == expected - 1
            assert others or refused.headers["connection"] == "close"


async def test_a_body_that_is_too_long_is_refused_and_never_read_as_requests():
    async with served() as address:
        many = SMUGGLED * (2 * MAX_BODY_BYTES // len(SMUGGLED))
        said = await said_to(address, whole(many), LAST)
        assert responses(said)[0].status == 413
        assert b"smuggled" not in said


async def test_who_expects_to_be_told_to_go_on_is_told_or_the_connection_ends():
    async with served() as address:
        waits = b"expect: 100-continue\r\n"
        body = naming("mine")
        said = await said_to(address, whole(body, waits).removesuffix(body), body + LAST, between=0.1)
        assert said.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 ")
        assert len(responses(said.partition(b"\r\n\r\n")[2])) == 2
        # Refused without the body, which the client may now send or not: whatever comes is neither body nor request.
        head = b"POST /nowhere HTTP/1.1\r\nhost: localhost\r\n"
        said = await said_to(address, whole(SMUGGLED, waits, head).removesuffix(SMUGGLED), SMUGGLED + LAST, between=0.1)
        [refused] = responses(said)
        assert (refused.status, refused.headers["connection"]) == (404, "close")
        # A client of HTTP/1.0 knows of no such thing.
        old = b"POST /v1/chat/completions HTTP/1.0\r\n"
        said = await said_to(address, whole(body, waits, old).removesuffix(body), body, between=0.1)
        assert said.startswith(b"HTTP/1.1 404 ")


async def test_a_client_of_http_1_0_gets_no_chunks():
    async with served() as address:
        asked = {"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 2, "stream": True}
        old = b"POST /v1/chat/completions HTTP/1.0\r\nconnection: keep-alive\r\n"
        [streamed] = responses(await said_to(address, whole(json.dumps(asked).encode(), head=old) + LAST))
        assert streamed.body.startswith(b"data: ")
        assert streamed.body.endswith(b"data: [DONE]\n\n")
        assert "transfer-encoding" not in streamed.headers


async def test_after_a_request_to_close_nothing_is_read():
    async with served() as address:
        for after in (SMUGGLED, b"garbage\r\n\r\n"):
            assert [each.status for each in responses(await said_to(address, LAST + after))] == [200]


async def test_a_client_that_leaves_stops_the_request_that_is_being_answered_not_only_the_newest():
    engine = Watched(SimulatedSettings(token_s=0.01, slots=8))
    async with served(engine) as address:
        asked = {"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 100_000}
        reader, writer = await asyncio.open_connection(*address.split(":"))
        writer.write(whole(json.dumps(asked).encode()) + LAST)
        await engine.begun()
        writer.transport.abort()
        assert await asyncio.to_thread(engine.ended.wait, 20)
        del reader


async def test_an_idle_connection_stays_open_as_long_as_is_set_and_makes_room_for_others():
    whole_request = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n"
    async with served(keep_alive_s=0.3, patience_s=10) as address:
        # Empty lines are no request: they do not keep a place for ever.
        said = await said_to(address, whole_request, b"\r\n", b"\r\n", between=0.05)
        assert len(responses(said)) == 1
    async with served(sockets=2) as address:
        oldest, newer = [await asyncio.open_connection(*address.split(":")) for _ in range(2)]
        for reader, writer in (oldest, newer):
            writer.write(whole_request)
            assert (await reader.readuntil(b"ok\n")).startswith(b"HTTP/1.1 200 ")
        assert len(responses(await said_to(address, LAST))) == 1
        assert await asyncio.wait_for(oldest[0].read(), 20) == b""
        newer[1].write(LAST)
        assert len(responses(await asyncio.wait_for(newer[0].read(), 20))) == 1
        oldest[1].close()
        newer[1].close()


async def test_of_thousands_of_odd_requests_in_pieces_each_gets_one_answer():
    seen = await fuzz(requests=3000, seed=2, seconds=60)
    assert seen.wrong == []
    assert seen.sent >= 3000
    assert sum(seen.answered.values()) + seen.unread == seen.sent


async def test_what_is_written_is_sent_at_once(monkeypatch):
    connected = []

    def made(self, transport):
        kept(self, transport)
        connected.append(transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

    kept = Http.connection_made
    monkeypatch.setattr(Http, "connection_made", made)
    async with served() as address:
        await said_to(address, LAST)
    assert connected == [1]
