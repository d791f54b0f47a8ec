"""Every field of a request for a response, or for embeddings, by tables that decoder, description and docs share."""

import json
import re
from pathlib import Path
from typing import get_type_hints

import msgspec
import pytest

from systems.server import embeddings
from systems.server.failures import Failure
from systems.server.responses import fields as response_fields
from systems.server.responses.asked import response_asked
from systems.server.responses.items import items_of
from systems.server.responses.request import NotOfferedHere, ResponseRequest, decoded
from systems.server.responses.shapes import MessageItem, OutputText
from systems.server.responses.store import KeptResponse, KeptResponses
from systems.server.schema import openapi
from systems.server.settings import ServerSettings

FIELDS = response_fields.FIELDS
DOCS = (Path(__file__).parents[3] / "docs" / "clients.md").read_text()
FUNCTION = {"type": "function", "name": "f", "parameters": {"type": "object"}}


def response(**fields):
    request = decoded(json.dumps({"input": "Hello", **fields}).encode())
    return response_asked(request, "test", [], items_of(request.input, {}.get))


def asked(**fields):
    return response(**fields).chat.asked


def refused(**fields):
    with pytest.raises(Failure) as failed:
        asked(**fields)
    error = json.loads(failed.value.body)["error"]
    assert error["type"] == "invalid_request_error"
    return failed.value.status, error["code"], error["param"], error["message"]


def rows_after(heading):
    table = DOCS.partition(f"\n{heading}\n")[2].partition("\n## ")[0].partition("\n### ")[0]
    return dict(re.findall(r"^\| `(\w+)` \| (\w+: .*) \|$", table, re.MULTILINE))


def test_the_tables_have_every_field_that_the_openai_package_knows():
    pytest.importorskip("openai", reason="openai is not installed")
    from openai.types.embedding_create_params import EmbeddingCreateParams
    from openai.types.responses import response_create_params as params

    assert set(get_type_hints(params.ResponseCreateParamsStreaming)) == set(response_fields.OPENAI)
    assert set(get_type_hints(EmbeddingCreateParams)) <= set(embeddings.FIELDS)


def test_the_decoders_know_what_the_tables_say():
    decodes = {field.name for field in msgspec.structs.fields(ResponseRequest)}
    refuses = {field.name for field in msgspec.structs.fields(NotOfferedHere)}
    assert refuses == {name for name, field in FIELDS.items() if field.how == "refused"}
    assert decodes - refuses == {name for name, field in FIELDS.items() if field.how == "obeyed"}
    vectors = {field.name for field in msgspec.structs.fields(embeddings.EmbeddingsRequest)}
    assert vectors == {name for name, field in embeddings.FIELDS.items() if field.how != "accepted"}


def test_the_description_and_the_docs_say_what_the_tables_say():
    components = openapi(ServerSettings())["components"]["schemas"]
    for shape, heading, fields in (
        ("ResponseRequest", "## Responses", FIELDS),
        ("EmbeddingsRequest", "## Embeddings", embeddings.FIELDS),
    ):
        properties, rows = components[shape]["properties"], rows_after(heading)
        assert set(properties) == set(fields) == set(rows)
        for name, field in fields.items():
            assert properties[name]["description"] == f"{field.how.capitalize()}: {field.why}."
            assert rows[name] == f"{field.how}: {field.why}"


# What would change a response, one value a field.
ASKS_FOR_SOMETHING = {
    "background": True,
    "conversation": "conv_1",
    "context_management": [{"type": "compaction"}],
    "prompt": {"id": "pmpt_1"},
    "moderation": {"model": "omni-moderation-latest"},
    "messages": [{"role": "user", "content": "Hello"}],
    "max_tokens": 5,
    "max_completion_tokens": 5,
    "response_format": {"type": "json_object"},
    "functions": [{"name": "f"}],
    "function_call": "none",
    "n": 2,
    "logprobs": True,
    "logit_bias": {"17": 1},
    "grammar": 'root ::= "x"',
    "json_schema": {"type": "object"},
    "ignore_eos": True,
    "presence_penalty": 0.5,
    "frequency_penalty": 0.5,
}


def test_what_is_not_offered_is_refused_by_its_field_with_the_tables_words_and_taken_where_it_asks_for_nothing():
    assert {name for name, field in FIELDS.items() if field.how == "refused"} == set(ASKS_FOR_SOMETHING)
    for name, value in ASKS_FOR_SOMETHING.items():
        status, code, param, words = refused(**{name: value})
        assert (status, code, param.partition(".")[0]) == (400, "not_offered", name)
        assert FIELDS[name].why in words
        assert asked(**{name: None}) == asked()


@pytest.mark.parametrize(
    "harmless",
    [
        *({name: value} for name in FIELDS if FIELDS[name].how == "accepted" for value in (None, 1, "x", {}, [1])),
        *({name: None} for name in FIELDS if name not in ("input", "model")),
        {"background": False, "context_management": [], "n": 1, "presence_penalty": 0},
        {"tools": [], "include": ["reasoning.encrypted_content"], "text": {"verbosity": "low"}},
        {"text": {}},
        {"text": {"format": {"type": "text"}}, "top_logprobs": 0, "truncation": "auto"},
        {"user": "", "safety_identifier": "", "prompt_cache_key": "", "instructions": ""},
        {"a field that nobody knows": {"x": [1]}, "client_metadata": {}},
        {"input": [{"role": "user", "content": "Hello"}]},
        {"input": [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hello"}]}]},
        {"input": [{"type": "reasoning", "id": "rs_1", "summary": []}, {"role": "user", "content": "Hello"}]},
    ],
    ids=str,
)
def test_what_asks_for_nothing_changes_nothing(harmless):
    assert asked(**harmless) == asked()


def test_what_is_obeyed_reaches_the_engine_or_the_agent_and_is_told_again():
    assert asked(temperature=0.5, top_k=-1, min_p=0.1, repeat_penalty=1.1, seed=7, stop="x").sampling == (
        asked(temperature=0.5, top_k=0, min_p=0.1, repeat_penalty=1.1, seed=7, stop=["x"]).sampling
    )
    assert asked(top_p=0).sampling.temperature == 0
    assert [asked(top_logprobs=most).likeliest for most in (None, 0, 20)] == [None, None, 20]
    assert asked(include=["message.output_text.logprobs"]).likeliest == 0
    assert asked(max_output_tokens=10**9).max_tokens == 10**9
    assert (asked(store=False).kept, asked(store=True).kept, asked().kept) == (False, True, True)
    assert asked(user="a", safety_identifier="b").person == "b"
    assert asked(prompt_cache_key="c").conversation == "c"
    said = {"temperature": 0.5, "top_p": 0.9, "metadata": {"a": "b"}, "user": "a", "truncation": "disabled"}
    told = response(**said).response
    assert {name: getattr(told, name) for name in said} == said


@pytest.mark.parametrize(
    ("wrong", "param"),
    [
        ({"input": ""}, "input"),
        ({"input": []}, "input"),
        ({"input": None}, "input"),
        ({"input": [{"role": "user", "content": [{"type": "input_image", "image_url": "x"}]}]}, "input[0].content"),
        ({"input": [{"type": "message", "content": "x"}]}, "input[0].role"),
        (
            {"input": [{"role": "user", "content": "x"}, {"type": "computer_call_output", "output": {}}]},
            "input[1].type",
        ),
        ({"input": [{"type": "function_call", "name": "f"}]}, "input[0].call_id"),
        ({"input": [{"type": "function_call_output", "output": "x"}]}, "input[0].call_id"),
        ({"input": [{"type": "item_reference"}]}, "input[0]"),
        ({"tools": [{"type": "web_search"}]}, "tools[0].type"),
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "tools[0].name"),
        ({"tools": [FUNCTION], "tool_choice": {"type": "web_search"}}, "tool_choice"),
        ({"tools": [FUNCTION], "tool_choice": {"type": "function", "name": "g"}}, "tools"),
        ({"tool_choice": "required"}, "tools"),
        ({"text": {"format": {"type": "json_schema", "name": "x", "schema": {"type": "none"}}}}, "text.format"),
        ({"text": {"format": {"type": "grammar"}}}, "text.format"),
        ({"max_output_tokens": 0}, "max_output_tokens"),
        ({"top_logprobs": 21}, "top_logprobs"),
        ({"temperature": -1}, "temperature"),
        ({"truncation": "none"}, "truncation"),
        ({"metadata": {"a": 1}}, "metadata"),
        ({"metadata": {str(number): "x" for number in range(17)}}, "metadata"),
    ],
    ids=str,
)
def test_what_cannot_be_is_refused_by_its_field(wrong, param):
    status, _, named, _ = refused(**wrong)
    assert (status, named[: len(param)]) == (400, param)


def test_what_is_referred_to_and_not_kept_is_not_found():
    for refers in ({"type": "item_reference", "id": "msg_1"}, {"id": "msg_1"}):
        status, _, param, words = refused(input=[refers])
        assert (status, param) == (404, "input[0]")
        assert "msg_1" in words


def test_items_of_every_shape_become_a_chat():
    given = [
        {
            "role": "developer",
            "content": [{"type": "input_text", "text": "one"}, {"type": "input_text", "text": "two"}],
        },
        {"role": "user", "content": "Hello"},
        # As sent back without its id and status, which some clients do.
        {"role": "assistant", "content": [{"type": "output_text", "text": "Let me see."}]},
        {"type": "reasoning", "id": "rs_1", "summary": [], "content": None, "encrypted_content": "x"},
        {"type": "function_call", "call_id": "c1", "name": "f", "arguments": '{"a":1}', "status": "completed"},
        {"type": "function_call", "call_id": "c2", "name": "g", "arguments": ""},
        {"type": "function_call_output", "call_id": "c2", "output": [{"type": "output_text", "text": "of g"}]},
        {"type": "function_call_output", "call_id": "c1", "output": "of f"},
        {"type": "function_call_output", "call_id": "not there", "output": {"x": 1}},
        {"type": "message", "role": "user", "content": "And?", "phase": None},
    ]
    assert [(each.role, each.content) for each in asked(input=given, tools=[FUNCTION]).messages] == [
        ("system", "one\ntwo"),
        ("user", "Hello"),
        (
            "assistant",
            'Let me see.\n{"tool_calls":[{"name":"f","arguments":{"a":1}},{"name":"g","arguments":{}}]}',
        ),
        (
            "user",
            "g({}) returned:\n<result>\nof g\n</result>\n\n"
            'f({"a":1}) returned:\n<result>\nof f\n</result>\n\n'
            'A function returned:\n<result>\n{"x":1}\n</result>\n\nAnd?',
        ),
    ]


def kept(name, text="x", before=None, session="vera", conversation="c"):
    made = response(previous_response_id=before).response
    made.id = name
    made.output = [MessageItem(f"msg_{name}", "assistant", [OutputText(text)])]
    return KeptResponse(response=made, said=(), session=session, conversation=conversation)


def test_a_bounded_number_of_responses_is_kept_for_each_token():
    responses = KeptResponses(most=2)
    for user in ("a", "b"):
        for name in ("1", "2", "3"):
            responses.keep(user, kept(name))
    for user in ("a", "b"):
        assert [responses.find(user, name) is None for name in ("1", "2", "3")] == [True, False, False]
        assert responses.item(user, "vera", "msg_1") is None
        assert responses.item(user, "vera", "msg_3").id == "msg_3"


def test_a_bounded_number_of_bytes_is_kept_and_what_is_gone_on_from_stays_with_what_came_before_it():
    responses = KeptResponses(most_bytes=80_000)
    for name, before in (("1", None), ("2", "1"), ("other", None)):
        responses.keep("a", kept(name, "x" * 20_000, before))
    assert [one.response.id for one in responses.chain("a", "2")] == ["1", "2"]
    responses.keep("a", kept("3", "x" * 20_000, "2"))
    assert responses.find("a", "other") is None
    assert [one.response.id for one in responses.chain("a", "3")] == ["1", "2", "3"]
    responses.keep("a", kept("too long", "x" * 200_000))
    assert responses.find("a", "too long") is None


def test_what_is_forgotten_of_a_conversation_is_in_no_response():
    responses = KeptResponses()
    responses.keep("a", kept("1"))
    responses.keep("a", kept("2", conversation="d"))
    responses.keep("a", kept("3", session="tom"))
    assert responses.forget("vera", "c") == 1
    assert [responses.find("a", name) is None for name in ("1", "2", "3")] == [True, False, False]
    assert responses.forget("vera") == 1
    assert responses.find("a", "3") is not None
