"""How long a reply may be, and what had no room, told alike by every way into the server."""

import asyncio
import json

import openai
import pytest
from websockets.asyncio.client import connect

from systems.engines.batched.engine import BatchedEngine, BatchedSettings
from systems.engines.interface import Call, Message
from systems.engines.llama import LlamaEngine, LlamaSettings
from systems.engines.openai import OpenAIEngine, OpenAISettings
from systems.errors import PromptTooLong
from systems.server.direct import EngineHost
from tests.systems.server.serving import agent, ask, listening_to, until_the_last

CONTEXT = 256
HELLO = [{"role": "user", "content": "Hello Vera"}]
LONG = [{"role": role, "content": "the bees gave honey " * 4} for role in ("user", "assistant")] * 6


def llama(path):
    return LlamaEngine(LlamaSettings(model_path=str(path), context_tokens=CONTEXT, threads=1))


def batched(path):
    return BatchedEngine(BatchedSettings(model_path=str(path), context_tokens=CONTEXT, slots=2, threads=1))


def serving(engine, **settings):
    return listening_to(EngineHost(engine, 60.0), context_tokens=CONTEXT, **settings)


async def complete(address, **asked):
    """Return the reply, or the chunks of a streamed one."""
    async with openai.AsyncOpenAI(base_url=f"http://{address}/v1", api_key="none", max_retries=0) as client:
        said = await client.chat.completions.create(model="test", **asked)
        return [chunk async for chunk in said] if asked.get("stream") else said


BOUNDS = [
    {},
    {"max_tokens": None},
    {"max_tokens": 100_000},
    {"max_completion_tokens": 65_535},
    {"max_tokens": -1},
    {"max_tokens": -2},
    {"max_tokens": 5, "max_completion_tokens": 4096},
]


@pytest.mark.parametrize("made", [llama, batched])
async def test_a_reply_without_a_bound_or_beyond_the_context_ends_where_the_context_does(made, tiny_model):
    async with serving(made(tiny_model)) as address:
        for bound in BOUNDS:
            said = await complete(address, messages=HELLO, **bound)
            assert said.usage.total_tokens <= CONTEXT
            full = said.usage.total_tokens == CONTEXT
            assert said.choices[0].finish_reason == ("length" if full else "stop")
            assert said.fourgig == {"dropped_messages": 0, "dropped_notes": 0, "seed": None}
        short = await complete(address, messages=HELLO, max_tokens=3)
        assert short.usage.completion_tokens <= 3


async def test_the_server_may_bound_replies_whatever_the_client_asks(tiny_model):
    async with serving(batched(tiny_model), max_tokens=7) as address:
        for bound in BOUNDS:
            assert (await complete(address, messages=HELLO, **bound)).usage.completion_tokens <= 7
        assert (await complete(address, messages=HELLO, max_tokens=2)).usage.completion_tokens <= 2
        async with connect(f"ws://{address}/ws") as connection:
            await connection.send(json.dumps({"type": "ask", "id": "1", "session": "s", "text": "Hello"}))
            _, reply = await until_the_last(connection)
            assert reply["generated_tokens"] <= 7


@pytest.mark.parametrize("made", [llama, batched])
async def test_what_had_no_room_is_told_whole_and_streamed(made, tiny_model):
    async with serving(made(tiny_model)) as address:
        for bound in ({}, {"max_tokens": 8}):
            whole = await complete(address, messages=[*LONG, *HELLO], **bound)
            assert whole.fourgig["dropped_messages"] in (8, 10, 12)
            chunks = await complete(address, messages=[*LONG, *HELLO], stream=True, **bound)
            told = [chunk.fourgig for chunk in chunks if "fourgig" in chunk.model_extra]
            assert told == [whole.fourgig]
            assert chunks[-1].choices[0].finish_reason == whole.choices[0].finish_reason
        client = OpenAIEngine(OpenAISettings(url=f"http://{address}/v1", model="test"))
        call = Call(messages=[Message(each["role"], each["content"]) for each in [*LONG, *HELLO]])
        there = await asyncio.to_thread(client.generate, call)
        assert there.dropped_messages == whole.fourgig["dropped_messages"]


async def test_an_agents_reply_tells_it_on_every_way(tiny_model, tmp_path):
    engine = BatchedEngine(BatchedSettings(model_path=str(tiny_model), context_tokens=512, slots=2, threads=1))
    hosted = agent(tmp_path, engine, memories=0, growing_prompts=False)
    async with listening_to(hosted) as address, connect(f"ws://{address}/ws") as connection:
        for number in range(5):
            text = f"The {number} bees gave honey. " * 8
            await connection.send(ask(id=f"{number}", text=text, max_tokens=4))
            _, reply = await until_the_last(connection, f"{number}")
        assert reply["dropped_messages"] > 0
        assert reply["dropped_notes"] == 0
        said = await complete(address, messages=[*LONG, *HELLO], max_tokens=100_000)
        assert said.fourgig["dropped_messages"] > 0


async def test_a_prompt_that_does_not_fit_by_itself_is_refused_with_the_length_there_is(tiny_model):
    async with serving(batched(tiny_model)) as address:
        too_long = [{"role": "user", "content": "bees " * 2000}]
        for stream in (False, True):
            with pytest.raises(openai.BadRequestError) as refused:
                await complete(address, messages=[*HELLO, HELLO[0] | {"role": "assistant"}, *too_long], stream=stream)
            assert refused.value.code == "context_length_exceeded"
            assert refused.value.param == "messages"
            assert f"maximum context length is {CONTEXT} tokens" in str(refused.value)
        client = OpenAIEngine(OpenAISettings(url=f"http://{address}/v1", model="test"))
        with pytest.raises(PromptTooLong, match=f"maximum context length is {CONTEXT} tokens"):
            await asyncio.to_thread(client.generate, Call(messages=[Message("user", "bees " * 2000)]))


async def test_a_question_that_leaves_hardly_any_room_is_answered_with_what_is_left(tiny_model):
    engine = batched(tiny_model)
    async with serving(engine) as address:
        frame = (await complete(address, messages=[{"role": "user", "content": ""}], max_tokens=1)).usage.prompt_tokens
        a_bee = engine.count(" bees" * 10) // 10
        for left, fits in ((24 + a_bee, True), (8, False)):
            question = [{"role": "user", "content": " bees" * ((CONTEXT - frame - left) // a_bee)}]
            if fits:
                said = await complete(address, messages=[*LONG, *question])
                assert 1 <= said.usage.completion_tokens <= 24 + 2 * a_bee
                assert said.usage.total_tokens <= CONTEXT
                assert said.fourgig["dropped_messages"] == len(LONG)
            else:  # a reply that could not but break off
                with pytest.raises(openai.BadRequestError, match="its reply takes 16"):
                    await complete(address, messages=question)
                assert (await complete(address, messages=question, max_tokens=3)).usage.completion_tokens <= 3


async def test_the_list_of_models_tells_the_context_that_there_is(tiny_model):
    async with serving(batched(tiny_model)) as address:
        async with openai.AsyncOpenAI(base_url=f"http://{address}/v1", api_key="none") as client:
            listed = [model async for model in await client.models.list()]
        assert [model.context_length for model in listed] == [CONTEXT]
