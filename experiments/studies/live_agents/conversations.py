"""What each agent is told before it is asked: a conversation of a stated length, with one fact of its own in it.

All agents are told the same kind of thing in the same words but for names and numbers, and asked the same question: an
agent that answers with another's number has mixed up two people.
"""

from __future__ import annotations

import random

import msgspec

from systems.interface import Observed

OBSERVED = Observed(clock="2025-01-01 10:00", system="processor 10 %", emotion="neutral")
"""What the surroundings say in every turn."""

EXCHANGES = 10
"""How many exchanges a conversation has before its agent is asked: a prompt carries all of them."""

FACT = "The number of my locker is "
"""What the sentence that decides the answer begins with."""

QUESTION = "what is the number of my locker?"
"""What every question of a probe ends with."""

# How each round asks. The words differ, so that no reply is one that was given before.
_ASKING = ("Please tell me: ", "Once more, please: ")

REPLY = "Thank you for telling me. I shall keep it in mind for as long as we talk, and come back to it when you ask."
"""What every agent answers to what it is told."""

# Characters of English text that make a token of the models used here. What it came to is in the record.
_CHARACTERS = 3.5

# The fact is neither the newest nor the oldest thing that was said.
_FACT_IN = 3

_NAMES = "Anna Boris Carla David Elena Felix Greta Hugo Irene Jonas Katya Leon Maria Nils Olga Paul Rosa Stefan".split()
_PLACES = "Lisbon Oslo Krakow Porto Ghent Turin Malmo Graz Split Cork Bergen Lyon Riga Seville Trieste Utrecht".split()
_THINGS = "bees tomatoes radios chess books bicycles maps guitars orchids stamps pigeons clocks".split()
_SENTENCES = (
    "My friend {name} moved to {place} last spring and looks after {number} {things} there",
    "In {place} I met {name}, who had read everything about {things} in {number} evenings",
    "The train to {place} was {number} minutes late, so {name} told me of the {things} at home",
    "When {name} comes back from {place} we shall sort the {number} {things} in the shed",
)


class LiveConversation(msgspec.Struct, frozen=True):
    """One agent's conversation: what it is told, turn by turn, and what it must say when it is asked."""

    session: str
    told: tuple[str, ...]
    value: str


def conversation(seed: int, agent: int, tokens: int) -> LiveConversation:
    """Return the conversation with the agent of this number: about ``tokens`` tokens, its replies included."""
    rng = random.Random(f"live agents {seed} {agent}")
    value = str(rng.randrange(100_000, 1_000_000))
    characters = max(0, round(tokens * _CHARACTERS / EXCHANGES) - len(REPLY))
    told = []
    for number in range(EXCHANGES):
        said = f"{FACT}{value}. " if number == _FACT_IN else ""
        while not said or len(said) < characters:
            said += _sentence(rng)
        told.append(said.strip())
    return LiveConversation(f"agent-{agent}", tuple(told), value)


def question(round_number: int) -> str:
    """Return how an agent is asked in a round of a probe."""
    return _ASKING[round_number] + QUESTION


def _sentence(rng: random.Random) -> str:
    words = {"name": rng.choice(_NAMES), "place": rng.choice(_PLACES), "things": rng.choice(_THINGS)}
    return f"{rng.choice(_SENTENCES).format(number=rng.randrange(2, 90), **words)}. "
