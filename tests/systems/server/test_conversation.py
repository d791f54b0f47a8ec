"""Whose memory, and which conversation: as it is named, or recognised by its beginning."""

import json

import pytest

from systems.engines.interface import Message
from systems.interface import Counters, Reply, Source
from systems.server.conversation import Conversations, person_of, turn_begins
from systems.server.direct import EngineHost
from systems.server.hosting import Host
from tests.systems.server.serving import listening_to
from tests.systems.server.speaking import Speaking
from tests.systems.server.test_completions import HELLO, chat

ANSWERED = [*HELLO, {"role": "assistant", "content": "Hello."}]


class Listening(Host):
    """Stands where an agent does: keeps the requests, and answers each with the same word."""

    def __init__(self, text="Hello."):
        self.requests = []
        self._text = text

    async def start(self):
        pass

    async def answer(self, request, on_token=None):
        self.requests.append(request)
        if on_token is not None:
            on_token(self._text)
        return Reply(request_id=request.id, text=self._text, source=Source.MODEL)

    def counters(self):
        return Counters()

    async def close(self):
        pass


def says(role, content):
    return {"role": role, "content": content}


def test_the_person_is_named_in_a_documented_order():
    assert [person_of(*names) for names in (("a", "b"), (None, "b"), ("", "b"), (None, ""), (None, None))] == [
        "a", "b", "b", "default", "default",
    ]  # fmt: skip


def test_the_turn_is_what_follows_the_assistant():
    said = [Message("system", "s"), Message("user", "a"), Message("assistant", "b"), Message("user", "c")]
    assert [turn_begins(said[:end]) for end in (1, 2, 3, 4)] == [0, 0, 3, 3]


def test_a_bounded_number_of_beginnings_is_known():
    known = Conversations(most=2)
    for name in ("a", "b", "c"):
        known.replied("vera", [Message("user", name)], "yes", name)
    found = [known.of("vera", [Message("user", name), Message("assistant", "yes")]) for name in ("a", "b", "c")]
    assert found[0] not in ("a", "b", "c")
    assert found[1:] == ["b", "c"]


def test_conversations_of_the_same_words_stay_two():
    known = Conversations()
    asked, said = [Message("user", "Hello")], [Message("user", "Hello"), Message("assistant", "Hi.")]
    for name in ("a", "b"):
        known.replied("vera", asked, "Hi.", name)
    assert [known.of("vera", [*said, Message("user", text)]) for text in ("x", "y", "y, put otherwise")] == [
        "a",
        "b",
        "b",
    ]


async def test_a_conversation_is_recognised_by_its_beginning_and_every_other_is_a_new_one():
    agent = Listening()
    async with listening_to(agent) as where:
        address = f"http://{where}"
        for messages in (
            HELLO,
            [*ANSWERED, says("user", "And now?")],
            [*ANSWERED, says("user", "Asked otherwise")],
            [*HELLO, says("assistant", " Hello.\n"), says("user", "Trimmed")],
            [*HELLO, says("assistant", "never said"), says("user", "And now?")],
            HELLO,
        ):
            assert (await chat(address, messages=messages))[0] == 200
        assert (await chat(address, messages=[*ANSWERED, says("user", "x")], user="another"))[0] == 200
    first, second, edited, trimmed, foreign, anew, another = agent.requests
    assert first.conversation == second.conversation == edited.conversation == trimmed.conversation
    assert len({each.conversation for each in (first, foreign, anew, another)}) == 4
    assert first.before is None
    assert second.before == (Message("user", "Hello Vera"), Message("assistant", "Hello."))
    assert second.text == "And now?"


async def test_calls_are_recognised_however_a_client_writes_their_json():
    agent = Listening('{"tool_calls":[{"name":"weather","arguments":{"city":"Oslo","unit":"C"}}]}')
    weather = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
    async with listening_to(agent) as where:
        address = f"http://{where}"
        await chat(address, tools=[weather])
        arguments = json.dumps({"unit": "C", "city": "Oslo"}, indent=1)
        calls = [{"id": "x", "type": "function", "function": {"name": "weather", "arguments": arguments}}]
        history = [*HELLO, {"role": "assistant", "content": None, "tool_calls": calls}]
        result = {"role": "tool", "tool_call_id": "x", "content": "rain"}
        await chat(address, messages=[*history, result], tools=[weather])
    first, second = agent.requests
    assert first.conversation == second.conversation
    assert (first.kept, second.kept) == (True, False)
    assert second.text.endswith("returned:\n<result>\nrain\n</result>")


async def test_a_named_conversation_leaves_its_history_to_the_agent_unless_the_client_tells_it():
    agent = Listening()
    async with listening_to(agent) as where:
        address = f"http://{where}"
        await chat(address, prompt_cache_key="trip", user="vera")
        await chat(address, prompt_cache_key="trip", safety_identifier="vera", messages=[*ANSWERED, *HELLO])
        system = [says("system", "Be brief."), *HELLO, says("developer", "In French."), says("user", "Now")]
        await chat(address, prompt_cache_key="trip", messages=system, store=False)
    first, second, third = agent.requests
    assert (first.session, first.conversation, first.before) == ("vera", "trip", None)
    assert (second.session, second.conversation) == ("vera", "trip")
    assert second.before == (Message("user", "Hello Vera"), Message("assistant", "Hello."))
    assert (third.session, third.before, third.kept) == ("default", None, False)
    assert third.instructions == "Be brief.\n\nIn French."
    assert third.text == "Hello Vera\n\nNow"


async def test_two_tokens_share_neither_memory_nor_conversation():
    agent = Listening()
    async with listening_to(agent, tokens=("one", "two")) as where:
        from tests.systems.server.test_completions import call

        for token in ("one", "two"):
            body = {"messages": [*ANSWERED, says("user", "x")], "user": "vera"}
            shown = {"Authorization": f"Bearer {token}"}
            assert (await call(f"http://{where}/v1/chat/completions", {"messages": HELLO, "user": "vera"}, **shown))[
                0
            ] == 200
            assert (await call(f"http://{where}/v1/chat/completions", body, **shown))[0] == 200
    one, one_again, two, two_again = agent.requests
    assert one.session == one_again.session != two.session == two_again.session
    assert one.conversation == one_again.conversation != two.conversation == two_again.conversation


async def test_an_engine_alone_keeps_what_it_computed_of_each_conversation():
    engine = Speaking("Hello.")
    async with listening_to(EngineHost(engine, 30.0)) as where:
        address = f"http://{where}"
        await chat(address)
        await chat(address, messages=[*ANSWERED, says("user", "And now?")])
        await chat(address, user="vera")
        await chat(address, prompt_cache_key="trip")
        await chat(address, prompt_cache_key="trip", user="vera")
    names = [made.conversation for made in engine.calls]
    assert names[0] == names[1]
    assert names[3] == "trip"
    assert len(set(names)) == 4


@pytest.mark.parametrize(
    "last", [[], [says("system", "Be brief.")], [says("user", "")], [says("user", None)], ANSWERED]
)
async def test_an_agent_needs_something_to_answer(last):
    async with listening_to(Listening()) as where:
        status, _, reply = await chat(f"http://{where}", messages=[says("system", "Be brief."), *last])
    assert (status, reply["error"]["param"]) == (400, "messages")
