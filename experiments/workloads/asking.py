"""Which of a turn's model calls asks what the user asked: a system may ask for a title or a summary as well."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from systems.engines.interface import Message


class QuestionOfCall(NamedTuple):
    """The ``question`` that a call asks, empty where it asks none; ``exactly`` where nothing stands around it."""

    question: str = ""
    exactly: bool = False


def newest_words(messages: Sequence[Message]) -> str:
    """Return the newest user message of a call; nothing where a reply stands after it, which is then not asked for."""
    for message in reversed(messages):
        if message.role == "user":
            return message.content.strip()
        if message.role == "assistant" and message.content.strip():
            break
    return ""


def asked(words: str, questions: Collection[str]) -> QuestionOfCall:
    """Return which of ``questions`` a call asks whose `newest_words` these are: of several the one that ends last."""
    if words in questions:
        return QuestionOfCall(words, exactly=True)
    found = [(place + len(each), len(each), each) for each in questions if (place := words.rfind(each)) >= 0]
    return QuestionOfCall(max(found)[2]) if found else QuestionOfCall()


def asking(question: str, calls: Sequence[Sequence[Message]]) -> list[Sequence[Message]]:
    """Return those of a turn's ``calls`` that ask ``question``, in order.

    Where there are any whose newest user message is the question, one that has it among other words is none of them:
    it asks for something about the question.
    """
    found = [(asked(newest_words(call), {question.strip()}), call) for call in calls]
    exact = any(each.exactly for each, _ in found)
    return [call for each, call in found if each.question and each.exactly >= exact]
