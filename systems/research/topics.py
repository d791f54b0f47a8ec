"""What a question is about: what the model says, as far as it can be used, or else the question's own words.

A topic only helps to find passages, and a small model says many things. So a topic counts only if it has a word in
common with the question: one that leads away from it would do harm.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from systems.engines.interface import Message
from systems.memory import words

MOST = 3
"""Topics of a question, at most."""

TOKENS = 32
"""Tokens that the model may say them in: a list of a few words each is no longer."""

# Characters of a question that its topics are looked for in. What is longer was pasted.
_ASKED = 2_000
_WORDS = 8  # of one topic: what is longer is a sentence, and no topic

_SYSTEM = "Name the topics of the question: at most three, each on a line of its own, in a few words. Answer nothing."
_BULLET = re.compile(r"^\s*(?:[-*•–]+|\(?\d+[.):]+)?\s*")
_NUMBER = re.compile(r"\d+")
_WORD = re.compile(r"\w[\w'’-]*")


def messages(question: str) -> list[Message]:
    """Return what the model is asked."""
    return [Message("system", _SYSTEM), Message("user", question[:_ASKED])]


def parsed(said: str, question: str) -> tuple[str, ...]:
    """Return the topics in what the model ``said`` of ``question``; the question's `own_words` if none can be used."""
    about = set(words.asked(question[:_ASKED]))
    found: dict[str, None] = {}
    for line in said.splitlines():
        topic = _BULLET.sub("", line).strip(" \t.,;:\"'")
        invented = set(_NUMBER.findall(topic)) - set(_NUMBER.findall(question))  # an answer, and no topic
        if 0 < len(topic.split()) <= _WORDS and not invented and about.intersection(words.cut(topic)):
            found.setdefault(topic)
    return tuple(found)[:MOST] or own_words(question)


def own_words(question: str) -> tuple[str, ...]:
    """Return as one topic those words of ``question`` that are worth looking for; the question itself if none is."""
    text = question[:_ASKED]
    about = set(words.asked(text))
    telling = [each[0] for each in _WORD.finditer(text) if about.intersection(words.cut(each[0]))]
    return (" ".join(dict.fromkeys(telling)) or text.strip(),)


def sought(question: str, topics: Sequence[str]) -> str:
    """Return the text that passages are compared with: the question, and what its topics say besides."""
    return " ".join([question[:_ASKED], *(each for each in topics if each.casefold() not in question.casefold())])
