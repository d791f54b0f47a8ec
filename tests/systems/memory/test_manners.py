"""What of a message says only that something is asked, and why: it is not looked for, and tells nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from systems.memory.asking import only_asks
from systems.memory.manners import is_manners, point
from systems.memory.words import asked

MANNERS = """
i am sorry to bother you again
i really should know this
it is on the tip of my tongue
my mind has gone blank
my memory is terrible lately
somebody at work asked me about it
my aunt wants to know
just to be sure
i promise that it is important
it slipped my mind
that would save me an hour
i am so embarrassed
办公室里有人问我
不好意思又来打扰
我想不起来了
话到嘴边说不出来
脑子里一片空白
我女儿想知道
我保证这是最后一次
麻烦帮我查一下
""".strip().splitlines()

NO_MANNERS = """
my mother has trouble with her memory lately
my mother is coming home on sunday
i forgot the letter at work
i forgot my umbrella
i am stuck at home with my kids
my boss wants to talk to me on monday
somebody at work asked me about anna
my aunt wants to know her neighbour
where does my brother work
i forgot where i live
i remember the name bruno
anna forgot
我妈妈记性不好
我忘了带钥匙
我妹妹问我她的狗叫豆豆
我忘了我住在哪里
我脑袋疼
有人问我住在哪里
""".strip().splitlines()


@pytest.mark.parametrize("clause", MANNERS)
def test_what_is_only_about_asking_is_manners(clause):
    assert is_manners(clause)


@pytest.mark.parametrize("clause", NO_MANNERS)
def test_what_tells_or_asks_anything_is_no_manners(clause):
    assert not is_manners(clause)


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("I am so sorry to trouble you, my mind is blank: where does Bruno live?", ["bruno", "live"]),
        ("My aunt wants to know which bus I took to Delft, and I have no idea.", ["bus", "take", "delft"]),
        ("I am at the counter and my head is empty. What is my shoe size?", ["shoe", "size"]),
        ("Which dentist did I see, by any chance?", ["dentist", "see"]),
    ],
)
def test_manners_are_not_looked_for(text, terms):
    assert asked(text) == terms


def test_manners_in_chinese_are_not_looked_for():
    bare = asked("我的护照放在哪里？")

    assert asked("不好意思又来麻烦你，我脑子里一片空白：我的护照放在哪里？") == bare
    assert asked("我的护照放在哪里？办公室里有人问我，我答不上来。") == bare


@pytest.mark.parametrize(
    "text",
    [
        "I wrote to my mother about the letter. What did she say?",
        "My cat Bruno is ill. What could I feed him?",
        "Call 3.5 or example.org: which was it, in C++?",
        "我的猫病了，我该喂它什么？",
    ],
)
def test_what_is_told_beside_a_question_is_looked_for(text):
    assert point(text) == text


@pytest.mark.parametrize("text", [*MANNERS, "Sorry.", "", "   ", "I forgot."])
def test_what_is_nothing_but_manners_stays_whole(text):
    assert point(text) == text
    assert not only_asks(text)


@pytest.mark.parametrize("manners", MANNERS)
def test_a_question_with_manners_only_asks_and_a_fact_with_manners_tells(manners):
    chinese = manners > "\u3400"
    question = "我的护照放在哪里？" if chinese else "where did I put my passport?"
    fact = "我的护照放在书架上。" if chinese else "I put my passport on the shelf."

    assert only_asks(f"{manners}，{question}" if chinese else f"{manners}: {question}")
    assert only_asks(f"{question}{manners}。" if chinese else f"{question} {manners}.")
    assert not only_asks(f"{manners}，{fact}" if chinese else f"{manners}: {fact}")
    assert not only_asks(f"{fact}{manners}。" if chinese else f"{fact} {manners}.")


@given(st.text(max_size=200))
def test_any_text_has_a_point(text):
    assert isinstance(point(text), str)
    assert bool(asked(text)) == bool(asked(point(text)))
