"""Grammars of JSON Schemas: what llama.cpp says under them fits, and what cannot be held to is refused."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from systems.engines.batched.engine import BatchedEngine, BatchedSettings
from systems.engines.grammar import either_text_or, of_any_object, of_gbnf, of_schema
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
    | st.builds(
        lambda pattern, said: {"type": "string", "pattern": pattern, **said},
        st.sampled_from(["a", "^[ab]+$", r'^["\\\n]*$', r"\d\d$", "^(a|b|)*é?$", "^.{2}", "[^a]b"]),
        st.just({}) | bounds("minLength", "maxLength", counts),
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


def test_a_form_is_of_any_object_or_of_a_text_that_is_none(engine):
    for seed in range(10):
        said = say(engine, of_any_object(), seed, 400)
        assert said.finish_reason == "length" or isinstance(json.loads(said.text), dict)
        said = say(engine, either_text_or({"type": "object", "properties": {"a": {"type": "null"}}}), seed, 60)
        begin = said.text.lstrip()
        assert begin, "a text is not empty"
        assert not begin.startswith("{") or json.loads(said.text) in ({}, {"a": None})
    with pytest.raises(BadInput):
        either_text_or({"type": "string"})


def test_both_a_text_and_an_object_are_said(engine):
    grammar = either_text_or({"const": {"city": "Lisbon"}})
    brace = [token for token in range(4096) if token in (128, 352)]  # "{" in this vocabulary
    how = Sampling(logit_bias=tuple((token, 100.0) for token in brace))
    said = engine.generate(Call(messages=ASKED, max_tokens=60, grammar=grammar, sampling=how))
    assert json.loads(said.text) == {"city": "Lisbon"}
    how = Sampling(logit_bias=tuple((token, -100.0) for token in brace))
    said = engine.generate(Call(messages=ASKED, max_tokens=60, grammar=grammar, sampling=how))
    assert said.text.strip()
    assert not said.text.lstrip().startswith("{")


def nested(depth: int, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"type": "null"}
    for _ in range(depth):
        found = {"type": "array", "items": found, **more}
    return found


def chain(length: int, made: Any) -> dict[str, Any]:
    links = {f"a{each}": made({"$ref": f"#/$defs/a{each + 1}"}) for each in range(length)}
    return {"$ref": "#/$defs/a0", "$defs": {**links, f"a{length}": {"type": "null"}}}


REFUSED = {
    "deep": nested(1000),
    "a hundred thousand values": {"enum": list(range(100_000))},
    "many long values": {"enum": ["word " * each for each in range(400)]},
    "references that double": chain(60, lambda next_: {"anyOf": [next_, next_]}),
    "alternatives that multiply": {
        "allOf": [{"anyOf": [{"minimum": each}, {"minLength": each}]} for each in range(30)]
    },
    "a list of a thousand million": {"type": "array", "minItems": 10**9},
    "a text of a thousand million": {"type": "string", "minLength": 10**9},
    "a number of four thousand digits": {"type": "integer", "minimum": 10**4000},
    "nothing but itself": {"$ref": "#"},
    "an alternative of itself": {"anyOf": [{"$ref": "#"}, {"type": "null"}]},
    "alike at the beginning, within each other": {
        "anyOf": [
            {"type": "object", "properties": {"left": {"$ref": "#"}, "op": {"const": op}}, "required": ["left", "op"]}
            for op in "+-"
        ]
    },
    "alike at every level": chain(
        10,
        lambda next_: {"anyOf": [{"properties": {"a": next_, f"b{each}": {}}, "required": ["a"]} for each in range(4)]},
    ),
    "two of one": {"oneOf": [{"type": "integer"}, {"type": "number"}]},
    "not": {"not": {"type": "null"}},
    "if": {"if": {"type": "null"}, "then": {}},
    "contains": {"type": "array", "contains": {}},
    "unique": {"type": "array", "uniqueItems": True},
    "multiples": {"type": "number", "multipleOf": 0.1},
    "properties by pattern": {"patternProperties": {"^a": {}}},
    "names of properties": {"propertyNames": {"maxLength": 3}},
    "dependent": {"dependentRequired": {"a": ["b"]}},
    "few properties": {"type": "object", "minProperties": 2},
    "a form with a length": {"type": "string", "format": "uuid", "maxLength": 5},
    "a form of its own": {"type": "string", "format": "regex"},
    "elsewhere": {"$ref": "https://example.com/schema.json"},
    "nowhere": {"$ref": "#/$defs/nothing"},
    "no reference": {"$ref": 5},
    "nothing fits": {"type": "object", "properties": {"a": False}, "required": ["a"]},
    "false": False,
    "no kind": {"type": "text"},
    "no schema": {"items": 5, "type": "array"},
    "no list of items": {"prefixItems": 5},
    "no names": {"required": "a"},
    "no properties": {"properties": []},
    "no list": {"enum": "abc"},
    "no alternatives": {"anyOf": {}},
    "no count": {"minLength": 1.5},
    "no number": {"minimum": "5"},
    "endless": {"minimum": float("inf")},
    "looks ahead": {"pattern": "^(?=a)"},
    "between words": {"pattern": r"\bword\b"},
    "letters of any script": {"pattern": r"^\p{L}+$"},
    "no pattern": {"pattern": "["},
    "a pattern of a hundred hundred": {"pattern": "^(a{100}){100}$"},
    "a pattern of nothing, without end": {"pattern": "(){1000000000}"},
    "a pattern that doubles": {"pattern": "^(a|b)*a(a|b){14}$"},
    "parentheses": {"pattern": "(" * 900 + ")" * 900},
    "half a character": {"const": "\ud800"},
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_a_reply_cannot_be_held_to_is_refused(name):
    with pytest.raises(BadInput):
        of_schema(REFUSED[name])


ACCEPTED = {
    "deep": nested(60),
    "many values": {"enum": [f"{each * 7919 % 100_003}" for each in range(3000)]},
    "values that begin alike": {"enum": ["a" * each for each in range(400)]},
    "references that double within": chain(
        60, lambda next_: {"type": "object", "properties": {"x": next_, "y": next_}, "required": ["x"]}
    ),
    "a thousand properties": {"type": "object", "properties": {f"p{each}": {"type": "null"} for each in range(1000)}},
    "long lists of long lists": nested(3, minItems=1000),
    "no more than a thousand million": {"type": "array", "maxItems": 10**9, "items": {"maxLength": 10**9}},
    "hundreds of named and any others": {
        "properties": {f"property {each}": {} for each in range(300)}, "additionalProperties": {"type": "null"}
    },
    "a pattern with many ways": {"type": "string", "pattern": "^((a+)+)+(a|aa)*$"},
    "words": {"type": "string", "pattern": f"^({'|'.join(f'word{each}' for each in range(200))})$"},
    "great numbers": {"type": "number", "minimum": -1e308, "maximum": 1e308},
    "told apart first": {
        "anyOf": [
            {"type": "object", "properties": {"op": {"const": op}, "left": {"$ref": "#"}}, "required": ["op", "left"]}
            for op in "+-"
        ]
        + [{"type": "integer"}]
    },
}  # fmt: skip


@pytest.mark.parametrize("name", ACCEPTED)
def test_large_schemas_can_be_said(engine, name):
    grammar = of_schema(ACCEPTED[name])
    for seed in (None, 1):
        said = say(engine, grammar, seed, 60)
        assert said.finish_reason == "length" or fits(json.loads(said.text), ACCEPTED[name])


def test_a_part_with_a_name_of_its_own_is_a_document_of_its_own(engine):
    tool = {
        "$id": "urn:tool",
        "$defs": {"n": {"const": 5}},
        "properties": {"x": {"$ref": "#/$defs/n"}},
        "required": ["x"],
    }
    whole = {"$defs": {"n": {"const": 6}}, "type": "array", "prefixItems": [tool, {"$ref": "#/$defs/n"}], "minItems": 2}
    assert json.loads(say(engine, of_schema(whole), most=40).text) == [{"x": 5}, 6]


def test_properties_come_as_they_are_declared_and_alternatives_by_their_discriminator(engine):
    schema = {
        "oneOf": [
            {
                "type": "object",
                "properties": {"kind": {"const": kind}, "b": {"const": 1}, "a": {"const": 2}},
                "required": ["b"],
            }
            for kind in ("cat", "dog")
        ],
        "discriminator": {"propertyName": "kind"},
    }
    for seed in range(6):
        said = json.loads(say(engine, of_schema(schema), seed).text)
        assert list(said) in (["kind", "b"], ["kind", "b", "a"])


@pytest.mark.parametrize(
    "pattern",
    [
        "^[a-z]{2,5}$", r"^\d{3}-\d{4}$", "^(a|a)*b$", "^(?:[A-Z][a-z]{1,3} ?){1,3}$", "^a$|^bc$", "x$", "^$",
        r"^\S{1,4}@\w+$",
        r"^-?(0|[1-9]\d{0,3})(\.\d{1,2})?$", r"^([01]\d|2[0-3]):[0-5]\d$", r'^["\\]{3}$', r"^[^\w]{1,3}$", r"^\s{2}\S$",
        "^[\u4e00-\u9fff]{1,4}$", "^(a|b)*a(a|b){6}$",
    ],
)  # fmt: skip
def test_a_text_is_found_by_its_pattern(engine, pattern):
    for seed in (None, 1, 2, 3):
        said = say(engine, of_schema({"type": "string", "pattern": pattern}), seed)
        if said.finish_reason == "stop":
            assert re.search(pattern, json.loads(said.text)), said.text
    chosen = (
        of_schema({"enum": ["a", "abc", "b a", "12:34"], "pattern": pattern}) if pattern.startswith("^[a-z]") else None
    )
    assert chosen is None or json.loads(say(engine, chosen).text) == "abc"


TOOLS = {
    # What zod writes of a record, of integers and of an instant; what a tool without arguments has; a pattern alone.
    "record": {"type": "object", "propertyNames": {"type": "string"}, "additionalProperties": {"type": "null"}},
    "safe": {"type": "integer", "minimum": -9007199254740991, "maximum": 9007199254740991},
    "instant": {"type": "string", "format": "date-time", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\dZ$"},
    "nothing": {"type": "object", "properties": {}},
    "solid": {"type": "string", "pattern": r"\S"},
    "long": {"type": "string", "maxLength": 5000},
    "deep": {"type": "object", "properties": {"o": {"properties": {"s": {"type": "string", "pattern": "^[a-z]+$"}}}}},
}


@pytest.mark.parametrize("name", TOOLS)
def test_what_tools_say_of_their_arguments_is_kept(engine, name):
    schema = {"$schema": "http://json-schema.org/draft-07/schema#", "title": name, "default": None, **TOOLS[name]}
    for seed in (None, 1, 2):
        said = say(engine, of_schema(schema), seed)
        assert said.finish_reason == "length" or fits(json.loads(said.text), schema)
    assert name != "nothing" or json.loads(said.text) == {}


FOREIGN = {
    'root ::= "yes" | "no" # or neither': "yes|no",
    'root ::= word ("," " "? word)*\r\nword ::= [a-z]+\r\n': "[a-z]+(, ?[a-z]+)*",
    'root ::= a b\na ::= "x"*\nb ::= (a | "y")+': "x*(x|y)*",
    'root ::= (a*)*\na ::= "x"*': "x*",
    'root ::= "\\u4e2d" [^"\\n]{1,5} "\\x22" .': '中[^"\\n]{1,5}"(.|\\n)',
    'root ::=\n  "a" |\n  ( "b"\n  | "c"{2,3} )\n\nother ::= root': "a|b|ccc?",
    'root ::= "-"? [0-9]{1,3} ("." [0-9]+)?': r"-?[0-9]{1,3}(\.[0-9]+)?",
    'root ::= ([a-z]* | [0-9]*){10} "."': "([a-z]*|[0-9]*){10}\\.",
    'root ::= [a-] [-b] "\\\\" [\\]\\[^]': r"[a-][-b]\\[\]\[^]",
    'root ::= ""': "",
}


@pytest.mark.parametrize("grammar", FOREIGN)
def test_a_grammar_that_somebody_else_wrote_is_kept(engine, grammar):
    for seed in (None, 1, 2, 3):
        said = say(engine, of_gbnf(grammar), seed, 60)
        if said.finish_reason == "stop":
            assert re.fullmatch(FOREIGN[grammar], said.text), said.text


@pytest.mark.parametrize(
    "grammar",
    [
        "", "# nothing", 'foo ::= "a"', "root ::= bar", 'root ::= "a', "root ::= [a", "root ::= <[5]>", "root ::= )",
        "root ::= (",
        "root ::= *", 'root ::= "a"**', "root ::= []", 'root ::= "\\q"', 'root ::= "a" "b" ::= "c"', "::=", '"a"',
        'root ::= root "a" | "b"', 'root ::= e root "a" | "b"\ne ::= f\nf ::= "" | "q"', 'root ::= "(" root ")" | "a"',
        "root ::= " + "(" * 30_000 + '"a"' + ")" * 30_000, 'root ::= "a"{99999999999999999999}', 'root ::= "a"{900000}',
        'root ::= (("a"{100}){100}){100}', 'root ::= ""{999999}', 'root ::= "a" ' * 10_000,
        "root ::= a0\n" + "".join(f"a{each} ::= a{each + 1}\n" for each in range(3000)) + 'a3000 ::= "x"',
        "root ::= a0\n" + "".join(f"a{each} ::= a{each + 1} a{each + 1}\n" for each in range(40)) + 'a40 ::= ""',
        'root ::= ("a" | "b")* "a" ("a" | "b"){16}',
    ],
)  # fmt: skip
def test_a_grammar_that_cannot_be_followed_safely_is_refused(grammar):
    with pytest.raises(BadInput):
        of_gbnf(grammar)


@given(
    low=st.none() | numbers, high=st.none() | numbers, out=st.booleans(), kind=st.sampled_from(["integer", "number"]),
    seed=st.integers(0, 2**31),
)  # fmt: skip
@settings(max_examples=100)
@example(low=0, high=1, out=True, kind="integer", seed=0)
def test_numbers_keep_to_their_bounds(engine, low, high, out, kind, seed):
    names = ("exclusiveMinimum", "exclusiveMaximum") if out else ("minimum", "maximum")
    schema = {
        "type": kind,
        **{name: bound for name, bound in zip(names, (low, high), strict=True) if bound is not None},
    }
    try:
        grammar = of_schema(schema)
    except BadInput:
        assert low is not None and high is not None
        # Nothing fits: of integers, none lies between; between 0 and 1, both excluded, there is none either.
        first, last = (math.floor(low) + 1, math.ceil(high) - 1) if out else (math.ceil(low), math.floor(high))
        assert first > last if kind == "integer" else high - low < 1
        return
    assert fits(json.loads(say(engine, grammar, seed).text), schema)


@pytest.mark.parametrize(
    "grammar",
    [
        r'root ::= "\U00110000"',
        "root ::= [" + "".join(chr(0x4E00 + 2 * each) for each in range(3000)) + "] " + '"a"? ' * 780,
    ],
)
def test_what_is_beyond_unicode_or_costs_too_much_to_make_is_refused(grammar):
    with pytest.raises(BadInput):
        of_gbnf(grammar)
