"""Clients nobody here wrote, and a hostile one that reads the server's own description of itself."""

import asyncio
import shutil
import sys

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from systems.engines.embedding.opening import embedding_engine
from systems.engines.simulated import SimulatedEngine, SimulatedSettings
from systems.server.direct import EngineHost
from systems.server.embedding import EmbeddingHost
from tests.systems.engines.embedding.small import encoder
from tests.systems.server.serving import agent, listening_to

HELLO = [{"role": "user", "content": "Hello Vera"}]
TOKENS = {"tokens": ("the secret",), "asks_per_minute": 100_000}


def engine(**chosen):
    return EngineHost(SimulatedEngine(SimulatedSettings(slots=8, **chosen)), 60)


@pytest.fixture
def openai():
    return pytest.importorskip("openai", reason="the openai package is not installed")


async def test_the_openai_package_gets_whole_and_streamed_replies(openai, tmp_path):
    async with (
        listening_to(agent(tmp_path), **TOKENS) as address,
        openai.AsyncOpenAI(base_url=f"http://{address}/v1", api_key="the secret") as client,
    ):
        assert [model.id async for model in client.models.list()] == ["test"]
        whole = await client.chat.completions.create(model="test", messages=HELLO, max_tokens=6, user="a")
        assert whole.choices[0].finish_reason == "length"
        assert whole.usage.completion_tokens == 6
        pieces, usage = [], None
        stream = await client.chat.completions.create(
            model="test", messages=HELLO, max_completion_tokens=6, user="b", stream=True,
            stream_options={"include_usage": True},
        )  # fmt: skip
        async for chunk in stream:
            pieces += [choice.delta.content or "" for choice in chunk.choices]
            usage = chunk.usage or usage
        assert "".join(pieces) == whole.choices[0].message.content
        assert usage.completion_tokens == 6


async def test_the_openai_package_raises_its_own_errors(openai):
    async with (
        listening_to(engine(token_s=0.02), **TOKENS, asks_per_user=1) as address,
        openai.AsyncOpenAI(base_url=f"http://{address}/v1", api_key="the secret", max_retries=0) as client,
    ):
        asked = {"model": "test", "messages": HELLO, "max_tokens": 1000}
        for error, wrong in (
            (openai.NotFoundError, {"model": "gpt-4"}),
            (openai.BadRequestError, {"max_tokens": 0}),
            (openai.BadRequestError, {"tools": [{"type": "function", "function": {"name": "f"}}]}),
        ):
            with pytest.raises(error):
                await client.chat.completions.create(**asked | wrong)
        with pytest.raises(openai.AuthenticationError):
            await client.with_options(api_key="wrong").chat.completions.create(**asked)
        under_way = await client.chat.completions.create(**asked, stream=True)
        await anext(aiter(under_way))
        with pytest.raises(openai.RateLimitError):
            await client.chat.completions.create(**asked)
        await under_way.close()


async def run(*command, says=b""):
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(process.communicate(says), 30)
    return said.decode()


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
async def test_curl(tmp_path):
    async with listening_to(agent(tmp_path)) as address:
        body = '{"messages": [{"role": "user", "content": "你好"}], "max_tokens": 3, "stream": true}'
        said = await run("curl", "-sN", f"http://{address}/v1/chat/completions", "-d", body)
    assert said.rstrip().endswith("data: [DONE]")


async def test_the_command_line_of_websockets(tmp_path):
    async with listening_to(agent(tmp_path)) as address:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "websockets", f"ws://{address}/ws"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        process.stdin.write(b'{"type": "ask", "id": "1", "session": "s", "text": "hello", "max_tokens": 3}\n')
        said = b""
        while b'"type":"reply"' not in said:
            said += await asyncio.wait_for(process.stdout.read(1000), 20)
        process.stdin.close()
        await process.wait()


async def test_whatever_fits_or_misses_the_description_gets_a_documented_answer(tmp_path):
    schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed")
    embeddings = EmbeddingHost(embedding_engine(encoder(tmp_path / "small.gguf"), 1), "small")
    async with listening_to(engine(), embeddings=embeddings, **TOKENS) as address:
        # JSON Schema takes 3.0 for a whole number; the server does not.
        from schemathesis.specs.openapi.checks import positive_data_acceptance as strictness

        def attack():
            schema = schemathesis.openapi.from_url(f"http://{address}/openapi.json")
            for found in schema.get_all_operations():
                operation = found.ok()

                @given(case=operation.as_strategy())
                @settings(
                    max_examples=3,
                    deadline=None,
                    derandomize=True,
                    phases=[Phase.explicit, Phase.generate],
                    suppress_health_check=list(HealthCheck),
                )
                def answers(case):
                    case.call_and_validate(headers={"Authorization": "Bearer the secret"}, excluded_checks=[strictness])

                answers()

        await asyncio.to_thread(attack)
    await embeddings.close()
