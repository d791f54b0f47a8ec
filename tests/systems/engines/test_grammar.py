"""Grammars of JSON Schemas: what llama.cpp says under them fits, and what cannot be held to is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from systems.engines.batched.engine import BatchedEngine, BatchedSettings
from systems.engines.grammar import of_schema
from systems.engines.interface import Call, Generation, Message, Sampling
from systems.errors import BadInput

ASKED = [Message("user", "Say it in JSON.")]
WARM = {"temperature": 1.5, "top_k": 0, "top_p": 1.0}


@pytest.fixture(scope="module")
def engine(tiny_model) -> Iterator[BatchedEngine]:
    engine = BatchedEngine(BatchedSettings(model_path=str(tiny_model), slots=2, context_tokens=512, threads=1))
    engine.load()
    yield engine
    engine.close()


def say(engine: BatchedEngine, grammar: str, seed: int | None = None, most: int = 200) -> Generation:
    how = Sampling(temperature=0.0) if seed is None else Sampling(seed=seed, **WARM)
    return engine.generate(Call(messages=ASKED, max_tokens=most, grammar=grammar, sampling=how))


def fits(value: Any, schema: Any) -> bool:
    kind = jsonschema.Draft202012Validator
    return kind(schema, format_checker=kind.FORMAT_CHECKER).is_valid(value)


names = st.text('ab "\\\n\u00e9\u4e2d\U0001f600', min_size=1, max_size=3)
counts = st.integers(0, 4)
numbers = st.integers(-120, 120) | st.floats(-100, 100).map(lambda each: round(each, 3))
constants = st.none() | st.booleans() | numbers | names


def bounds(low: str, high: str, values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    pair = st.tuples(values, values).map(lambda pair: dict(zip((low, high), sorted(pair), strict=True)))
    return pair | pair.map(lambda both: {low: both[low]}) | pair.map(lambda both: {high: both[high]})


leaves = (
    st.sampled_from(["null", "boolean", "integer", "number", "string", "object", "array"]).map(
        lambda kind: {"type": kind}
    )
    | st.lists(st.sampled_from(["null", "boolean", "integer", "string"]), min_size=1, max_size=3, unique=True).map(
        lambda kinds: {"type": kinds}
    )
    | st.lists(constants, min_size=1, max_size=30).map(lambda values: {"enum": values})
    | constants.map(lambda value: {"const": value})
    | bounds("minLength", "maxLength", counts).map(lambda said: {"type": "string", **said})
    | bounds("minimum", "maximum", numbers).map(lambda said: {"type": "number", **said})
    | bounds("exclusiveMinimum", "exclusiveMaximum", numbers).map(lambda said: {"type": "integer", **said})
    | st.sampled_from(["date", "time", "date-time", "uuid", "ipv4", "ipv6", "email", "uri", "hostname"]).map(
        lambda name: {"type": "string", "format": name}
    )
    | st.booleans()
    | st.just({"$ref": "#"})
    | st.just({})
)


def objects(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    properties = st.dictionaries(names, inner, max_size=4)
    return st.builds(
        lambda properties, some, others: {
            "type": "object",
            "properties": properties,
            "required": [name for name, needed in zip(properties, some, strict=False) if needed],
            **({} if others is None else {"additionalProperties": others}),
        },
        properties,
        st.lists(st.booleans(), min_size=4, max_size=4),
        st.none() | inner,
    )


def lists(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.builds(
        lambda items, first, said: {"type": "array", **said, **items, **first},
        st.just({}) | inner.map(lambda each: {"items": each}),
        st.just({}) | st.lists(inner, min_size=1, max_size=3).map(lambda each: {"prefixItems": each}),
        bounds("minItems", "maxItems", counts) | st.just({}),
    )


def combined(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    some = st.lists(inner, min_size=1, max_size=3)
    kinds = st.sampled_from(["anyOf", "oneOf", "allOf"])
    return st.builds(lambda kind, each, beside: {**beside, kind: each}, kinds, some, objects(inner) | st.just({}))


schemas = st.recursive(leaves, lambda inner: objects(inner) | lists(inner) | combined(inner), max_leaves=8)


@given(schema=schemas, seed=st.none() | st.integers(0, 2**31))
@settings(max_examples=300)
def test_whatever_is_said_under_a_schema_fits_it(engine, schema, seed):
    try:
        grammar = of_schema(schema)
    except BadInput:
        return
    said = say(engine, grammar, seed)
    if said.finish_reason == "stop":
        assert fits(json.loads(said.text), schema), said.text
