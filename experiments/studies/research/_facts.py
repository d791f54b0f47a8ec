"""A conversation of short turns, each of which tells one fact of one person that is asked for once it is over.

No person and no value comes twice, so every message is recognised by how it begins, and every question has one answer.
"""

from __future__ import annotations

import random

import msgspec

from experiments.workloads.remembering.language import WORDS, chat, say
from experiments.workloads.remembering.values import MAKERS, NAMES, Make, drawn


class FactTurn(msgspec.Struct, frozen=True, kw_only=True):
    """What is said and replied, and the question that its fact answers. ``others`` are other people's values."""

    text: str
    reply: str
    question: str
    answer: str
    others: tuple[str, ...]


def fact_turns(seed: int, count: int) -> list[FactTurn]:
    """Return ``count`` turns; equal seeds give equal ones."""
    rng = random.Random(f"summaries {seed}")
    attributes = list(WORDS["en"].attributes)
    rng.shuffle(attributes)
    told: dict[str, list[str]] = {attribute: [] for attribute in attributes}
    people: set[str] = set()
    turns: list[tuple[str, str, str, str, str]] = []
    for number in range(count):
        attribute = attributes[number % len(attributes)]
        person = _new(rng, NAMES["en"], people)
        make = MAKERS["en"][WORDS["en"].attributes[attribute].value]
        value = drawn(rng, make, "held-out")
        while value in told[attribute]:
            value = drawn(rng, make, "held-out")
        told[attribute].append(value)
        text = f"{say(rng, 'en', 'held-out', 'state', attribute, person, value)} {chat(rng, 'en', 'Tom')}"
        # It says the fact again, as a small model that is asked for it will: what it then says has a form to follow.
        reply = (
            f"Noted as number {number + 1}: {person}, {attribute}, {value}. I will look it up and tell you what it "
            "says there whenever you ask me about it again, today or later."
        )
        turns.append((attribute, text, reply, say(rng, "en", "held-out", "ask", attribute, person), value))
    return [
        FactTurn(
            text=text,
            reply=reply,
            question=question,
            answer=answer,
            others=tuple(value for value in told[attribute] if value != answer),
        )
        for attribute, text, reply, question, answer in turns
    ]


def _new(rng: random.Random, make: Make, known: set[str]) -> str:
    """Return something that is not among the ``known``, and is from now on."""
    while (made := drawn(rng, make, "held-out")) in known:
        pass
    known.add(made)
    return made
