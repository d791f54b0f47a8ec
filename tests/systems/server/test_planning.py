"""A server made for experiments is told what its model will say; whoever then asks, and however, does that work."""

import asyncio
import json

import pytest
from websockets.asyncio.client import connect

from systems.engines.scripted import PATH, Scripts, scripted
from systems.engines.simulated import SimulatedEngine, SimulatedSettings, tokens
from systems.server.alone import engine_served
from systems.server.settings import MAX_BODY_BYTES, ServerSettings
from tests.systems.server.serving import agent, ask, listening_to, until_the_last
from tests.systems.server.test_completions import call, chat

QUESTION, OTHER = "Where does Vera live?", "王芳住在哪里？"
REPLIES = ["First topics, then more.", "She lives in Lisbon, I think."]
PLAN = {
    "scripts": [
        {"session": "vera", "question": QUESTION, "replies": REPLIES},
        {"session": "fang", "question": OTHER, "replies": ["她住在杭州的西湖边上。"]},
    ]
}
EXPERIMENT = ServerSettings(port=0, experiment=True)


def simulated():
    return SimulatedEngine(SimulatedSettings(slots=8))


async def plan(address, body=PLAN, **headers):
    status, _, said = await call(f"http://{address}{PATH}", body, **headers)
    return status, said


@pytest.fixture
def openai():
    return pytest.importorskip("openai", reason="the openai package is not installed")


# How programs put a question into a prompt: as it is, in a template, before instructions, in parts, after other talk.
ASKED = {
    "as it is": [{"role": "user", "content": QUESTION}],
    "in a template": [
        {"role": "system", "content": "You are a helpful assistant."},
        {"role": "user", "content": f"### Context\n- {OTHER}\n### Question: {QUESTION}\n### Answer as JSON."},
    ],
    "in parts": [
        {"role": "user", "content": [{"type": "text", "text": f"{OTHER} "}, {"type": "text", "text": QUESTION}]}
    ],
    "after other talk": [
        {"role": "user", "content": OTHER},
        {"role": "assistant", "content": QUESTION},
        {"role": "user", "content": f"Now then: {QUESTION}"},
    ],
    "before a message of its own": [
        {"role": "user", "content": QUESTION},
        {"role": "assistant", "content": "Let me think."},
        {"role": "user", "content": "Go on."},
    ],
}


@pytest.mark.parametrize("messages", ASKED.values(), ids=ASKED)
@pytest.mark.parametrize(
    "whose", [{}, {"prompt_cache_key": "vera"}, {"prompt_cache_key": "a name of its own"}, {"user": "vera"}]
)
async def test_an_outside_program_does_the_planned_work_unchanged(openai, messages, whose):
    scripts = Scripts()
    async with (
        engine_served(simulated(), scripts, EXPERIMENT, "test") as address,
        openai.AsyncOpenAI(base_url=f"http://{address}/v1", api_key="none") as client,
    ):
        assert await plan(address) == (204, b"")
        said = [
            (await client.chat.completions.create(model="test", messages=messages, max_tokens=4, **whose))
            for _ in range(3)
        ]
        stream = await client.chat.completions.create(
            model="test", messages=messages, max_tokens=4, stream=True, stream_options={"include_usage": True}, **whose
        )
        chunks = [chunk async for chunk in stream]
    replies = ["".join(tokens(reply)[:4]) for reply in REPLIES]
    assert [each.choices[0].message.content for each in said] == [replies[0], replies[1], replies[0]]
    assert [each.usage.completion_tokens for each in said] == [4] * 3
    streamed = "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)
    assert (streamed, chunks[-1].usage.completion_tokens) == (replies[1], 4)
    assert scripts.unplanned == 0


async def test_programs_of_several_calls_a_turn_at_once_each_hear_their_own(openai):
    async with (
        engine_served(simulated(), Scripts(), EXPERIMENT, "test") as address,
        openai.AsyncOpenAI(base_url=f"http://{address}/v1", api_key="none") as client,
    ):
        users = range(20)
        scripts = [
            {
                "session": f"{user}",
                "question": f"What of {user}?",
                "replies": [f"step {step} of {user}" for step in range(3)],
            }
            for user in users
        ]
        await plan(address, {"scripts": scripts})

        async def turn(user):
            texts = (f"Topics of: What of {user}?", f"Facts.\nWhat of {user}?\nNow write.", "Sum up.")
            for step, text in enumerate(texts):
                said = await client.chat.completions.create(
                    model="test",
                    messages=[{"role": "user", "content": text}],
                    max_tokens=4,
                    prompt_cache_key=f"{user}",
                )
                assert said.choices[0].message.content == f"step {step} of {user}"

        await asyncio.gather(*map(turn, users))


async def test_what_nobody_planned_is_counted_and_as_long_as_it_may_be():
    scripts = Scripts()
    async with engine_served(simulated(), scripts, EXPERIMENT, "test") as address:
        _, _, free = await chat(f"http://{address}", max_tokens=9)
        assert scripts.unplanned == 0
        await plan(address)
        _, _, other = await chat(f"http://{address}", max_tokens=9)
    assert free["usage"]["completion_tokens"] == other["usage"]["completion_tokens"] == 9
    assert free["choices"][0]["message"]["content"] != other["choices"][0]["message"]["content"]
    assert scripts.unplanned == 1


async def test_an_agents_clients_plan_first_and_then_ask_over_the_websocket(tmp_path):
    scripts = Scripts()
    hosted = agent(tmp_path, scripted(simulated(), scripts))
    async with listening_to(hosted, scripts=scripts, experiment=True, tokens=("the secret",)) as address:
        shown = {"Authorization": "Bearer the secret"}
        assert (await plan(address))[0] == 401
        assert (await plan(address, **shown))[0] == 204
        async with connect(f"ws://{address}/ws", additional_headers=shown) as connection:
            for session, text in (("vera", QUESTION), ("fang", OTHER)):
                await connection.send(ask(session=session, text=text, max_tokens=50))
                pieces, last = await until_the_last(connection)
                assert last["text"] == "".join(pieces) in [each["replies"][0] for each in PLAN["scripts"]]
    assert scripts.unplanned == 0


@pytest.mark.parametrize("made_for", [{"experiment": False, "scripts": Scripts()}, {"experiment": True}])
async def test_without_an_experiment_there_is_no_such_address(tmp_path, made_for):
    async with listening_to(agent(tmp_path), **made_for) as address:
        status, said = await plan(address)
    assert (status, json.loads(said)["error"]["code"]) == (404, "unknown_url")


NO_PLANS = [
    b"",
    b"\xff",
    {"scripts": [{"session": "s", "question": "q"}]},
    {"scripts": [{"session": "s", "question": "", "replies": ["r"]}]},
    {"scripts": [{"session": "s", "question": "q", "replies": []}]},
    {"scripts": [{"session": "s", "question": "q", "replies": ["r"], "more": 1}]},
    {},
]


async def test_what_is_no_plan_is_an_error_object_and_plans_nothing():
    scripts = Scripts()
    async with engine_served(simulated(), scripts, EXPERIMENT, "test") as address:
        for body in NO_PLANS:
            status, said = await plan(address, body)
            assert (status, json.loads(said)["error"]["code"]) == (400, "invalid_request"), body
        assert (await plan(address, b" " * (MAX_BODY_BYTES + 1)))[0] == 413
        await chat(f"http://{address}")
    assert scripts.unplanned == 0
