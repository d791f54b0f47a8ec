import pickle

import pytest

from experiments.studies.live_agents.conversations import FACT, REPLY, conversation, question
from experiments.studies.live_agents.reading import UNKNOWN, reading
from systems.engines.interface import Call, Message
from systems.engines.simulated import SimulatedEngine, SimulatedSettings, count


def engine(*, forced=True):
    made = reading(SimulatedEngine(SimulatedSettings()), forced=forced)
    made.load()
    return made


def said(call, by):
    return by.generate(Call(messages=[Message("user", text) for text in call], max_tokens=12)).text


def test_every_agent_is_told_a_number_of_its_own_once():
    told = [conversation(1, agent, 1_000) for agent in range(50)]
    assert len({each.value for each in told}) == 50
    assert all(" ".join(each.told).count(FACT + each.value) == 1 for each in told)
    assert conversation(1, 7, 1_000) == told[7]


@pytest.mark.parametrize("tokens", [500, 1_000, 2_000])
def test_a_conversation_is_about_as_long_as_it_is_said_to_be(tokens):
    told = conversation(1, 0, tokens).told
    words = sum(count(text) + count(REPLY) for text in told)  # a token of a model is a word, or a part of one
    assert 0.5 * tokens < words < 1.1 * tokens


@pytest.mark.parametrize("travelled", [False, True])
def test_an_engine_that_reads_says_what_stands_in_its_prompt(travelled):
    by = pickle.loads(pickle.dumps(engine())) if travelled else engine()
    by.load()
    assert said(["Hello.", f"{FACT}123456. And so on.", question(0)], by) == "It is 123456."
    assert said(["Hello.", question(1)], by) == UNKNOWN
    assert said([f"{FACT}123456."], by) == REPLY


def test_in_its_own_words_only_what_is_told_is_answered_at_once():
    by = engine(forced=False)
    assert said([f"{FACT}123456."], by) == REPLY
    assert said([f"{FACT}123456.", question(0)], by) not in (REPLY, UNKNOWN, "It is 123456.")
