"""What the agent that keeps everything in objects keeps: whole histories, and every state of a conversation."""

from systems.engines.interface import Message
from systems.interface import Request
from systems.objects.agent import ConversationState, Objects
from systems.objects.settings import ObjectsSettings
from tests.systems.conversing import simulated


def asked(number, text, session="s", **more):
    return Request(id=str(number), session=session, text=text, max_tokens=4, **more)


def started(folder):
    agent = Objects(ObjectsSettings(), simulated(), folder)
    agent.start()
    return agent


def test_after_each_step_the_whole_state_is_kept(tmp_path):
    agent = started(tmp_path)
    first = agent.answer(asked(1, "Vera keeps bees.")).text
    second = agent.answer(asked(2, "How are Vera's bees?"))
    turn = (Message("user", "Vera keeps bees."), Message("assistant", first))
    question = Message("user", "How are Vera's bees?")
    assert agent.states("s") == [
        ConversationState(messages=turn[:1]),
        ConversationState(messages=turn),
        ConversationState(messages=(*turn, question)),
        ConversationState(messages=(*turn, question, Message("assistant", second.text)), memories=second.memories),
    ]
    assert second.memories == ("Vera keeps bees.",)
    agent.close()


def test_no_message_ever_leaves_a_history(tmp_path):
    agent = started(tmp_path)
    for number in range(40):
        agent.answer(asked(number, f"This is sentence {number}."))
    assert len(agent.states("s")[-1].messages) == 80
    agent.close()


def test_what_is_forgotten_or_not_to_be_kept_is_in_no_state(tmp_path):
    agent = started(tmp_path)
    agent.answer(asked(1, "Vera keeps bees.", kept=False))
    assert agent.states("s") == []
    agent.answer(asked(2, "Vera keeps bees."))
    agent.answer(asked(3, "Bo keeps bees.", session="t"))
    agent.answer(asked(4, "/forget"))
    assert agent.states("s") == []
    assert len(agent.states("t")) == 2
    agent.close()
