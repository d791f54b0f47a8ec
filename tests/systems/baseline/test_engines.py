"""The traditional agent on the engines that run a model: a blocking call suits the batched one as well."""

import asyncio

import msgspec
import pytest

from systems.baseline.agent import Baseline
from systems.baseline.settings import BaselineSettings
from systems.engines.batched.engine import BatchedEngine
from systems.engines.batched.settings import BatchedSettings
from systems.engines.llama import LlamaEngine, LlamaSettings
from systems.engines.scripted import Script, Scripts, scripted
from systems.interface import Source
from systems.server.hosting import host
from tests.systems.conversing import conversed, requests, stored


@pytest.fixture
def engines(tiny_model):
    return {
        "serial": LlamaEngine(LlamaSettings(model_path=str(tiny_model), context_tokens=2048, threads=1)),
        "batched": BatchedEngine(BatchedSettings(model_path=str(tiny_model), context_tokens=2048, slots=4, threads=1)),
    }


def plan(asked):
    """Return a reply to every question that the model is asked, each another one."""
    return [
        Script(request.session, request.text, (f"Reply {number} has so many words that it is cut.",))
        for number, request in enumerate(asked)
    ]


async def test_on_the_batched_engine_it_says_and_keeps_what_it_does_on_the_serial_one(engines, tmp_path):
    asked, said, kept, reused = requests(), {}, {}, {}
    for name, engine in engines.items():
        folder = tmp_path / name
        folder.mkdir()
        system = Baseline(BaselineSettings(), scripted(engine, Scripts(plan(asked))), folder)
        replies = await conversed(system, asked)
        said[name] = [
            (reply.text, reply.source, reply.memories, reply.prompt_tokens, reply.generated_tokens) for reply in replies
        ]
        kept[name], reused[name] = stored(folder), system.counters().reused_tokens
    assert said["batched"] == said["serial"]
    assert kept["batched"] == kept["serial"]
    assert sum(source is Source.MODEL for _, source, *_ in said["batched"]) > len(asked) // 2
    assert reused["batched"] > 0  # the engine's gains that need no batch


async def test_asked_by_many_at_once_it_asks_the_batched_engine_for_one_reply_at_a_time(engines, tmp_path):
    engine = engines["batched"]
    asked = [msgspec.structs.replace(request, session=f"user-{request.id}") for request in requests()[:4]]
    system = Baseline(BaselineSettings(), scripted(engine, Scripts(plan(asked))), tmp_path)
    async with host(system) as running:
        replies = await asyncio.gather(*map(running.answer, asked))
        counted = engine.counters()
    assert [reply.source for reply in replies] == [Source.MODEL] * 4
    # A step never has the tokens of two replies: each token after a reply's first one takes a step of its own.
    assert counted.steps >= sum(reply.generated_tokens - 1 for reply in replies)
