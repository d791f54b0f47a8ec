"""OpenAI's embeddings over real sockets: what comes back, what is refused, and what is loaded when."""

import asyncio
import base64
import json
import threading
from contextlib import asynccontextmanager

import numpy as np
import pytest

from systems.engines.embedding.opening import embedding_engine
from systems.engines.simulated import SimulatedEngine, SimulatedSettings
from systems.server.direct import EngineHost
from systems.server.embedding import EmbeddingHost
from systems.server.embeddings import MAX_TEXTS
from systems.server.service import ServedSystem
from systems.server.settings import ServerSettings
from systems.server.wire.listening import listening
from tests.systems.engines.embedding.small import SIZES, encoder
from tests.systems.server.test_completions import call


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return encoder(tmp_path_factory.mktemp("model") / "small.gguf")


@asynccontextmanager
async def serving(engine, **settings):
    """Give the address of a server that makes embeddings with ``engine``; None makes none."""
    embeddings = None if engine is None else EmbeddingHost(engine, "small")
    host = EngineHost(SimulatedEngine(SimulatedSettings()), 60)
    service = ServedSystem(host, ServerSettings(port=0, **settings), "test", embeddings=embeddings)
    try:
        async with host, listening(service) as address:
            yield f"http://{address}"
    finally:
        if embeddings is not None:
            await embeddings.close()


async def embed(address, body, **headers):
    status, _, said = await call(f"{address}/v1/embeddings", body, **headers)
    return status, json.loads(said)


async def test_the_openai_package_gets_the_engine_s_vectors_packed_and_plain(small):
    openai = pytest.importorskip("openai", reason="the openai package is not installed")
    engine = embedding_engine(small, 1)
    texts = ["the cat", "a", "the dog"]
    async with (
        serving(engine) as address,
        openai.AsyncOpenAI(base_url=f"{address}/v1", api_key="anything", max_retries=0) as client,
    ):
        assert [model.id async for model in client.models.list()] == ["test", "small"]
        packed = await client.embeddings.create(model="small", input=texts)
        plain = await client.embeddings.create(model="small", input=texts, encoding_format="float")
        one = await client.embeddings.create(model="small", input="the cat")
        with pytest.raises(openai.NotFoundError):
            await client.embeddings.create(model="test", input="the cat")
        expected = engine.embed(texts)
    assert [each.index for each in packed.data] == [0, 1, 2]
    for found in (packed, plain):
        assert np.array([each.embedding for each in found.data]) == pytest.approx(expected.vectors, abs=1e-6)
    assert len(one.data) == 1
    assert packed.usage.prompt_tokens == packed.usage.total_tokens == expected.tokens


async def test_base64_is_of_little_endian_floats(small):
    async with serving(embedding_engine(small, 1)) as address:
        _, found = await embed(address, {"input": "cat", "encoding_format": "base64"})
    vector = np.frombuffer(base64.b64decode(found["data"][0]["embedding"]), "<f4")
    assert vector.shape == (SIZES.hidden,)
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, None),
        ({"input": ""}, "input"),
        ({"input": []}, "input"),
        ({"input": ["cat", ""]}, "input[1]"),
        ({"input": [1, 2, 3]}, "input[0]"),
        ({"input": [[1, 2], [3]]}, "input[0]"),
        ({"input": ["cat"] * (MAX_TEXTS + 1)}, "input"),
        ({"input": "cat " * 20}, "input"),
        ({"input": "cat", "dimensions": 32}, "dimensions"),
        ({"input": "cat", "encoding_format": "int8"}, "encoding_format"),
        ({"input": "cat", "input_type": "poem"}, "input_type"),
    ],
)
async def test_what_cannot_be_done_is_refused_in_a_sentence_that_names_it(small, body, param):
    async with serving(embedding_engine(small, 1)) as address:
        status, said = await embed(address, body)
        _, models = await embed(address, {"input": "cat", "dimensions": SIZES.hidden})
    assert (status, said["error"]["param"]) == (400, param)
    assert len(models["data"]) == 1


async def test_a_server_without_embeddings_says_so(small):
    async with serving(None) as address:
        status, said = await embed(address, {"input": "cat"})
    assert status == 404
    assert "--embeddings" in said["error"]["message"]


async def test_a_token_is_needed_where_there_are_tokens(small):
    async with serving(embedding_engine(small, 1), tokens=("the secret",)) as address:
        assert (await embed(address, {"input": "cat"}))[0] == 401
        assert (await embed(address, {"input": "cat"}, authorization="Bearer the secret"))[0] == 200


async def test_the_model_is_loaded_by_the_first_request_and_the_metrics_say_what_it_takes(small):
    engine = embedding_engine(small, 1)
    async with serving(engine) as address:

        async def metrics():
            _, _, said = await call(f"{address}/metrics")
            lines = (line.split() for line in said.decode().splitlines() if line.startswith("fourgig_embedding"))
            return {name: float(value) for name, value in lines}

        assert (await metrics())["fourgig_embedding_weights_bytes"] == 0
        await embed(address, {"input": ["cat", "dog"]})
        found = await metrics()
    assert found["fourgig_embedding_weights_bytes"] > 0
    assert (found["fourgig_embedding_requests_total"], found["fourgig_embedding_texts_total"]) == (1, 2)


async def test_a_request_that_takes_too_long_ends_at_its_deadline_and_others_are_answered(small):
    engine = embedding_engine(small, 1)
    held, slow = threading.Event(), engine.embed

    def embed_slowly(texts, *arguments, **named):
        if "a" in texts:
            held.wait(60)
        return slow(texts, *arguments, **named)

    engine.embed = embed_slowly
    async with serving(engine, deadline_s=0.5) as address:
        try:
            status, said = await embed(address, {"input": ["a"]})
        finally:
            held.set()
        assert (status, said["error"]["code"]) == (504, "deadline_exceeded")
        async with asyncio.timeout(20):
            while (await embed(address, {"input": "cat"}))[0] != 200:
                pass
