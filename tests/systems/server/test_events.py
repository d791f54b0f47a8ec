"""Server-sent events: when a stream begins, what it says while nothing is said, and how it fails."""

import asyncio
import json

import pytest

from systems.engines.simulated import SimulatedEngine, SimulatedSettings
from systems.errors import EngineBusy, EngineError, PromptTooLong
from systems.server.direct import EngineHost
from systems.server.events import Events
from systems.server.failures import Failure
from tests.systems.server.serving import Watched, agent, listening_to
from tests.systems.server.test_completions import HELLO, call


class Sent:
    """Collects what is sent, and says when so many messages were."""

    def __init__(self):
        self.messages = []
        self._more = asyncio.Condition()

    async def __call__(self, message):
        async with self._more:
            self.messages.append(message)
            self._more.notify_all()

    async def reached(self, count):
        async with asyncio.timeout(20), self._more:
            await self._more.wait_for(lambda: len(self.messages) >= count)

    @property
    def body(self):
        return b"".join(message.get("body", b"") for message in self.messages)


async def test_a_stream_that_is_quiet_begins_soon_and_says_again_and_again_that_it_is_at_work():
    sent = Sent()
    events = Events(sent, soon_s=0.01, quiet_s=0.01)

    async def work():
        await sent.reached(4)
        await events.event(b"the reply")
        await events.event(b"[DONE]", last=True)
        return 7

    assert await events.during(work()) == 7
    start, *comments = sent.messages[:4]
    assert start["status"] == 200
    assert (b"content-type", b"text/event-stream; charset=utf-8") in start["headers"]
    assert all(message["body"].startswith(b": ") and message["more_body"] for message in comments)
    assert sent.body.endswith(b"data: the reply\n\ndata: [DONE]\n\n")
    assert sent.messages[-1]["more_body"] is False


async def test_what_fails_at_once_has_begun_no_stream():
    sent = Sent()
    events = Events(sent, soon_s=60)

    async def work():
        raise EngineError("No.")

    with pytest.raises(EngineError):
        await events.during(work())
    assert (events.begun, sent.messages) == (False, [])


async def test_nothing_follows_the_last_event():
    sent = Sent()
    events = Events(sent)
    await events.fail(Failure(500, "server_error", "It broke."))
    await events.event(b"more")
    assert json.loads(sent.body.removeprefix(b"data: "))["error"]["message"] == "It broke."
    assert len(sent.messages) == 2


async def test_the_headers_of_a_stream_come_before_its_first_token():
    engine = Watched(SimulatedSettings(), held=True)
    async with listening_to(EngineHost(engine, 60.0)) as where:
        host, port = where.split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        body = json.dumps({"messages": HELLO, "max_tokens": 2, "stream": True}).encode()
        writer.write(
            b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: %d\r\n\r\n" % len(body) + body
        )
        async with asyncio.timeout(20):
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200 ")
            assert await reader.readuntil(b": still at work\n\n")
            engine.let_go.set()
            assert await reader.readuntil(b"data: [DONE]\n\n")
        writer.close()


REFUSED = [
    ({"max_tokens": 0}, 400),
    ({"web_search_options": {}}, 400),
    ({"model": "gpt-4"}, 404),
    ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, 400),
    ({"tools": [{"type": "function", "function": {"name": "f"}}]}, 400),
]


async def test_what_is_refused_before_work_begins_is_a_plain_status_also_where_a_stream_was_asked_for():
    async with listening_to(EngineHost(SimulatedEngine(SimulatedSettings()), 60.0), tokens=("the secret",)) as where:
        url, shown = f"http://{where}/v1/chat/completions", {"Authorization": "Bearer the secret"}
        assert (await call(url, {"messages": HELLO, "stream": True}))[0] == 401
        for wrong, status in REFUSED:
            found, headers, _ = await call(url, {"messages": HELLO, "stream": True, **wrong}, **shown)
            assert (found, headers["content-type"]) == (status, "application/json")


@pytest.mark.parametrize(("error", "status"), [(PromptTooLong("Too long."), 400), (EngineBusy("Full."), 503)])
async def test_what_an_engine_refuses_at_once_is_a_plain_status_too(error, status, tmp_path):
    class Refusing(SimulatedEngine):
        def generate(self, _):
            raise error

    for hosted in (EngineHost(Refusing(SimulatedSettings()), 60.0), agent(tmp_path, Refusing(SimulatedSettings()))):
        async with listening_to(hosted) as where:
            body = {"messages": HELLO, "stream": True}
            assert (await call(f"http://{where}/v1/chat/completions", body))[0] == status


async def test_the_openai_package_raises_an_error_that_comes_in_the_stream():
    openai = pytest.importorskip("openai", reason="the openai package is not installed")

    class Fails(SimulatedEngine):
        def generate(self, call):
            call.on_token("half")
            raise EngineError("The engine broke.")

    async with (
        listening_to(EngineHost(Fails(SimulatedSettings()), 60.0)) as where,
        openai.AsyncOpenAI(base_url=f"http://{where}/v1", api_key="none") as client,
    ):
        stream = await client.chat.completions.create(model="default", messages=HELLO, stream=True)
        with pytest.raises(openai.APIError, match="The engine broke"):
            async for _ in stream:
                pass
