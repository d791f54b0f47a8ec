from __future__ import annotations

import pytest

from experiments.grading.answers import declines, is_exact, is_refusal, named, says


@pytest.mark.parametrize(
    ("answer", "right"),
    [("Oslo", "oslo."), ("  lentil   soup ", "Lentil soup"), ("３月４日", "3月4日"), ("“云海镇”。", "云海镇")],
)
def test_the_same_said_otherwise_is_exact(answer: str, right: str) -> None:
    assert is_exact(answer, right)


@pytest.mark.parametrize(
    ("answer", "right"), [("Oslo", "Olso"), ("in Oslo", "Oslo"), ("", "Oslo"), ("云海", "云海镇"), ("0421", "421")]
)
def test_anything_else_is_not(answer: str, right: str) -> None:
    assert not is_exact(answer, right)


def test_a_refusal_is_one_in_either_language() -> None:
    assert is_refusal("I don't know")
    assert is_refusal("我不知道")
    assert not is_refusal("I know")


@pytest.mark.parametrize(
    ("reply", "value"),
    [
        ("Anna lives in Delft.", "Delft"),
        ("She lives in DELFT, the Netherlands", "Delft"),
        ("Delft's market is nice, and that is where she lives.", "Delft"),
        ("A Delft-based one.", "Delft"),
        ("Her favourite dish is Lentil\nSoup!", "lentil soup"),
        ("12 times 3 is 36.", "36"),
        ("12*3=36", "36"),
        ("36.0", "36"),
        ("It is 36.00 euros", "36"),
        ("On 12-36 it says so", "36"),
        ("That makes thirty-six.", "36"),
        ("It is thirty six", "36"),
        ("Two hundred and five of them.", "205"),
        ("That is 1,200 euros.", "1200 euros"),
        ("The code is 0421", "0421"),
        ("Her birthday is on March 4th.", "4 March"),
        ("It is the 4th of March", "4 March"),
        ("March the 4th", "4 March"),
        ("It is called Clockmaker’s Map", "The Clockmaker's Map"),
        ("他住在云海镇。", "云海镇"),
        ("生日是三月十四号。", "3月14日"),
        ("生日是３月１４日", "3月14日"),
        ("密码是一二三四", "1234"),
    ],
)
def test_a_reply_says_a_value_in_its_own_words(reply: str, value: str) -> None:
    assert says(reply, value, ["Utrecht", "98", "5 May"])


@pytest.mark.parametrize(
    ("reply", "value"),
    [
        ("Anna lives in Delfts.", "Delft"),
        ("She lives in a town called Delf t", "Delft"),
        ("136", "36"),
        ("36.5", "36"),
        ("-36", "36"),
        ("The answer is \u221236.", "36"),
        ("36", "-36"),
        ("The code is 421", "0421"),
        ("twenty, five", "25"),
        ("two three", "23"),
        ("March, on the 14th", "4 March"),
        ("13月4日", "3月4日"),
        ("", "Delft"),
        ("Delft", ""),
        ("...", "!"),
    ],
)
def test_a_part_of_a_word_or_number_says_nothing(reply: str, value: str) -> None:
    assert not says(reply, value)


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        ("Utrecht", ["Utrecht"]),
        ("Utrecht or Delft", ["Utrecht", "Delft"]),
        ("She lived in Utrecht, and now in Delft.", ["Utrecht", "Delft"]),  # a past tense alone negates nothing
        ("Not in Utrecht but in Delft.", ["Delft"]),
        ("Delft, not Utrecht", ["Delft"]),
        ("She does not live in Utrecht any more, she lives in Delft", ["Delft"]),
        ("She doesn’t live in Utrecht. Delft is her home.", ["Delft"]),
        ("She no longer lives in Utrecht; Delft.", ["Delft"]),
        ("She used to live in Utrecht and lives in Delft now", ["Delft"]),
        ("Delft rather than Utrecht", ["Delft"]),
        ("She moved from Utrecht to Delft.", ["Delft"]),
        ("She has moved from Utrecht", []),
        ("She went from Delft to Utrecht and moved from Utrecht to Delft", ["Utrecht", "Delft"]),
        ("I will never forget that she lives in Delft", ["Delft"]),
        ("Do not forget: Delft", ["Delft"]),
        ("No doubt she lives in Delft, I do not doubt that it is Delft", ["Delft"]),
        ("Not only Utrecht but Delft", ["Utrecht", "Delft"]),
        ("I never forget anything and she never lived in Utrecht. Delft", ["Delft"]),
        ("I do not know whether she lives in Utrecht or Delft.", []),
        ("Utrecht is not her home, Delft is.", ["Utrecht", "Delft"]),  # a negation that follows is not seen
        ("Not in Delft. Or yes, in Delft.", ["Delft"]),
        ("New Delft", ["New Delft"]),
        ("It is not New Delft, it is Delft", ["Delft"]),
    ],
)
def test_what_is_named_as_negated_is_not_said(reply: str, said: list[str]) -> None:
    assert named(reply, ["Utrecht", "Delft", "New Delft"]) == said
    assert says(reply, "Delft", ["Utrecht", "New Delft"]) == (said == ["Delft"])


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        ("不是云海镇，而是白石村", ["白石村"]),
        ("不是云海镇而是白石村。", ["白石村"]),
        ("以前住在云海镇，现在住在白石村", ["白石村"]),
        ("她已经不住在云海镇了", []),
        ("云海镇、白石村", ["云海镇", "白石村"]),
        ("不是云海镇、白石村", []),
    ],
)
def test_in_chinese_likewise(reply: str, said: list[str]) -> None:
    assert named(reply, ["云海镇", "白石村"]) == said


def test_the_same_value_of_somebody_else_is_no_other_value() -> None:
    assert says("In Delft.", "Delft", ["delft", "Utrecht"])


@pytest.mark.parametrize(
    "reply",
    [
        "I don't know.",
        "I don’t know where Anna lives.",
        "I really do not know",
        "That's not something I was told.",
        "That is not something you have told me.",
        "There is no way to know that.",
        "There's no way of telling.",
        "You have no notes about a dog.",
        "I have no idea.",
        "I can't say.",
        "Sorry, don't know",
        "No, I don't. I'm sorry.",
        "I'm sorry, but I don't have any information about Anna's dog.",
        "I'm an AI and do not have personal experiences.",
        "I am not sure who that is.",
        "I'm not entirely certain.",
        "I can't recall that.",
        "I'm sorry, I cannot provide this.",
        "I am unable to determine where she lives.",
        "As a helpful assistant, I'm unable to assist with your specific request.",
        "I'm not sure how to respond to your question.",
        "I have no record of that.",
        "There is no information about that in the notes.",
        "You haven't told me.",
        "You never mentioned it.",
        "The notes do not mention her doctor.",
        "Her doctor is not mentioned.",
        "That isn't known.",
        "Her employer is unknown.",
        "我不知道。",
        "抱歉，我不清楚她住在哪里。",
        "我没有关于她的任何信息。",
        "您没有告诉过我。",
        "无法确定。",
        "我不记得了",
        "我不太清楚",
        "我不大知道",
    ],
)
def test_a_refusal_in_many_words_is_recognised(reply: str) -> None:
    assert declines(reply)


@pytest.mark.parametrize(
    "reply",
    [
        "I know: Delft.",
        "Delft.",
        "You don't know me yet.",
        "You have no idea how happy I am! Your dog is Rex.",
        "There is no way around it: Madrid.",
        "I can't say enough good things about Madrid.",
        "I cannot tell you how glad I am that it is Madrid.",
        "It was not given a name.",
        "They were not given any food.",
        "That's not something to worry about.",
        "Anna does not live in Utrecht any more.",
        "I am sorry to hear that.",
        "I'm sorry for the confusion, but I'm here to help you with your notes.",
        "I don't have a dog.",
        "No.",
        "An unknown painter made it.",
        "I am sure it is Delft",
        "她住在云海镇。",
        "她不住在云海镇了。",
        "你不知道吗？",
        "",
    ],
)
def test_what_only_looks_like_a_refusal_is_none(reply: str) -> None:
    assert not declines(reply)


def test_who_refuses_may_answer_all_the_same() -> None:
    reply = "I'm not sure, but she lives in Delft."

    assert declines(reply)
    assert says(reply, "Delft", ["Utrecht"])
