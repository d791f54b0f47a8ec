"""Web pages from elsewhere, names, addresses that are not there, and addresses behind a proxy."""

import asyncio
import json
import urllib.error
import urllib.request

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from systems.engines.simulated import SimulatedEngine, SimulatedSettings
from systems.errors import BadInput, EngineError
from systems.server.direct import EngineHost
from systems.server.settings import MAX_BODY_BYTES, ServerSettings
from systems.server.wire.addresses import nearest
from systems.server.wire.guard import Guard
from tests.systems.server.serving import agent, ask, listening_to, until_the_last

FRIEND = "https://friend.example"
ASKED = {"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 2}
TOKEN = "the secret of this house"
SHOWN = {"Authorization": f"Bearer {TOKEN}"}


def served(engine=None, **settings):
    engine = engine or SimulatedEngine(SimulatedSettings(slots=8))
    return listening_to(EngineHost(engine, 30), **settings)


async def call(address, path, body=None, method=None, **headers):
    """Return status, headers and body of the answer; nothing is redirected."""

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_):
            return None

    def asked():
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(f"http://{address}{path}", data, named, method=method)
        try:
            with urllib.request.build_opener(Stay).open(request, timeout=30) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers, error.read()

    return await asyncio.to_thread(asked)


async def preflight(address, path, origin, **headers):
    asked = {"Access_Control_Request_Method": "POST", "Origin": origin, **headers}
    return await call(address, path, method="OPTIONS", **asked)


async def test_a_listed_page_is_told_before_that_it_may_ask_with_any_header():
    async with served(origins=(FRIEND,), tokens=(TOKEN,)) as address:
        wanted = "authorization,content-type,x-stainless-os,x-stainless-helper-method,dangerously-allow-browser"
        for path in ("/v1/chat/completions", "/v1/models", "/nowhere"):
            status, headers, _ = await preflight(
                address,
                path,
                FRIEND,
                Access_Control_Request_Headers=wanted,
                Access_Control_Request_Private_Network="true",
            )
            assert status == 200
            assert headers["access-control-allow-origin"] == FRIEND
            assert headers["access-control-allow-headers"] == wanted
            assert {"POST", "DELETE", "PATCH"} <= set(headers["access-control-allow-methods"].split(", "))
            assert headers["access-control-allow-private-network"] == "true"
            assert "Origin" in headers["vary"]
            assert headers["access-control-allow-credentials"] is None


async def test_a_listed_page_may_read_whatever_is_answered():
    class Fails(SimulatedEngine):
        def generate(self, call):
            raise EngineError("The engine broke.")

    for engine, expected in ((None, 200), (Fails(SimulatedSettings()), 500)):
        async with served(engine, origins=(FRIEND,), tokens=(TOKEN,), asks_per_minute=3) as address:
            url = "/v1/chat/completions"
            answers = [
                (await call(address, url, ASKED, Origin=FRIEND), 401),
                (await call(address, url, ASKED, **SHOWN, Origin=FRIEND), expected),
                (await call(address, url, {**ASKED, "stream": True}, **SHOWN, Origin=FRIEND), expected),
                (await call(address, url, b"{", **SHOWN, Origin=FRIEND), 400),
                (await call(address, url, b" " * (MAX_BODY_BYTES + 1), **SHOWN, Origin=FRIEND), 413),
                (await call(address, url, **SHOWN, Origin=FRIEND), 405),
                (await call(address, "/nowhere", **SHOWN, Origin=FRIEND), 404),
                (await call(address, "/v1/models", **SHOWN, Origin=FRIEND), 200),
                (await call(address, url, ASKED, **SHOWN, Origin=FRIEND), expected),
                (await call(address, url, ASKED, **SHOWN, Origin=FRIEND), 429),
            ]
            for (status, headers, _), wanted in answers:
                assert status == wanted
                assert headers["access-control-allow-origin"] == FRIEND
                assert "Retry-After" in headers["access-control-expose-headers"]
                assert "Origin" in headers["vary"]
            assert answers[-1][0][1]["retry-after"] is not None


async def test_a_page_that_is_not_listed_is_refused_and_may_read_nothing():
    async with served(origins=(FRIEND,)) as address:
        for origin in ("https://evil.example", "http://friend.example", f"{FRIEND}:8443", "null", f"{FRIEND}.evil"):
            for status, headers, said in (
                await preflight(address, "/v1/chat/completions", origin),
                await call(address, "/v1/chat/completions", ASKED, Origin=origin),
                await call(address, "/v1/models", Origin=origin),
                await call(address, "/metrics", Origin=origin),
            ):
                assert status == 403
                assert headers["access-control-allow-origin"] is None
                assert "server.origins" in json.loads(said)["error"]["message"]
            with pytest.raises(InvalidStatus, match="403"):
                await connect(f"ws://{address}/ws", origin=origin)


@pytest.mark.parametrize(
    ("listed", "sent"),
    [
        ("https://Chat.Example/", "https://chat.example"),
        ("https://chat.example:443", "https://chat.example"),
        ("http://192.168.1.5:3000", "http://192.168.1.5:3000"),
        ("http://[::1]:3000", "http://[::1]:3000"),
        ("app://obsidian.md", "app://obsidian.md"),
        ("chrome-extension://abcdef", "chrome-extension://abcdef"),
    ],
)
async def test_an_origin_is_listed_as_people_write_it(listed, sent):
    async with served(origins=(listed,)) as address:
        status, headers, _ = await call(address, "/v1/models", Origin=sent)
        assert (status, headers["access-control-allow-origin"]) == (200, sent)


@pytest.mark.parametrize("listed", ["*", "null", "chat.example", "https://chat.example/page", "https://*.example", ""])
def test_what_no_browser_sends_as_an_origin_is_bad_input(listed):
    with pytest.raises(BadInput, match="no origin of web pages"):
        Guard(ServerSettings(origins=(listed,)))


async def test_with_a_token_the_servers_own_page_may_be_opened_by_any_name(tmp_path):
    async with listening_to(agent(tmp_path), tokens=(TOKEN,)) as address:
        port = address.rpartition(":")[2]
        for name in (f"laptop.local:{port}", f"Laptop.local:{port}", "chat.example"):
            by_name = {"Host": name, "Origin": f"http://{name.lower()}"}
            assert (await call(address, "/", Host=name))[0] == 200
            assert (await call(address, "/v1/models", **SHOWN, **by_name))[0] == 200
            assert (await call(address, "/v1/models", **by_name))[0] == 401
        # A page that only looks like it stays outside.
        assert (await call(address, "/v1/models", **SHOWN, Host="a.example", Origin="http://b.example"))[0] == 403
        async with connect(
            f"ws://laptop.local:{port}/ws", host="127.0.0.1", origin=f"http://laptop.local:{port}"
        ) as connection:
            await connection.send(json.dumps({"type": "hello", "token": TOKEN}))
            await connection.send(ask())
            assert (await until_the_last(connection))[1]["type"] == "reply"


async def test_without_a_token_a_name_is_refused_with_what_to_do():
    async with served(origins=(FRIEND,)) as address:
        port = address.rpartition(":")[2]
        # A page whose name was pointed at this machine sends no origin with what it asks of its own address.
        for path in ("/", "/v1/models", "/metrics"):
            status, _, said = await call(address, path, Host=f"evil.example:{port}")
            assert status == 403
            assert all(
                hint in said.decode() for hint in ("evil.example", "http://127.0.0.1", "--token", "server.origins")
            )
        with pytest.raises(InvalidStatus) as refused:
            await connect(f"ws://evil.example:{port}/ws", host="127.0.0.1", origin=f"http://evil.example:{port}")
        assert "--token" in json.loads(refused.value.response.body)["error"]["message"]
        for name in (f"127.0.0.1:{port}", f"localhost:{port}", "[::1]", "fourgig.localhost:80", "friend.example"):
            assert (await call(address, "/v1/models", Host=name))[0] == 200
        assert (await call(address, "/healthz", Host="anything.example"))[0] == 200


KNOWN = ["/v1/chat/completions", "/v1/models", "/v1/embeddings", "/healthz", "/readyz", "/metrics", "/openapi.json"]


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("/v1/chat/completion", "/v1/chat/completions"),
        ("/v1/chat/completions/", "/v1/chat/completions"),
        ("/chat/completions", "/v1/chat/completions"),
        ("/v1/completions", "/v1/chat/completions"),
        ("/v1//chat/completions", "/v1/chat/completions"),
        ("/v1/v1/chat/completions", "/v1/chat/completions"),
        ("/api/v1/chat/completions", "/v1/chat/completions"),
        ("/api/chat", "/v1/chat/completions"),
        ("/V1/Models", "/v1/models"),
        ("/models", "/v1/models"),
        ("/v1/embedding", "/v1/embeddings"),
        ("/health", "/healthz"),
        ("/openapi", "/openapi.json"),
        ("/v1", None),
        ("/", None),
        ("/something/else", None),
    ],
)
def test_the_nearest_address_is_the_one_that_was_meant(asked, meant):
    assert nearest(asked, ["/", *KNOWN]) == meant


async def test_an_address_that_is_not_there_names_the_nearest_and_a_wrong_method_the_right_one():
    async with served() as address:
        for method in ("GET", "POST", "DELETE"):
            status, _, said = await call(address, "/v1/chat/completion", method=method)
            error = json.loads(said)["error"]
            assert (status, error["code"]) == (404, "unknown_url")
            assert error["message"] == (
                "There is no /v1/chat/completion on this server. Did you mean /v1/chat/completions?"
            )
        assert "/openapi.json" in json.loads((await call(address, "/something/else"))[2])["error"]["message"]
        status, headers, said = await call(address, "/v1/chat/completions")
        error = json.loads(said)["error"]
        assert (status, headers["allow"], error["code"]) == (405, "POST", "method_not_supported")
        assert error["message"] == "/v1/chat/completions takes POST, not GET."
        assert (await call(address, "/v1/chat/completions", method="HEAD"))[0] == 405
        assert (await call(address, "/v1/models", method="HEAD"))[0] == 200
        status, headers, _ = await call(address, "/v1/models", method="OPTIONS")
        assert (status, set(headers["allow"].split(", "))) == (204, {"GET", "HEAD", "OPTIONS"})


async def test_behind_a_proxy_the_servers_addresses_may_stand_under_another(tmp_path):
    async with listening_to(agent(tmp_path), root_path="/my/chat") as address:
        for prefix in ("/my/chat", ""):  # as the proxy leaves it, or takes it away
            assert (await call(address, f"{prefix}/"))[0] == 200
            assert (await call(address, f"{prefix}/v1/models"))[0] == 200
            assert (await call(address, f"{prefix}/v1/chat/completions", ASKED))[0] == 200
            status, _, said = await call(address, f"{prefix}/v1/model")
            assert (status, "no /v1/model on" in json.loads(said)["error"]["message"]) == (404, True)
            async with connect(f"ws://{address}{prefix}/ws") as connection:
                await connection.send(ask())
                assert (await until_the_last(connection))[1]["type"] == "reply"
        status, headers, _ = await call(address, "/my/chat")
        assert (status, headers["location"]) == (307, "/my/chat/")
        assert (await call(address, "/my/chatter"))[0] == 404
