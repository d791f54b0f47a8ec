"""A model that leaves memory while nobody asks, and comes back: real engines, and a clock that the tests drive."""

import asyncio
import json
import threading
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from systems.baseline.agent import Baseline
from systems.baseline.settings import BaselineSettings
from systems.engines.batched.engine import BatchedEngine
from systems.engines.batched.settings import BatchedSettings
from systems.engines.embedding.opening import embedding_engine
from systems.engines.interface import Call, Message, Sampling
from systems.engines.llama import LlamaEngine, LlamaSettings
from systems.errors import EngineError, ModelError
from systems.interface import Request
from systems.server.direct import EngineHost
from systems.server.embedding import EmbeddingHost
from systems.server.hosting import host
from systems.server.unloading import unloading, watch
from tests.systems.engines.embedding.small import encoder
from tests.systems.server.serving import agent, listening_to
from tests.systems.server.test_completions import call

AFTER_S = 600
HELLO = Call(messages=[Message("user", "Hello Vera")], max_tokens=5, sampling=Sampling(ignore_end=True))
ENGINES = {"llama": (LlamaEngine, LlamaSettings), "batched": (BatchedEngine, BatchedSettings)}


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def of(kind, path):
    engine, settings = ENGINES[kind]
    return engine(settings(model_path=str(path), context_tokens=256, threads=1))


@pytest.fixture(params=ENGINES)
def engine(request, tiny_model, clock):
    made = unloading(of(request.param, tiny_model), AFTER_S, clock)
    yield made
    made.close()


def left(engine, clock):
    """Let the model be idle for as long as it may, and return whether it has left."""
    clock.now += AFTER_S
    engine.unload_if_idle()
    return not engine.loaded


async def get(address, path):
    status, _, said = await call(f"http://{address}{path}")
    return status, said


async def test_a_model_leaves_when_nobody_asked_for_so_long_and_the_next_request_has_it_back(engine, clock):
    body = {"messages": [{"role": "user", "content": "Hello Vera"}], "max_tokens": 5, "temperature": 0}
    async with listening_to(EngineHost(engine, 60), context_tokens=256) as address:
        _, _, first = await call(f"http://{address}/v1/chat/completions", body)
        clock.now += AFTER_S - 1
        assert engine.unload_if_idle() == 1
        assert engine.loaded
        clock.now += 1
        engine.unload_if_idle()
        assert not engine.loaded
        assert (await get(address, "/readyz"))[0] == 200
        assert b"256" in (await get(address, "/v1/models"))[1]
        status, _, again = await call(f"http://{address}/v1/chat/completions", body)
    assert status == 200
    assert json.loads(again)["choices"] == json.loads(first)["choices"]


def test_a_model_does_not_leave_under_the_hands_of_a_reply(engine, clock):
    engine.load()
    seen = []

    def on_token(_):
        clock.now += AFTER_S
        engine.unload_if_idle()
        seen.append(engine.loaded)

    engine.generate(HELLO.__class__(messages=HELLO.messages, max_tokens=5, on_token=on_token, sampling=HELLO.sampling))
    assert seen
    assert all(seen)
    assert engine.unload_if_idle() == AFTER_S  # counted from the end of the reply
    assert engine.loaded


def test_a_model_that_is_leaving_is_told_of_as_there_until_its_memory_was_given_back(tiny_model, clock, monkeypatch):
    told = []

    def tell():
        told.append([metric.samples[0].value for metric in engine.collect()])

    class Told(LlamaEngine):
        def close(self):
            super().close()
            tell()

    engine = unloading(Told(LlamaSettings(model_path=str(tiny_model), context_tokens=256, threads=1)), AFTER_S, clock)
    monkeypatch.setattr("systems.server.unloading.give_back", tell)
    engine.load()
    assert left(engine, clock)
    tell()
    assert told == [[1, 0], [1, 0], [0, 1]]
    monkeypatch.setattr("systems.server.unloading.give_back", engine.load)  # who wants it again meanwhile has it
    engine.load()
    assert not left(engine, clock)
    tell()
    assert told[-1] == [1, 2]
    engine.close()


def test_whoever_comes_while_the_model_leaves_waits_and_has_it_loaded_again(tiny_model, clock):
    leaving, go_on = threading.Event(), threading.Event()

    class Slow(LlamaEngine):
        def close(self):
            leaving.set()
            assert go_on.wait(60)
            super().close()

    engine = unloading(Slow(LlamaSettings(model_path=str(tiny_model), context_tokens=256, threads=1)), AFTER_S, clock)
    engine.load()
    said = engine.generate(HELLO).text
    with ThreadPoolExecutor(3) as threads:
        left_meanwhile = threads.submit(left, engine, clock)
        assert leaving.wait(60)
        two = [threads.submit(engine.generate, HELLO) for _ in range(2)]
        go_on.set()
        assert [each.result(60).text for each in two] == [said, said]
        left_meanwhile.result(60)
    assert engine.loaded
    engine.close()


async def test_callers_and_the_clock_race_and_every_reply_is_whole(engine, clock):
    engine.load()
    said = (await asyncio.to_thread(engine.generate, HELLO)).text
    done = threading.Event()

    def hurry():
        while not done.is_set():
            left(engine, clock)

    async def ask():
        for _ in range(15):
            if hasattr(engine, "reply"):
                assert (await engine.reply(HELLO)).text == said
            assert (await asyncio.to_thread(engine.generate, HELLO)).text == said
            assert await asyncio.to_thread(engine.count, "Hello Vera") > 0

    hurrying = asyncio.create_task(asyncio.to_thread(hurry))
    try:
        await asyncio.gather(ask(), ask(), ask())
    finally:
        done.set()
    await hurrying
    assert left(engine, clock), "once nobody asks, it leaves"


async def test_a_model_that_cannot_be_loaded_again_is_told_of_and_the_next_request_tries_again(
    tiny_model, tmp_path, clock
):
    path = tmp_path / "model.gguf"
    path.symlink_to(tiny_model)
    engine = unloading(of("batched", path), AFTER_S, clock)
    body = {"messages": [{"role": "user", "content": "Hello Vera"}], "max_tokens": 5}
    async with listening_to(EngineHost(engine, 60)) as address:
        assert left(engine, clock)
        path.unlink()
        status, _, said = await call(f"http://{address}/v1/chat/completions", body)
        assert (status, json.loads(said)["error"]["code"]) == (500, "ModelError")
        path.symlink_to(tiny_model)
        assert (await call(f"http://{address}/v1/chat/completions", body))[0] == 200
        assert engine.loaded


async def test_agents_go_on_as_if_the_model_had_never_left(engine, clock, tmp_path):
    def hosted(name):
        (tmp_path / name).mkdir(exist_ok=True)
        if name.startswith("baseline"):
            return host(Baseline(BaselineSettings(), engine, tmp_path / name))
        return agent(tmp_path / name, engine, lazy_loading=False, warm_up=False)

    for kind in ("baseline", "asynchronous"):
        said = {}
        for leaves in (False, True):
            async with hosted(f"{kind}-{leaves}") as system:
                replies = []
                for number, text in enumerate(("I live in Oslo", "Where do I live?")):
                    replies.append(await system.answer(Request(id=str(number), session="s", text=text, max_tokens=5)))
                    if leaves:
                        assert left(engine, clock), kind
                said[leaves] = [reply.text for reply in replies], [reply.prompt_tokens for reply in replies]
        assert said[True] == said[False], kind


def test_a_closed_engine_is_not_loaded_again(engine):
    engine.load()
    engine.close()
    engine.close()
    with pytest.raises(EngineError, match="not loaded"):
        engine.generate(HELLO)
    assert not engine.loaded


async def test_who_waits_for_a_load_may_leave_and_the_model_can_leave_after(tiny_model, clock):
    loading, go_on = threading.Event(), threading.Event()

    class Slow(BatchedEngine):
        def load(self):
            loading.set()
            assert go_on.wait(60)
            super().load()

    engine = unloading(Slow(BatchedSettings(model_path=str(tiny_model), context_tokens=256, threads=1)), AFTER_S, clock)
    go_on.set()
    engine.load()
    assert left(engine, clock)
    loading.clear(), go_on.clear()
    asked = asyncio.create_task(engine.reply(HELLO))
    assert await asyncio.to_thread(loading.wait, 60)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    go_on.set()
    assert (await engine.reply(HELLO)).generated_tokens == 5
    assert left(engine, clock)
    engine.close()


async def test_nothing_leaves_while_turns_are_under_way_and_what_fails_is_tried_again():
    turns, looked, unloaded = [3, 2, 1], [], asyncio.Event()

    def under_way():
        looked.append(len(turns))
        return turns.pop() if turns else 0

    async def unload():
        assert not turns
        if not unloaded.is_set():
            unloaded.set()
            raise EngineError("It does not end.")
        again.set()
        return 1e9

    again = asyncio.Event()
    watching = asyncio.create_task(watch([unload], under_way, look_s=0.001))
    async with asyncio.timeout(60):
        await again.wait()
    watching.cancel()
    assert looked[:4] == [3, 2, 1, 0]


async def test_an_embedding_model_leaves_and_comes_back(tmp_path, clock):
    engine = embedding_engine(encoder(tmp_path / "small.gguf"), 1)
    hosted = EmbeddingHost(engine, "small", AFTER_S, clock)
    first = await hosted.embed(["the cat"], "query", 60)
    assert engine.weights_bytes
    asking = asyncio.create_task(hosted.embed(["the cat"], "query", 60))
    clock.now += AFTER_S
    await asyncio.sleep(0)
    await hosted.unload_if_idle()
    assert engine.weights_bytes  # one is asking
    await asking
    clock.now += AFTER_S
    leaving = asyncio.create_task(hosted.unload_if_idle())
    await asyncio.sleep(0)
    during = await hosted.embed(["the cat"], "query", 60)
    await leaving
    assert (during.vectors == first.vectors).all()
    clock.now += AFTER_S
    await hosted.unload_if_idle()
    assert not engine.weights_bytes
    assert ((await hosted.embed(["the cat"], "query", 60)).vectors == first.vectors).all()
    await hosted.close()


async def test_metrics_say_whether_the_model_is_in_memory(tiny_model, clock):
    from prometheus_client import CollectorRegistry, generate_latest

    engine = unloading(of("llama", tiny_model), AFTER_S, clock)
    registry = CollectorRegistry()
    registry.register(engine)
    engine.load()
    assert b"fourgig_model_loaded 1.0" in generate_latest(registry)
    assert left(engine, clock)
    said = generate_latest(registry)
    assert b"fourgig_model_loaded 0.0" in said
    assert b"fourgig_model_unloads_total 1.0" in said


@pytest.mark.parametrize("kind", ["batched", pytest.param("llama", marks=pytest.mark.long)])
def test_the_memory_goes_back_to_the_system(kind, smollm2, clock):
    engine_kind, settings = ENGINES[kind]
    inner = engine_kind(settings(model_path=str(smollm2), context_tokens=2048, calibrate=False))
    engine = unloading(inner, AFTER_S, clock)

    def takes():
        return psutil.Process().memory_info().rss

    def use():
        engine.load()
        engine.generate(HELLO)
        return takes()

    use()
    assert left(engine, clock)  # what the library keeps for good is there from now on
    before = takes()
    taken = use() - before
    assert taken > 100 * 2**20
    assert left(engine, clock)
    assert takes() - before < taken / 10


def test_what_cannot_be_loaded_at_the_start_is_no_secret(tmp_path, clock):
    engine = unloading(of("llama", tmp_path / "none.gguf"), AFTER_S, clock)
    with pytest.raises(ModelError):
        engine.load()
    assert not engine.loaded
