"""OpenAI's chat completions over real sockets: an engine alone and an agent, whole and streamed, and every error."""

import asyncio
import json
import urllib.error
import urllib.request
from contextlib import asynccontextmanager

import msgspec
import pytest

from systems import registry
from systems.engines.batched.engine import BatchedEngine, BatchedSettings
from systems.engines.interface import Call, Message
from systems.engines.openai import OpenAIEngine, OpenAISettings
from systems.engines.simulated import SimulatedEngine, SimulatedSettings
from systems.errors import EngineBusy, EngineError
from systems.server.direct import EngineHost
from systems.server.settings import MAX_BODY_BYTES
from tests.systems.engines.described import REFUSES_SYSTEM, described
from tests.systems.server.serving import Watched, agent, listening_to

HELLO = [{"role": "user", "content": "Hello Vera"}]


@asynccontextmanager
async def engine_alone(engine=None, deadline_s=60.0, **server):
    engine = engine or SimulatedEngine(SimulatedSettings(slots=8))
    async with listening_to(EngineHost(engine, deadline_s), **server) as address:
        yield f"http://{address}"


async def call(url, body=None, method=None, **headers):
    """Return status, headers and body of one request; a mapping is sent as JSON, without one it is a GET."""

    def ask():
        data = json.dumps(body).encode() if isinstance(body, dict) else body
        request = urllib.request.Request(url, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=20) as response:
                return response.status, response.headers, response.read()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read()

    return await asyncio.to_thread(ask)


async def chat(address, **body):
    status, headers, said = await call(f"{address}/v1/chat/completions", {"messages": HELLO, "max_tokens": 4, **body})
    return status, headers, json.loads(said)


@pytest.fixture
def tiny(tiny_model):
    return BatchedEngine(BatchedSettings(model_path=str(tiny_model), slots=4, context_tokens=512, threads=1))


QUESTION = [Message("system", "Be brief. " * 20), Message("user", "今天天气怎么样？")]


async def test_our_own_client_gets_from_the_server_what_the_engine_says(tiny):
    async with engine_alone(tiny) as address:
        client = OpenAIEngine(OpenAISettings(url=f"{address}/v1", model="test"))
        pieces = []
        there = await asyncio.to_thread(client.generate, Call(messages=QUESTION, max_tokens=12, on_token=pieces.append))
        here = await tiny.reply(Call(messages=QUESTION, max_tokens=12))
        assert (there.text, there.prompt_tokens) == (here.text, here.prompt_tokens)
        assert "".join(pieces) == there.text
        again = await asyncio.to_thread(client.generate, Call(messages=QUESTION, max_tokens=12))
        assert again.reused_tokens > 0
        past_the_end = await asyncio.to_thread(
            client.generate, Call(messages=QUESTION, max_tokens=40, script="anything")
        )
        assert past_the_end.generated_tokens == 40
        with pytest.raises(EngineError, match="400"):
            await asyncio.to_thread(client.generate, Call(messages=[Message("user", "long " * 3000)], max_tokens=12))


async def test_a_request_says_how_it_is_sampled_and_whose_conversation_it_is(tiny):
    async with engine_alone(tiny) as address:
        asked = {"temperature": 0.9, "max_tokens": 16, "ignore_eos": True}
        texts = [(await chat(address, **asked, seed=seed))[2]["choices"][0]["message"]["content"] for seed in (1, 1, 2)]
        assert texts[0] == texts[1] != texts[2]
        whole = texts[0]
        _, _, stopped = await chat(address, **asked, seed=1, stop=[whole[3:6]])
        assert stopped["choices"][0]["message"]["content"] == whole[: whole.index(whole[3:6])]
        assert stopped["choices"][0]["finish_reason"] == "stop"
        new = [{"role": "user", "content": "Is it far from here to there?"}]
        usages = [(await chat(address, prompt_cache_key="vera", messages=new))[2]["usage"] for _ in range(2)]
        cached = [usage["prompt_tokens_details"]["cached_tokens"] for usage in usages]
        assert cached[0] < cached[1] == usages[1]["prompt_tokens"] - 1


async def test_a_bias_of_what_is_no_token_of_the_model_is_refused_by_its_field(tiny):
    async with engine_alone(tiny) as address:
        for stream in (False, True):
            status, _, said = await chat(address, logit_bias={"9999999": 1}, stream=stream)
            assert (status, said["error"]["param"]) == (400, "logit_bias")


async def test_without_a_seed_every_reply_is_another_and_says_the_seed_that_repeats_it(tiny):
    async with engine_alone(tiny) as address:
        asked = {"temperature": 2.0, "top_k": 0, "max_tokens": 16, "ignore_eos": True}
        replies = [(await chat(address, **asked))[2] for _ in range(3)]
        assert len({reply["choices"][0]["message"]["content"] for reply in replies}) == 3
        for reply in replies:
            _, _, again = await chat(address, **asked, seed=reply["fourgig"]["seed"])
            assert again["choices"] == reply["choices"]
        assert (await chat(address))[2]["fourgig"]["seed"] is None


@pytest.mark.parametrize("kind", ["llama", "batched"])
async def test_messages_that_the_models_template_refuses_are_a_bad_request_and_an_agents_are_put_otherwise(
    tiny_model, tmp_path, kind
):
    path = described(tiny_model, tmp_path / "refuses.gguf", tokenizer__chat_template=REFUSES_SYSTEM)
    made = registry.engines.get(kind)
    engine = made(made.Settings(model_path=str(path), context_tokens=1024, threads=1))
    ordered = [{"role": "system", "content": "Be brief."}, *HELLO]
    async with engine_alone(engine) as address:
        status, _, body = await chat(address, messages=ordered)
        assert (status, body["error"]["param"]) == (400, "messages")
        assert "chat template" in body["error"]["message"]
        assert (await chat(address))[0] == 200
    async with listening_to(agent(tmp_path, engine)) as address:
        status, _, reply = await chat(f"http://{address}")
        assert (status, reply["choices"][0]["message"]["role"]) == (200, "assistant")


async def test_a_whole_reply_has_the_shape_that_clients_expect():
    async with engine_alone() as address:
        status, headers, reply = await chat(address)
    assert (status, headers["content-type"]) == (200, "application/json")
    assert (reply["object"], reply["model"]) == ("chat.completion", "test")
    [choice] = reply["choices"]
    assert choice["message"]["role"] == "assistant"
    assert choice["finish_reason"] == "length"
    usage = reply["usage"]
    assert usage["completion_tokens"] == 4
    assert usage["total_tokens"] == usage["prompt_tokens"] + 4


async def test_a_streamed_reply_begins_with_a_role_and_ends_with_a_reason_the_usage_and_done(monkeypatch):
    # The delay between two tokens passes in the server's loop, which has sent the first before the next is made.
    loop = asyncio.get_running_loop()

    def passes(seconds):
        asyncio.run_coroutine_threadsafe(asyncio.sleep(seconds), loop).result()

    monkeypatch.setattr("systems.engines.simulated.sleep", passes)
    async with engine_alone(SimulatedEngine(SimulatedSettings(token_s=0.01))) as address:
        body = {"messages": HELLO, "max_tokens": 4, "stream": True, "stream_options": {"include_usage": True}}
        status, headers, said = await call(f"{address}/v1/chat/completions", body)
        _, _, whole = await chat(address)
    assert status == 200
    assert headers["content-type"].startswith("text/event-stream")
    *events, done, nothing = said.decode().split("\n\n")
    assert (done, nothing) == ("data: [DONE]", "")
    chunks = [json.loads(event.removeprefix("data: ")) for event in events]
    assert len({chunk["id"] for chunk in chunks}) == 1
    *spoken, end, usage = chunks
    assert spoken[0]["choices"][0]["delta"]["role"] == "assistant"
    text = "".join(chunk["choices"][0]["delta"]["content"] for chunk in spoken)
    assert text == whole["choices"][0]["message"]["content"]
    assert 1 < len(spoken) <= 4  # what is ready together is sent together
    assert (end["choices"][0]["delta"], end["choices"][0]["finish_reason"]) == ({}, "length")
    assert (usage["choices"], usage["usage"]) == ([], whole["usage"])


async def test_an_agent_keeps_the_conversation_that_a_client_names(tmp_path):
    async with listening_to(agent(tmp_path)) as where:
        address = f"http://{where}"
        parts = [{"type": "text", "text": "Hello"}, {"type": "text", "text": "Vera"}]
        usages = [
            (await chat(address, **body))[2]["usage"]["prompt_tokens"]
            for body in (
                {"user": "a", "prompt_cache_key": "trip"},
                {"user": "b", "messages": [{"role": "user", "content": parts}]},
                {"user": "a", "prompt_cache_key": "trip", "messages": [{"role": "user", "content": "And now?"}]},
            )
        ]
        first, other, again = usages
        assert other == first < again
        _, _, command = await chat(address, messages=[{"role": "user", "content": "/help"}])
        assert command["choices"][0]["finish_reason"] == "stop"


NOT_ANSWERED = [
    (b"", 400, "invalid_request"),
    (b"no json", 400, "invalid_request"),
    (b"\xff\xfe", 400, "invalid_request"),
    (b"[" * 100_000, 400, "invalid_request"),
    (b'{"x":' * 100_000, 400, "invalid_request"),
    (b" " * (MAX_BODY_BYTES + 1), 413, None),
    ({"messages": []}, 400, "invalid_request"),
    ({"messages": HELLO, "max_tokens": 0}, 400, "invalid_request"),
    ({"messages": HELLO, "max_completion_tokens": 0, "max_tokens": 4}, 400, "invalid_request"),
    ({"messages": HELLO, "max_tokens": -3}, 400, "invalid_request"),
    ({"messages": HELLO, "temperature": -1}, 400, "invalid_request"),
    ({"messages": [{"role": "nobody", "content": "x"}]}, 400, "invalid_request"),
    ({"messages": HELLO, "n": 9}, 400, "invalid_request"),
    ({"messages": HELLO, "web_search_options": {}}, 400, "not_offered"),
    ({"messages": HELLO, "tools": [{"type": "function"}]}, 400, "invalid_request"),
    ({"messages": HELLO, "response_format": {"type": "json_object"}}, 400, "not_offered"),
    ({"messages": HELLO, "response_format": {"type": "json_schema", "json_schema": {}}}, 400, "invalid_request"),
    ({"messages": HELLO, "functions": [{"name": "f"}]}, 400, "not_offered"),
    ({"messages": HELLO, "stop": "."}, 400, "not_offered"),
    ({"messages": HELLO, "model": "gpt-4"}, 404, "model_not_found"),
]


async def test_what_cannot_be_answered_is_an_error_object():
    async with engine_alone() as address:
        for body, status, code in NOT_ANSWERED:
            found, _, said = await call(f"{address}/v1/chat/completions", body)
            error = json.loads(said)["error"]
            assert (found, error["type"], error["code"]) == (status, "invalid_request_error", code), repr(body)[:80]
            assert error["message"]
            assert (await chat(address))[0] == 200


@pytest.mark.parametrize("harmless", [{"tools": []}, {"functions": []}, {"response_format": {"type": "text"}}])
async def test_what_asks_for_nothing_is_answered(harmless):
    async with engine_alone() as address:
        assert (await call(f"{address}/v1/chat/completions", {"messages": HELLO, **harmless}))[0] == 200


async def test_a_body_too_large_is_refused_also_if_it_is_never_sent():
    async with engine_alone() as address:
        host, port = address.removeprefix("http://").rsplit(":", 1)
        reader, writer = await asyncio.open_connection(host, int(port))
        head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: {host}\r\nContent-Length: {MAX_BODY_BYTES + 1}\r\n\r\n"
        writer.write(head.encode())
        answered = await asyncio.wait_for(reader.readuntil(b"}}"), 30)
        assert answered.startswith(b"HTTP/1.1 413 ")
        error = json.loads(answered.partition(b"\r\n\r\n")[2])["error"]
        assert error["type"] == "invalid_request_error"
        assert error["code"] is None
        assert error["message"]
        writer.close()
        assert (await chat(address))[0] == 200


async def test_addresses_that_are_not_there_are_error_objects_too():
    async with engine_alone() as address:
        status, _, said = await call(f"{address}/v1/images")
        assert (status, json.loads(said)["error"]["code"]) == (404, "unknown_url")
        status, _, said = await call(f"{address}/v1/chat/completions")
        assert (status, json.loads(said)["error"]["code"]) == (405, "method_not_supported")
        assert (await call(f"{address}/healthz"))[0] == (await call(f"{address}/readyz"))[0] == 200
        [model] = json.loads((await call(f"{address}/v1/models"))[2])["data"]
        assert model["id"] == "test"


async def test_a_token_is_required_where_there_is_one_and_other_pages_are_refused():
    async with engine_alone(tokens=("the secret",)) as address:
        url, body = f"{address}/v1/chat/completions", {"messages": HELLO}
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic the secret"}):
            status, _, said = await call(url, body, **headers)
            assert (status, json.loads(said)["error"]["code"]) == (401, "invalid_api_key")
        assert (await call(f"{address}/v1/models"))[0] == 401
        shown = {"Authorization": "Bearer the secret"}
        assert (await call(url, body, **shown))[0] == 200
        for origin in ("http://evil.example", "null", "http://evil.example:80"):
            status, _, said = await call(url, body, **shown, Origin=origin)
            assert (status, json.loads(said)["error"]["type"]) == (403, "permission_error")
        assert (await call(url, body, **shown, Origin=address))[0] == 200


async def test_deadlines_refusals_and_defects_have_their_own_status(tmp_path):
    class Broken(SimulatedEngine):
        def generate(self, *args, **kwargs):
            raise ZeroDivisionError("secret detail")

    async with engine_alone(SimulatedEngine(SimulatedSettings(first_token_s=0.3)), deadline_s=0.05) as address:
        status, _, reply = await chat(address)
        assert (status, reply["error"]["code"]) == (504, "deadline_exceeded")
    async with engine_alone(Broken(SimulatedSettings())) as address:
        status, _, reply = await chat(address)
        assert (status, reply["error"]["code"]) == (500, "internal_error")
        assert "secret" not in str(reply)
        with pytest.raises(EngineError, match="500"):
            client = OpenAIEngine(OpenAISettings(url=f"{address}/v1"))
            await asyncio.to_thread(client.generate, Call(messages=QUESTION, max_tokens=3))
    engine = Watched(SimulatedSettings(), held=True)
    async with listening_to(agent(tmp_path, engine, queue_limit=0)) as where:
        address = f"http://{where}"
        first = asyncio.create_task(chat(address, user="a"))
        await engine.begun()
        status, headers, reply = await chat(address, user="b")
        assert (status, reply["error"]["type"]) == (429, "rate_limit_error")
        assert int(headers["retry-after"]) >= 1
        with pytest.raises(EngineBusy, match="429"):
            client = OpenAIEngine(OpenAISettings(url=f"{address}/v1"))
            await asyncio.to_thread(client.generate, Call(messages=QUESTION, max_tokens=3))
        engine.let_go.set()
        assert (await first)[0] == 200


async def test_an_error_after_the_first_words_ends_the_stream_with_an_error_object():
    class Fails(SimulatedEngine):
        def generate(self, call):
            call.on_token("half")
            raise EngineError("The engine broke.")

    async with engine_alone(Fails(SimulatedSettings())) as address:
        status, _, said = await call(f"{address}/v1/chat/completions", {"messages": HELLO, "stream": True})
    assert status == 200
    first, last = said.decode().removesuffix("\n\n").split("\n\n")
    assert json.loads(first.removeprefix("data: "))["choices"][0]["delta"]["content"] == "half"
    assert json.loads(last.removeprefix("data: "))["error"]["message"] == "The engine broke."


@pytest.mark.parametrize("stream", [True, False])
async def test_a_client_that_leaves_ends_its_generation(stream):
    said = 0

    class Counting(SimulatedEngine):
        def generate(self, call):
            def counted(token):
                nonlocal said
                said += 1
                if call.on_token is not None:
                    call.on_token(token)

            return super().generate(msgspec.structs.replace(call, on_token=counted))

    async with engine_alone(Counting(SimulatedSettings(token_s=0.01))) as address:
        where, port = address.removeprefix("http://").split(":")
        _, writer = await asyncio.open_connection(where, int(port))
        body = json.dumps({"messages": HELLO, "max_tokens": 4000, "stream": stream}).encode()
        writer.write(
            b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: %d\r\n\r\n" % len(body) + body
        )
        while said < 3:  # noqa: ASYNC110 - another thread counts
            await asyncio.sleep(0.01)
        writer.close()
        # The engine serves one at a time: this reply waits for the other generation's end.
        assert (await chat(address))[0] == 200
    assert said < 1000
