"""A question is served only if it leans on nothing: not on what was said, the person, the moment or chance."""

import pytest

from systems.tiered.semantic.standing import stands_alone


@pytest.mark.parametrize(
    "question",
    [
        "What is the capital of Chile?",
        "How do I boil an egg?",
        "How long does it take to boil an egg?",
        "Can you tell me who wrote Hamlet?",
        "Is there a bridge in Harlow?",
        "智利的首都是哪里？",
        "请问怎么煮鸡蛋？",
    ],
)
def test_what_stands_alone(question):
    assert stands_alone(question)


@pytest.mark.parametrize(
    "question",
    [
        "And what about the second one?",
        "Why is that?",
        "Who wrote it?",
        "How long does it take?",
        "What is my dog's name?",
        "Am I allergic to nuts?",
        "What's the weather in Rome?",
        "Who is the current president of Chile?",
        "Tell me a joke about cats.",
        "Give me another example of mammals.",
        'Translate "good morning" into Dutch.',
        "Why?",
        "",
        "它的首都是哪里？",
        "我的狗叫什么名字？",
        "今天罗马天气怎么样？",
        "需要多长时间？",
        "那第二个呢？",
    ],
)
def test_what_leans_on_something(question):
    assert not stands_alone(question)
