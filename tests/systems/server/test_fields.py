"""Every field of a request: obeyed, accepted or refused, by one table that decoder, description and docs share."""

import json
import re
from contextlib import asynccontextmanager
from pathlib import Path
from typing import get_type_hints

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from systems.engines.grammar import of_gbnf
from systems.engines.interface import Generation, SaidToken
from systems.server.chat.asked import chat_asked
from systems.server.chat.fields import FIELDS, OPENAI
from systems.server.chat.request import MAX_CHOICES, ChatRequest, NotOffered, decoded
from systems.server.direct import EngineHost
from systems.server.failures import Failure
from systems.server.schema import openapi
from systems.server.settings import ServerSettings
from tests.systems.server.serving import agent, listening_to
from tests.systems.server.speaking import Speaking
from tests.systems.server.test_completions import HELLO, call, chat

SCHEMA = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
DOCS = Path(__file__).parents[3] / "docs" / "clients.md"


@asynccontextmanager
async def saying(*replies):
    engine = Speaking(*replies)
    async with listening_to(EngineHost(engine, 30.0)) as address:
        yield f"http://{address}", engine


def asked(**fields):
    return chat_asked(decoded(json.dumps({"messages": HELLO, **fields}).encode())).asked


def test_the_table_has_every_field_that_the_openai_package_knows():
    params = pytest.importorskip("openai.types.chat.completion_create_params", reason="openai is not installed")
    known = set(get_type_hints(params.CompletionCreateParamsStreaming))
    assert known == set(OPENAI)


def test_the_decoder_knows_what_the_table_says():
    decodes = {field.name for field in msgspec.structs.fields(ChatRequest)}
    refuses = {field.name for field in msgspec.structs.fields(NotOffered)}
    assert refuses == {name for name, field in FIELDS.items() if field.how == "refused"}
    assert decodes - refuses == {name for name, field in FIELDS.items() if field.how == "obeyed"}


def test_the_description_and_the_docs_say_what_the_table_says():
    properties = openapi(ServerSettings())["components"]["schemas"]["ChatRequest"]["properties"]
    fields = DOCS.read_text().partition("\n## Fields\n")[2].partition("\n## ")[0]
    rows = dict(re.findall(r"^\| `(\w+)` \| (\w+: .*) \|$", fields, re.MULTILINE))
    assert set(properties) == set(FIELDS) == set(rows)
    for name, field in FIELDS.items():
        assert properties[name]["description"] == f"{field.how.capitalize()}: {field.why}."
        assert rows[name] == f"{field.how}: {field.why}"


# What would change a reply, one value a field.
ASKS_FOR_SOMETHING = {
    "modalities": ["text", "audio"],
    "audio": {"voice": "alloy", "format": "wav"},
    "moderation": {"model": "omni-moderation-latest"},
    "web_search_options": {},
    "dynatemp_range": 0.5,
    "typical_p": 0.9,
    "dry_multiplier": 0.8,
    "xtc_probability": 0.5,
    "mirostat": 2,
    "top_n_sigma": 1.0,
    "min_keep": 3,
    "samplers": ["top_k"],
    "n_indent": 4,
    "n_cmpl": 2,
    "n_probs": 5,
    "post_sampling_probs": True,
    "t_max_predict_ms": 100,
    "return_tokens": True,
    "response_fields": ["content"],
    "lora": [{"id": 0, "scale": 1.0}],
    "chat_template_kwargs": {"enable_thinking": False},
    "add_generation_prompt": False,
    "continue_final_message": True,
    "repetition_penalty": 1.2,
    "min_tokens": 5,
    "stop_token_ids": [2],
    "guided_json": SCHEMA,
    "guided_regex": "[a-z]",
    "guided_choice": ["yes", "no"],
    "guided_grammar": 'root ::= "x"',
    "structured_outputs": {"regex": "x"},
    "bad_words": ["x"],
    "allowed_token_ids": [1],
    "length_penalty": 1.5,
    "use_beam_search": True,
    "best_of": 3,
    "include_stop_str_in_output": True,
    "echo": True,
    "prompt_logprobs": 1,
    "truncate_prompt_tokens": 100,
    "chat_template": "{{ x }}",
    "documents": [{"text": "x"}],
    "negative_prompt": "x",
    "tfs_z": 0.9,
    "top_a": 0.2,
    "ban_eos_token": True,
    "grammar_lazy": True,
    "format": "json",
}


def test_what_is_not_offered_is_refused_by_its_field_with_the_tables_words_and_taken_where_it_asks_for_nothing():
    refused = {name for name, field in FIELDS.items() if field.how == "refused"}
    assert refused == set(ASKS_FOR_SOMETHING)
    for name, value in ASKS_FOR_SOMETHING.items():
        with pytest.raises(Failure) as failed:
            asked(**{name: value})
        error = json.loads(failed.value.body)["error"]
        assert (failed.value.status, error["code"]) == (400, "not_offered")
        assert error["param"].startswith(name)
        assert FIELDS[name].why in error["message"]
        assert asked(**{name: None}) == asked()


@pytest.mark.parametrize(
    "harmless",
    [
        *({name: value} for name in FIELDS if FIELDS[name].how == "accepted" for value in (None, 1, "x", {}, [1])),
        *({name: None} for name in FIELDS if name not in ("messages", "model")),
        {"presence_penalty": 0, "frequency_penalty": 0.0},
        {"typical_p": 1, "mirostat": 0, "top_n_sigma": -1, "lora": []},
        {"modalities": ["text"]},
        {"tools": [], "functions": []},
        {"response_format": {"type": "text"}},
        {"stop": []},
        {"user": "", "safety_identifier": "", "prompt_cache_key": ""},
        {"seed": -1},
        {"logit_bias": {}},
        {"logprobs": False},
        {"n": 1, "stream": False, "stream_options": {"include_obfuscation": False}},
        {"a field that nobody knows": {"x": [1]}},
        {"options": {"num_ctx": 4096}, "keep_alive": "5m"},
        {"max_tokens": -1},
    ],
    ids=str,
)
def test_what_asks_for_nothing_changes_nothing(harmless):
    assert asked(**harmless) == asked()


def test_what_is_obeyed_reaches_the_engine_or_the_agent():
    assert asked(temperature=0.5, top_p=0.5, top_k=-1, min_p=0.1, repeat_penalty=1.1, repeat_last_n=-1).sampling == (
        asked(temperature=0.5, top_p=0.5, top_k=0, min_p=0.1, repeat_penalty=1.1, repeat_last_n=4096).sampling
    )
    assert asked(top_p=0).sampling.temperature == 0
    assert asked(seed=7).sampling.seed == 7
    assert asked(seed=-5).sampling.seed >= 0
    assert asked(stop="x").sampling.stop == asked(stop=["x"]).sampling.stop == ("x",)
    assert asked(ignore_eos=True).sampling.ignore_end
    assert asked(logit_bias={"17": -100}).sampling.logit_bias == ((17, -100.0),)
    assert asked(logit_bias=[[17, -100]]).sampling.logit_bias == ((17, -100.0),)
    assert [asked(logprobs=True, top_logprobs=most).likeliest for most in (None, 0, 20)] == [0, 0, 20]
    assert asked(max_tokens=10**9).max_tokens == 10**9
    assert asked(max_tokens=5, max_completion_tokens=7).max_tokens == 7
    assert asked(n_predict=9).max_tokens == 9
    assert asked(grammar='root ::= "x"').grammar == of_gbnf('root ::= "x"')
    assert (asked(store=False).kept, asked(store=True).kept, asked().kept) == (False, True, True)
    assert asked(user="a", safety_identifier="b").person == "b"
    assert asked(user="a").person == "a"
    assert asked(prompt_cache_key="c").conversation == "c"


def test_forms_of_a_reply_become_grammars_and_are_told_to_the_model():
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}
    assert asked(response_format=form).grammar == asked(json_schema=SCHEMA).grammar
    assert '"name"' in asked(response_format=form).told
    assert asked(response_format={"type": "json_object"}).grammar
    assert asked(response_format={"type": "json_object", "schema": SCHEMA}).grammar == asked(json_schema=SCHEMA).grammar


@pytest.mark.parametrize(
    ("wrong", "param"),
    [
        ({"response_format": {"type": "json_schema", "json_schema": {}}}, "response_format.json_schema"),
        ({"response_format": {"type": "regex"}}, "response_format"),
        ({"response_format": {"type": "json_schema", "json_schema": {"schema": {"type": "none"}}}}, "response_format"),
        ({"grammar": 'root ::= "x"', "json_schema": SCHEMA}, "grammar"),
        ({"grammar": "root ::= ("}, "grammar"),
        ({"top_logprobs": 3}, "top_logprobs"),
        ({"logprobs": True, "top_logprobs": 21}, "top_logprobs"),
        ({"n": 0}, "n"),
        ({"n": MAX_CHOICES + 1}, "n"),
        ({"temperature": -1}, "temperature"),
        ({"top_p": 1.1}, "top_p"),
        ({"logit_bias": {"hello": 1}}, "logit_bias"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"user": "x" * 600}, "user"),
        ({"stop": ["x"] * 17}, "stop"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]}, "messages[0]"),
        ({"messages": [*HELLO, {"role": "user", "content": [{"type": "input_audio"}]}]}, "messages[1]"),
        ({"messages": [{"role": "nobody", "content": "x"}]}, "messages[0].role"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_by_its_field(wrong, param):
    with pytest.raises(Failure) as failed:
        asked(**wrong)
    error = json.loads(failed.value.body)["error"]
    assert (failed.value.status, error["type"]) == (400, "invalid_request_error")
    assert error["param"].startswith(param)


async def test_an_object_that_a_stop_cut_is_told_as_too_long():
    for text, reason in (('{"name": "Ve', "length"), ('{"name": "Vera"}', "stop")):
        async with saying(text) as (address, _):
            _, _, reply = await chat(address, json_schema=SCHEMA, stop=["ra"])
            assert reply["choices"][0]["finish_reason"] == reason


WORDS = st.sampled_from(["object", "string", "#", "#/$defs/x", "a", "auto", "tool_calls", "function", "text", "type"])
KEYS = st.sampled_from(
    ["type", "properties", "$ref", "$defs", "name", "parameters", "function", "arguments", "content", "anyOf", "enum"]
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(-1, 1) | st.text(max_size=4) | WORDS,
    lambda within: st.lists(within, max_size=3) | st.dictionaries(KEYS, within, max_size=4),
    max_leaves=10,
)
FUNCTION = st.fixed_dictionaries({"name": WORDS}, optional={"parameters": st.dictionaries(KEYS, ANYTHING)})
CALL = st.fixed_dictionaries({"name": WORDS}, optional={"arguments": ANYTHING})
MESSAGE = st.fixed_dictionaries(
    {"role": st.sampled_from(["user", "assistant", "tool", "function", "system", "developer"])},
    optional={
        "content": st.text(max_size=4) | ANYTHING,
        "tool_calls": st.lists(st.fixed_dictionaries({"function": CALL}, optional={"id": WORDS}), max_size=2),
        "tool_call_id": WORDS,
    },
)
BODY = st.fixed_dictionaries(
    {"messages": st.lists(MESSAGE, min_size=1, max_size=4)},
    optional={
        "tools": st.lists(st.fixed_dictionaries({"function": FUNCTION}), max_size=3),
        "tool_choice": ANYTHING,
        "json_schema": ANYTHING,
    },
)


@given(body=BODY, name=st.sampled_from(sorted(FIELDS)), value=ANYTHING)
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
def test_whatever_a_client_sends_is_understood_or_a_bad_request(body, name, value):
    for sent in (body, {**body, name: value}):
        try:
            chat_asked(decoded(json.dumps(sent).encode()))
        except Failure as failed:
            assert failed.status == 400


@pytest.mark.parametrize("depth", [100, 190, 250, 300, 400, 5000])
def test_a_schema_that_nobody_would_write_is_a_bad_request(depth):
    schema = '{"type":"object","properties":{"a":' * depth + "{}" + "}}" * depth
    tool = f'{{"type":"function","function":{{"name":"f","parameters":{schema}}}}}'
    for fields in (f'"tools":[{tool}]', f'"json_schema":{schema}', f'"metadata":{schema},"tools":[{tool}]'):
        with pytest.raises(Failure) as failed:
            chat_asked(decoded(f'{{"messages":[{{"role":"user","content":"x"}}],{fields}}}'.encode()))
        assert failed.value.status == 400


async def test_every_message_of_an_agents_client_is_read_alike(tmp_path):
    image = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}
    async with listening_to(agent(tmp_path, Speaking("Yes."))) as address:
        for messages in ([image, *HELLO], [*HELLO, image], [{"role": "nobody", "content": "x"}, *HELLO]):
            status, _, reply = await chat(f"http://{address}", messages=messages)
            assert (status, reply["error"]["param"][:8]) == (400, "messages")


async def test_messages_of_every_shape_become_text():
    parts = [{"type": "text", "text": "one"}, {"type": "text", "text": "two", "cache_control": {"type": "ephemeral"}}]
    messages = [
        {"role": "developer", "content": parts},
        {"role": "user", "content": "Hello", "name": "vera"},
        {"role": "assistant", "content": None},
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}], "refusal": None, "annotations": []},
        {"role": "user", "content": parts},
    ]
    async with saying() as (address, engine):
        assert (await chat(address, messages=messages))[0] == 200
    assert [(each.role, each.content) for each in engine.calls[0].messages] == [
        ("system", "one\ntwo"),
        ("user", "Hello"),
        ("assistant", ""),
        ("assistant", "No."),
        ("user", "one\ntwo"),
    ]


def told(*tokens):
    return Generation(
        text=b"".join(token.text for token in tokens).decode(),
        prompt_tokens=7,
        generated_tokens=len(tokens),
        first_token_s=0.0,
        finish_reason="stop",
        tokens=tokens,
    )


async def test_probabilities_are_told_with_the_bytes_of_halves_of_characters():
    first, second = "é".encode()[:1], "é".encode()[1:]
    tokens = (SaidToken(first, -0.5, ((first, -0.5), (b"x", float("-inf")))), SaidToken(second, -0.25))
    async with saying(told(*tokens)) as (address, engine):
        _, _, reply = await chat(address, logprobs=True, top_logprobs=2)
        _, _, said = await call(
            f"{address}/v1/chat/completions", {"messages": HELLO, "logprobs": True, "stream": True}
        )  # fmt: skip
    assert [made.likeliest for made in engine.calls] == [2, 0]
    one, two = reply["choices"][0]["logprobs"]["content"]
    assert (one["bytes"], one["logprob"], two["bytes"]) == ([0xC3], -0.5, [0xA9])
    assert [each["logprob"] for each in one["top_logprobs"]] == [-0.5, -9999.0]
    assert two["top_logprobs"] == []
    last = json.loads(said.decode().split("\n\n")[-3].removeprefix("data: "))["choices"][0]
    assert [each["bytes"] for each in last["logprobs"]["content"]] == [[0xC3], [0xA9]]


async def test_several_replies_are_in_their_order_each_with_a_seed_of_its_own_and_one_is_kept(tmp_path):
    async with saying("two", "three", "one") as (address, engine):
        _, _, reply = await chat(address, n=3, seed=5)
        assert [(each["index"], each["message"]["content"]) for each in reply["choices"]] == [
            (0, "one"),
            (1, "two"),
            (2, "three"),
        ]
        assert sorted(made.sampling.seed for made in engine.calls) == [5, 6, 7]
        assert reply["usage"] == {
            "prompt_tokens": 7,
            "completion_tokens": 3,
            "total_tokens": 10,
            "prompt_tokens_details": {"cached_tokens": 0},
        }
    async with saying("two words", "one") as (address, _):
        body = {"messages": HELLO, "n": 2, "stream": True, "stream_options": {"include_usage": True}}
        _, _, said = await call(f"{address}/v1/chat/completions", body)
    *events, usage, done = said.decode().strip().split("\n\n")
    assert done == "data: [DONE]"
    assert json.loads(usage.removeprefix("data: "))["usage"]["completion_tokens"] == 3
    texts, reasons = ["", ""], [None, None]
    for event in events:
        [choice] = json.loads(event.removeprefix("data: "))["choices"]
        texts[choice["index"]] += choice["delta"].get("content", "")
        reasons[choice["index"]] = choice["finish_reason"] or reasons[choice["index"]]
    assert (texts, reasons) == (["one", "two words"], ["stop", "stop"])


async def test_the_openai_package_parses_what_it_asked_for():
    openai = pytest.importorskip("openai", reason="the openai package is not installed")
    from pydantic import BaseModel

    class Person(BaseModel):
        name: str

    async with (
        listening_to(EngineHost(Speaking('{"name": "Vera"}'), 30.0)) as address,
        openai.AsyncOpenAI(base_url=f"http://{address}/v1", api_key="none") as client,
    ):
        asked = {"model": "default", "messages": HELLO, "response_format": Person}
        whole = await client.chat.completions.parse(**asked)
        assert whole.choices[0].message.parsed == Person(name="Vera")
        async with client.chat.completions.stream(**asked) as stream:
            async for _ in stream:
                pass
            assert (await stream.get_final_completion()).choices[0].message.parsed == Person(name="Vera")
        with pytest.raises(openai.BadRequestError) as failed:
            await client.chat.completions.create(model="default", messages=HELLO, web_search_options={})
        assert failed.value.param == "web_search_options"
