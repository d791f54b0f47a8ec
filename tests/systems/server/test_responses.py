"""OpenAI's responses as its own package asks for them, whole and streamed, and those that are gone on from."""

import asyncio
import json
from contextlib import asynccontextmanager
from typing import get_args

import pytest

from systems.engines.interface import Generation, SaidToken
from systems.engines.llama import LlamaEngine, LlamaSettings
from systems.engines.simulated import SimulatedEngine, SimulatedSettings
from systems.errors import DeadlineExceeded, EngineError
from systems.server.direct import EngineHost
from systems.server.failures import failure
from systems.server.responses.asked import response_asked
from systems.server.responses.items import items_of
from systems.server.responses.making import Making
from systems.server.responses.request import decoded
from tests.systems.server.serving import agent, listening_to
from tests.systems.server.speaking import Speaking
from tests.systems.server.test_completions import call
from tests.systems.server.test_conversation import Listening

openai = pytest.importorskip("openai", reason="the openai package is not installed")

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = {"type": "function", "name": "weather", "description": "Says it.", "parameters": CITY, "strict": True}
TIME = {"type": "function", "name": "time", "parameters": None, "strict": False}
CALLS = '{"tool_calls":[{"name":"weather","arguments":{"city":"Oslo"}},{"name":"time","arguments":{}}]}'


@asynccontextmanager
async def client_of(hosted, token="none", **chosen):
    async with (
        listening_to(hosted, **chosen) as address,
        openai.AsyncOpenAI(base_url=f"http://{address}/v1", api_key=token, max_retries=0) as client,
    ):
        yield client


@asynccontextmanager
async def saying(*replies, **chosen):
    engine = Speaking(*replies, **chosen)
    async with client_of(EngineHost(engine, 30.0)) as client:
        yield client, engine


def generated(text, **fields):
    counted = {"prompt_tokens": 7, "generated_tokens": 2, "first_token_s": 0.0, "finish_reason": "stop"}
    return Generation(text=text, **counted | fields)


def heard(engine, place=-1):
    return [(message.role, message.content) for message in engine.calls[place].messages]


async def events_of(client, **asked):
    """Return the events of a streamed response, every one of which has all that OpenAI's types require."""
    from openai.types.responses import ResponseStreamEvent

    kinds = {
        kind.model_fields["type"].annotation.__args__[0]: kind for kind in get_args(get_args(ResponseStreamEvent)[0])
    }
    body = {"input": "Hello", "stream": True, **asked}
    status, _, said = await call(f"{client.base_url}responses", body)
    assert status == 200, said
    events = []
    for event in said.decode().strip().split("\n\n"):
        name, _, data = event.partition("\n")
        found = json.loads(data.removeprefix("data: "))
        assert name == f"event: {found['type']}"
        assert "[DONE]" not in event
        kinds[found["type"]].model_validate(found)
        events.append(found)
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    return events


async def test_a_text_is_answered_whole_with_all_that_openais_types_require():
    from openai.types.responses import Response

    async with saying(generated("Hello Vera.", reused_tokens=5)) as (client, engine):
        asked = {"model": "default", "input": "Hello", "instructions": "Be brief."}
        response = await client.responses.create(**asked, metadata={"a": "b"}, max_output_tokens=50)
        Response.model_validate_json((await client.responses.with_raw_response.create(**asked)).content)
    assert response.output_text == "Hello Vera."
    assert (response.status, response.error, response.incomplete_details) == ("completed", None, None)
    assert (response.model, response.metadata, response.max_output_tokens) == ("test", {"a": "b"}, 50)
    assert response.usage.model_dump(include={"input_tokens", "output_tokens", "total_tokens"}) == {
        "input_tokens": 7,
        "output_tokens": 2,
        "total_tokens": 9,
    }
    assert response.usage.input_tokens_details.cached_tokens == 5
    assert response.model_extra["fourgig"] == {"dropped_messages": 0, "dropped_notes": 0, "seed": None}
    [message] = response.output
    assert (message.type, message.role, message.status) == ("message", "assistant", "completed")
    assert heard(engine) == [("system", "Be brief."), ("user", "Hello")]
    assert engine.calls[0].max_tokens == 50


async def test_a_stream_tells_every_item_from_its_beginning_to_its_end():
    async with saying("Hello Vera.") as (client, _):
        events = await events_of(client)
    # Pieces that wait together are sent as one.
    assert list(dict.fromkeys(event["type"].removeprefix("response.") for event in events)) == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]
    assert "".join(event.get("delta", "") for event in events) == "Hello Vera."
    created, last = events[0]["response"], events[-1]["response"]
    assert (created["status"], created["output"], created["usage"]) == ("in_progress", [], None)
    assert (events[2]["item"]["status"], events[2]["item"]["content"]) == ("in_progress", [])
    assert last["output"] == [events[-2]["item"]]
    assert last["output"][0]["content"] == [events[-3]["part"]]
    assert {event.get("item_id", last["output"][0]["id"]) for event in events} == {last["output"][0]["id"]}
    assert created["id"] == last["id"]
    assert last["usage"]["total_tokens"] == 9


async def test_the_packages_stream_ends_with_the_whole_response():
    async with (
        saying("Hello Vera.") as (client, _),
        client.responses.stream(model="default", input="Hello") as stream,
    ):
        said = [event.delta async for event in stream if event.type == "response.output_text.delta"]
        response = await stream.get_final_response()
    assert "".join(said) == response.output_text == "Hello Vera."


async def test_a_reply_is_parsed_as_what_was_asked_for_whole_and_streamed():
    from pydantic import BaseModel

    class Person(BaseModel):
        name: str

    async with saying('{"name": "Vera"}') as (client, engine):
        asked = {"model": "default", "input": "Who?", "text_format": Person}
        assert (await client.responses.parse(**asked)).output_parsed == Person(name="Vera")
        async with client.responses.stream(**asked) as stream:
            assert (await stream.get_final_response()).output_parsed == Person(name="Vera")
        await client.responses.create(model="default", input="Who?", text={"format": {"type": "json_object"}})
        with pytest.raises(openai.BadRequestError) as failed:
            form = {"type": "json_schema", "name": "x", "schema": {"type": "none"}}
            await client.responses.create(model="default", input="Who?", text={"format": form})
        assert failed.value.param == "text.format"
    assert all(made.grammar for made in engine.calls)
    assert '"name"' in heard(engine, 0)[0][1]


@pytest.mark.parametrize("kept", [True, False])
async def test_a_loop_of_tools_by_the_id_of_the_response_before_or_by_all_that_was_said(kept):
    async with saying(CALLS, "It is sunny.") as (client, engine):
        tools = {"model": "default", "tools": [WEATHER, TIME], "store": kept}
        asks = [{"role": "user", "content": "What is the weather in Oslo?"}]
        first = await client.responses.create(**tools, input=asks)
        assert first.output_text == ""
        assert [(each.type, each.name, each.status) for each in first.output] == [
            ("function_call", "weather", "completed"),
            ("function_call", "time", "completed"),
        ]
        assert json.loads(first.output[0].arguments) == {"city": "Oslo"}
        results = [
            {"type": "function_call_output", "call_id": each.call_id, "output": f"of {each.name}"}
            for each in first.output
        ]
        if kept:
            second = await client.responses.create(**tools, input=results, previous_response_id=first.id)
        else:
            second = await client.responses.create(**tools, input=[*asks, *first.output, *results])
    assert second.output_text == "It is sunny."
    _, question, call_, told = heard(engine)
    assert question == ("user", "What is the weather in Oslo?")
    assert call_ == ("assistant", CALLS)
    weather = 'weather({"city":"Oslo"}) returned:\n<result>\nof weather\n</result>'
    assert told == ("user", f"{weather}\n\ntime({{}}) returned:\n<result>\nof time\n</result>")


async def test_calls_are_streamed_one_after_the_other_each_with_its_arguments():
    async with saying(CALLS) as (client, _):
        events = await events_of(client, tools=[WEATHER, TIME], tool_choice="required")
    told = [(event["type"].removeprefix("response."), event.get("output_index")) for event in events]
    assert list(dict.fromkeys(told)) == [
        ("created", None),
        ("in_progress", None),
        ("output_item.added", 0),
        ("function_call_arguments.delta", 0),
        ("function_call_arguments.done", 0),
        ("output_item.done", 0),
        ("output_item.added", 1),
        ("function_call_arguments.delta", 1),
        ("function_call_arguments.done", 1),
        ("output_item.done", 1),
        ("completed", None),
    ]
    first, second = events[-1]["response"]["output"]
    assert (first["name"], second["name"], second["arguments"]) == ("weather", "time", "{}")
    deltas = [event["delta"] for event in events if event.get("item_id") == first["id"] and "delta" in event]
    assert "".join(deltas) == first["arguments"]
    assert first["call_id"] != second["call_id"]


async def test_only_one_tool_may_be_chosen():
    async with saying(CALLS) as (client, engine):
        asked = {"model": "default", "input": "Hello", "tools": [WEATHER, TIME]}
        for choice in (
            {"type": "function", "name": "time"},
            {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "time"}]},
        ):
            response = await client.responses.create(**asked, tool_choice=choice)
            assert response.tool_choice.model_dump(exclude_none=True) == choice
            assert "weather" not in engine.calls[-1].grammar
        await client.responses.create(**asked, tool_choice="none")
        assert engine.calls[-1].grammar is None


async def test_a_reply_that_its_bound_cuts_is_incomplete_whole_and_streamed():
    async with saying(generated("Hello and", finish_reason="length")) as (client, _):
        response = await client.responses.create(model="default", input="Hello", max_output_tokens=2)
        events = await events_of(client, max_output_tokens=2)
    assert (response.status, response.incomplete_details.reason) == ("incomplete", "max_output_tokens")
    assert (response.output[0].status, response.output_text) == ("incomplete", "Hello and")
    assert events[-1]["type"] == "response.incomplete"
    assert events[-1]["response"]["incomplete_details"] == {"reason": "max_output_tokens"}


async def test_a_call_that_is_cut_is_told_as_incomplete():
    async with saying(generated(CALLS[:55], finish_reason="length")) as (client, _):
        events = await events_of(client, tools=[WEATHER])
    assert events[-1]["type"] == "response.incomplete"
    [item] = events[-1]["response"]["output"]
    assert (item["name"], item["status"]) == ("weather", "incomplete")


async def test_an_empty_reply_is_a_message_without_words():
    async with saying(generated("")) as (client, _):
        events = await events_of(client)
        response = await client.responses.create(model="default", input="Hello")
    assert [event["type"] for event in events][2:4] == ["response.output_item.added", "response.content_part.added"]
    assert (response.status, response.output_text, len(response.output)) == ("completed", "", 1)


async def test_probabilities_are_told_with_the_end_of_the_text():
    tokens = (SaidToken(b"Hel", -0.5, ((b"Hel", -0.5), (b"x", -1.0))), SaidToken(b"lo", -0.25))
    async with saying(generated("Hello", tokens=tokens)) as (client, engine):
        include = {"include": ["message.output_text.logprobs"]}
        response = await client.responses.create(model="default", input="Hi", top_logprobs=2)
        events = await events_of(client, **include)
    assert [made.likeliest for made in engine.calls] == [2, 0]
    first, second = response.output[0].content[0].logprobs
    assert (first.token, first.logprob, len(first.top_logprobs), second.logprob) == ("Hel", -0.5, 2, -0.25)
    [done] = [event for event in events if event["type"] == "response.output_text.done"]
    assert [each["token"] for each in done["logprobs"]] == ["Hel", "lo"]


async def test_responses_are_gone_on_from_each_from_where_it_ended():
    async with saying("One.", "Two.", "Other two.") as (client, engine):
        first = await client.responses.create(model="default", input="1", instructions="Count.")
        for words in ("2", "Another 2"):
            following = await client.responses.create(model="default", input=words, previous_response_id=first.id)
            # Instructions are of one response alone, as at OpenAI.
            assert heard(engine) == [("user", "1"), ("assistant", "One."), ("user", words)]
            assert following.previous_response_id == first.id
        await client.responses.create(
            model="default", input="3", previous_response_id=following.id, instructions="Now."
        )
    assert heard(engine) == [
        ("system", "Now."),
        ("user", "1"),
        ("assistant", "One."),
        ("user", "Another 2"),
        ("assistant", "Other two."),
        ("user", "3"),
    ]


async def test_a_streamed_response_is_kept_before_its_client_knows_that_it_is_whole():
    async with saying("One.", "Two.") as (client, engine):
        stream = await client.responses.create(model="default", input="1", stream=True)
        async for event in stream:
            if event.type == "response.completed":
                await client.responses.create(model="default", input="2", previous_response_id=event.response.id)
    assert heard(engine)[:2] == [("user", "1"), ("assistant", "One.")]


async def test_a_response_that_is_deleted_is_gone_and_those_after_it_have_lost_their_beginning():
    async with saying("One.", "Two.") as (client, _):
        first = await client.responses.create(model="default", input="1")
        second = await client.responses.create(model="default", input="2", previous_response_id=first.id)
        assert (await client.responses.retrieve(first.id)).output_text == "One."
        await client.responses.delete(first.id)
        for gone in (client.responses.retrieve, client.responses.delete, client.responses.input_items.list):
            with pytest.raises(openai.NotFoundError, match="not found"):
                await gone(first.id)
        for before in (first.id, second.id):
            with pytest.raises(openai.BadRequestError) as failed:
                await client.responses.create(model="default", input="3", previous_response_id=before)
            assert (failed.value.code, failed.value.param) == ("previous_response_not_found", "previous_response_id")


async def test_a_response_that_is_not_to_be_stored_is_not():
    async with saying("One.") as (client, _):
        response = await client.responses.create(model="default", input="1", store=False)
        assert response.store is False
        with pytest.raises(openai.NotFoundError):
            await client.responses.retrieve(response.id)
        with pytest.raises(openai.BadRequestError):
            await client.responses.create(model="default", input="2", previous_response_id=response.id)


async def test_nobody_reads_goes_on_from_refers_to_or_deletes_what_another_token_said():
    tokens = {"tokens": ("the first", "the second")}
    async with client_of(EngineHost(Speaking("One."), 30.0), "the first", **tokens) as client:
        mine = await client.responses.create(model="default", input="1")
        other = client.with_options(api_key="the second")
        for reading in (other.responses.retrieve, other.responses.delete, other.responses.input_items.list):
            with pytest.raises(openai.NotFoundError):
                await reading(mine.id)
        with pytest.raises(openai.BadRequestError):
            await other.responses.create(model="default", input="2", previous_response_id=mine.id)
        refers = [{"type": "item_reference", "id": mine.output[0].id}, {"role": "user", "content": "2"}]
        with pytest.raises(openai.NotFoundError, match="Item with id"):
            await other.responses.create(model="default", input=refers)
        with pytest.raises(openai.AuthenticationError):
            await client.with_options(api_key="wrong").responses.retrieve(mine.id)
        assert (await client.responses.retrieve(mine.id)).output_text == "One."


async def test_after_a_restart_a_client_is_told_that_its_response_is_not_there(tmp_path):
    async with client_of(agent(tmp_path, Speaking("One."))) as client:
        response = await client.responses.create(model="default", input="1")
    async with client_of(agent(tmp_path, Speaking("Two."))) as client:
        with pytest.raises(openai.BadRequestError) as failed:
            await client.responses.create(model="default", input="2", previous_response_id=response.id)
        assert failed.value.code == "previous_response_not_found"


async def test_items_are_listed_in_pages():
    async with saying("One.", "Two.") as (client, _):
        first = await client.responses.create(model="default", input="1")
        second = await client.responses.create(model="default", input="2", previous_response_id=first.id)
        found = [item async for item in client.responses.input_items.list(second.id, limit=1, order="asc")]
        assert [(item.role, item.content[0].text) for item in found] == [
            ("user", "1"),
            ("assistant", "One."),
            ("user", "2"),
        ]
        newest = await client.responses.input_items.list(second.id)
        assert [item.id for item in newest.data] == [item.id for item in found[::-1]]
        with pytest.raises(openai.BadRequestError):
            await client.responses.input_items.list(second.id, limit=0)


async def test_an_agent_is_asked_the_turn_and_told_what_was_said_before_it_in_one_conversation():
    asked = Listening()
    async with client_of(asked) as client:
        first = await client.responses.create(model="default", input="1", instructions="Be brief.", user="vera")
        await client.responses.create(model="default", input="2", previous_response_id=first.id, user="vera")
        await client.responses.create(model="default", input="Another 2", previous_response_id=first.id, user="vera")
        await client.responses.create(model="default", input="1", user="vera")
        await client.responses.create(model="default", input="3", prompt_cache_key="a chat", store=False)
    one, two, other, anew, named = asked.requests
    assert (one.text, one.before, one.instructions, one.session) == ("1", None, "Be brief.", "vera")
    assert (two.text, other.text, two.instructions) == ("2", "Another 2", "")
    assert [(each.role, each.content) for each in two.before] == [("user", "1"), ("assistant", "Hello.")]
    assert two.before == other.before
    assert one.conversation == two.conversation == other.conversation != anew.conversation
    assert (named.conversation, named.kept, anew.kept) == ("a chat", False, True)


async def test_what_fails_before_anything_was_said_is_a_status_and_later_an_event():
    class Breaking(Speaking):
        def generate(self, made):
            if made.on_token is not None:
                made.on_token("Hello")
            raise EngineError("The engine broke.")

    async with client_of(EngineHost(Breaking(), 30.0)) as client:
        with pytest.raises(openai.InternalServerError, match="broke"):
            await client.responses.create(model="default", input="Hello")
        events = await events_of(client)
    last = events[-1]
    assert last["type"] == "response.failed"
    assert last["response"]["status"] == "failed"
    assert last["response"]["error"]["message"] == "The engine broke."
    assert last["response"]["output"][0]["status"] == "incomplete"


def test_a_response_that_fails_before_anything_was_said_has_begun_all_the_same():
    request = decoded(b'{"input": "Hello"}')
    making = Making(response_asked(request, "test", [], items_of(request.input, {}.get)))
    told = [type(event).__struct_config__.tag for event in making.fail(failure(DeadlineExceeded("Too late.")))]
    assert told == ["response.created", "response.in_progress", "response.failed"]
    assert making.response.error.code == "server_error"


async def test_what_the_engine_cannot_be_told_is_refused_by_the_name_it_has_here():
    async with client_of(EngineHost(SimulatedEngine(SimulatedSettings()), 30.0)) as client:
        for field, value in (
            ("tools", [WEATHER]),
            ("text", {"format": {"type": "json_object"}}),
            ("top_logprobs", 2),
        ):
            with pytest.raises(openai.BadRequestError) as failed:
                await client.responses.create(model="default", input="Hello", **{field: value})
            assert (failed.value.param.partition(".")[0], failed.value.code) == (field, "not_offered")


async def test_messages_that_had_no_room_are_told_or_are_an_error_where_that_is_wanted():
    async with saying(generated("Yes.", dropped_messages=2)) as (client, _):
        response = await client.responses.create(model="default", input="Hello")
        assert response.model_extra["fourgig"]["dropped_messages"] == 2
        with pytest.raises(openai.BadRequestError) as failed:
            await client.responses.create(model="default", input="Hello", truncation="disabled")
        assert (failed.value.code, failed.value.param) == ("context_length_exceeded", "input")
        events = await events_of(client, truncation="disabled")
    assert events[-1]["type"] == "response.failed"
    assert events[-1]["response"]["error"]["code"] == "invalid_prompt"


async def test_what_has_no_room_is_refused_before_anything_is_generated_where_that_is_wanted(tiny_model, tmp_path):
    engine = LlamaEngine(LlamaSettings(model_path=str(tiny_model), context_tokens=256, threads=1))
    given = [{"role": role, "content": "word " * 40} for role in ("user", "assistant") * 3]
    given.append({"role": "user", "content": "And?"})
    for hosted in (EngineHost(engine, 60.0), agent(tmp_path, engine)):
        async with client_of(hosted) as client:
            shortened = await client.responses.create(model="default", input=given, max_output_tokens=2)
            assert shortened.model_extra["fourgig"]["dropped_messages"]
            with pytest.raises(openai.BadRequestError) as failed:
                await client.responses.create(model="default", input=given, truncation="disabled")
            assert (failed.value.code, failed.value.param) == ("context_length_exceeded", "input")
            assert "none may be left out" in str(failed.value)
            fits = await client.responses.create(
                model="default", input="Hello", truncation="disabled", max_output_tokens=2
            )
            assert fits.status == "incomplete"


async def test_a_client_that_leaves_keeps_no_response_and_holds_nobody_up():
    async with saying("One. Two. Three.") as (client, _):
        stream = await client.responses.create(model="default", input="1", stream=True)
        await anext(aiter(stream))
        await stream.close()
        responses = await asyncio.gather(*(client.responses.create(model="default", input="2") for _ in range(3)))
    assert [response.status for response in responses] == ["completed"] * 3


async def test_items_are_referred_to_by_their_ids():
    async with saying("One.", "Two.") as (client, engine):
        first = await client.responses.create(model="default", input="1")
        [said] = (await client.responses.input_items.list(first.id)).data
        refers = [
            {"type": "item_reference", "id": said.id},
            {"type": "item_reference", "id": first.output[0].id},
            {"role": "user", "content": "2"},
        ]
        await client.responses.create(model="default", input=refers)
    assert heard(engine) == [("user", "1"), ("assistant", "One."), ("user", "2")]


async def test_what_openai_has_beside_responses_is_not_there():
    async with saying() as (client, _):
        response = await client.responses.create(model="default", input="1")
        for elsewhere in ("compact", "input_tokens", f"{response.id}/cancel", f"{response.id}/nothing"):
            status, _, said = await call(f"{client.base_url}responses/{elsewhere}", {"model": "default", "input": "1"})
            assert (status, json.loads(said)["error"]["type"]) == (404, "invalid_request_error")
        with pytest.raises(openai.BadRequestError):
            await client.responses.retrieve(response.id, stream=True)


async def kept_by(client):
    """Return the conversations that an agent keeps, and the questions of its turns."""
    conversations = (await client.get("/fourgig/conversations", cast_to=object))["data"]
    turns = (await client.get("/fourgig/turns", cast_to=object))["data"]
    return [each["id"] for each in conversations], [turn["question"] for turn in turns]


async def test_an_agent_keeps_responses_that_go_on_from_each_other_together_and_forgets_one_that_is_deleted(tmp_path):
    async with client_of(agent(tmp_path, Speaking("One.", "Two.", "Three."))) as client:
        first = await client.responses.create(model="default", input="My cat is Miro.")
        second = await client.responses.create(
            model="default", input="And the dog is Rex.", previous_response_id=first.id
        )
        await client.responses.create(model="default", input="Another matter", store=False)
        conversations, questions = await kept_by(client)
        assert len(conversations) == 1
        assert questions == ["My cat is Miro.", "And the dog is Rex."]
        await client.responses.delete(first.id)
        assert await kept_by(client) == (conversations, ["And the dog is Rex."])
        await client.delete(f"/fourgig/conversations/{conversations[0]}", cast_to=object)
        with pytest.raises(openai.NotFoundError):
            await client.responses.retrieve(second.id)
        assert await kept_by(client) == ([], [])


@pytest.mark.parametrize("changing", ["correct", "forget"])
async def test_a_turn_that_a_person_corrects_or_forgets_is_in_no_response_any_more(tmp_path, changing):
    async with client_of(agent(tmp_path, Speaking("One."))) as client:
        first = await client.responses.create(model="default", input="My cat is Miro.")
        other = await client.responses.create(model="default", input="Another matter")
        turn = next(
            each["id"]
            for each in (await client.get("/fourgig/turns", cast_to=object))["data"]
            if each["question"] == "My cat is Miro."
        )
        if changing == "correct":
            await client.patch(f"/fourgig/turns/{turn}", cast_to=object, body={"question": "My cat is Mira."})
        else:
            await client.delete(f"/fourgig/turns/{turn}", cast_to=object)
        with pytest.raises(openai.NotFoundError):
            await client.responses.retrieve(first.id)
        assert (await client.responses.retrieve(other.id)).id == other.id
