"""The endpoint of the study `frameworks`: what it says, what it tells, and where its context ends."""

from __future__ import annotations

import msgspec
import pytest

from experiments.studies.planning import post
from experiments.studies.subjects import planned
from experiments.workloads.asking import asked
from experiments.workloads.conversations import in_english
from experiments.workloads.endpoint.asked import HEARD, MODEL, EndpointSettings, HeardCalls, heard, url
from experiments.workloads.endpoint.hearing import HearingEngine, tokens_of
from systems.engines.interface import Call, Message, Sampling
from systems.engines.openai import OpenAIEngine, OpenAISettings
from systems.engines.scripted import Scripts
from systems.errors import PromptTooLong
from tests.experiments.studies.frameworks.in_process import served

TURNS = in_english(3, 1, 4)[0]


def conversation(turns):
    said = [Message("system", "Be brief.")]
    for turn in turns:
        said += [Message("user", turn.text), Message("assistant", turn.reply)]
    return said[:-1]


def test_it_says_what_was_planned_and_tells_what_it_was_asked_since_it_last_told():
    with served(EndpointSettings()) as address:
        post(url(address), planned({"user": TURNS}))
        client = OpenAIEngine(OpenAISettings(url=url(address), model=MODEL))
        sent = conversation(TURNS[:2])
        # A client that wants the reply to end at some word is answered all the same: what is said was planned.
        sampling = Sampling(stop=("Observation:",))
        said = client.generate(Call(messages=sent, max_tokens=8, sampling=sampling))
        other = client.generate(Call(messages=[Message("user", "Give this a title.")], max_tokens=4))
        told, nothing = heard(address), heard(address)
    assert TURNS[1].reply.startswith(said.text)
    assert said.generated_tokens == 8
    assert told.prompts[0].messages == len(sent)
    assert told.prompts[0].tokens == tokens_of(sent)
    assert told.prompts[0].system_tokens == 3
    assert [prompt.asks for prompt in told.prompts] == [True, False]
    assert [message.content for message in told.newest] == [message.content for message in sent]
    assert (told.unplanned, told.generated_tokens) == (1, 8 + other.generated_tokens)
    assert (nothing.prompts, nothing.newest, nothing.unplanned) == ((), (), 0)


@pytest.mark.parametrize(
    "titled",
    [
        [Message("user", f"User: {TURNS[1].text} Assistant: {TURNS[1].reply}. A title?")],
        [*conversation(TURNS[:2]), Message("assistant", TURNS[1].reply), Message("user", "A title?")],
        [*conversation(TURNS[:2]), Message("assistant", TURNS[1].reply)],
    ],
    ids=["of both", "after both", "without a word"],
)
def test_a_call_for_something_else_asks_no_question_whenever_it_comes(titled):
    engine = loaded()
    engine.generate(Call(messages=conversation(TURNS[:2]), max_tokens=8))
    engine.generate(Call(messages=titled, max_tokens=8))
    first = told_by(engine)
    engine.generate(Call(messages=titled, max_tokens=8))
    late = told_by(engine)
    assert [prompt.asks for prompt in first.prompts] == [True, False]
    assert len(first.newest) == len(conversation(TURNS[:2]))
    assert ([prompt.asks for prompt in late.prompts], late.newest) == ([False], ())


def test_a_question_among_notes_is_asked_and_of_several_the_one_that_ends_last():
    engine = loaded()
    noted = Message("user", f"Context: {TURNS[0].text}\nQuestion: {TURNS[1].text}")
    engine.generate(Call(messages=[noted], max_tokens=8))
    told = told_by(engine)
    assert (told.prompts[0].asks, told.newest) == (True, (noted,))
    assert asked(noted.content, {turn.text for turn in TURNS}) == (TURNS[1].text, False)


def told_by(engine):
    text = engine.generate(Call(messages=[Message("user", HEARD)])).text
    return msgspec.json.decode(text, type=HeardCalls)


def loaded(**settings):
    engine = HearingEngine(EndpointSettings(**settings), Scripts(planned({"user": TURNS})))
    engine.load()
    return engine


def test_a_context_that_ends_refuses_what_is_longer_as_servers_do():
    sent = conversation(TURNS)
    fits, full = tokens_of(sent) + 8, tokens_of(sent) + 7
    assert loaded(context_tokens=fits, when_full="refuses").generate(Call(messages=sent, max_tokens=8)).text
    with pytest.raises(PromptTooLong, match=f"maximum context length is {full} tokens"):
        loaded(context_tokens=full, when_full="refuses").generate(Call(messages=sent, max_tokens=8))


def test_or_it_leaves_out_the_oldest_and_only_its_own_notes_say_so():
    sent = conversation(TURNS)
    engine = loaded(context_tokens=tokens_of(sent) - 1, when_full="trims")
    said = engine.generate(Call(messages=sent, max_tokens=8))
    assert TURNS[3].reply.startswith(said.text)
    assert said.dropped_messages > 0
    assert said.prompt_tokens == tokens_of([sent[0], *sent[1 + said.dropped_messages :]])
    told = told_by(engine)
    assert told.prompts[0].dropped == said.dropped_messages
    assert told.prompts[0].tokens == tokens_of(sent)
