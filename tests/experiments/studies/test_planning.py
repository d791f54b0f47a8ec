"""Telling a server what its model will say."""

import asyncio
import socket

import pytest

from experiments.studies.planning import post
from experiments.studies.subjects import planned
from experiments.workloads.conversations import conversations
from systems.engines.interface import Call, Message
from systems.engines.scripted import Script, Scripts
from systems.engines.simulated import SimulatedEngine, SimulatedSettings
from systems.errors import BadInput
from systems.server.alone import engine_served
from systems.server.settings import MAX_BODY_BYTES, ServerSettings


def served(scripts, **settings):
    return engine_served(SimulatedEngine(SimulatedSettings()), scripts, ServerSettings(port=0, **settings), "test")


async def test_a_plan_of_any_size_arrives_whole():
    asked = conversations(1, 30, 200)
    plan = planned({f"user-{user}": turns for user, turns in enumerate(asked)})
    assert sum(len(script.question) + len(script.replies[0]) for script in plan) > MAX_BODY_BYTES
    scripts = Scripts()
    async with served(scripts, experiment=True) as address:
        await asyncio.to_thread(post, f"ws://{address}/ws", plan)
    for user, turns in enumerate(asked):
        for turn in turns:
            call = Call(messages=[Message("user", turn.text)], max_tokens=1, conversation=f"user-{user}")
            assert scripts.reply(call) == turn.reply
    assert scripts.unplanned == 0


async def test_a_server_that_takes_no_plan_is_told_apart_from_one_that_is_not_there():
    async with served(Scripts()) as address:
        with pytest.raises(BadInput, match="404"):
            await asyncio.to_thread(post, f"http://{address}/v1", [Script("s", "Who?", ("Vera",))])
    with socket.create_server(("127.0.0.1", 0)) as listener:
        nobody = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
    with pytest.raises(BadInput, match="could not be told"):
        post(nobody, [Script("s", "Who?", ("Vera",))])
