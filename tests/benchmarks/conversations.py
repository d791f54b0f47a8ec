"""What the benchmarks of engines and servers ask: scripted conversations of English words, the same for everybody."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import NamedTuple

import msgspec

from systems.engines.interface import Message

# Of each question the template of a chat takes about this many tokens; and of earlier talk a question and its answer.
_TEMPLATE, _EXCHANGE = 6, 80

_STOCK = "time people way day thing world life hand part place week case point water name house side head".split()


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """Users who each ask ``turns`` questions, one after another; all begin at once. The rest are tokens, about.

    Every prompt begins with the same ``system`` prompt and ``history`` of earlier conversation that is the user's own;
    every question brings ``new`` tokens, every reply has ``out``. ``context`` is how long a conversation may be.
    """

    users: int = 50
    turns: int = 3
    system: int = 200
    new: int = 40
    out: int = 32
    history: int = 0
    context: int = 1024

    def conversations(self) -> Iterator[Conversation]:
        """Yield what each user says."""
        system = Message("system", words(Random(1), self.system))
        for user in range(self.users):
            random = Random(f"user {user}")
            begun = [system]
            for _ in range(self.history // _EXCHANGE):
                begun += [Message("user", words(random, 40)), Message("assistant", words(random, 38))]
            turns = [(words(random, self.new - _TEMPLATE), words(random, 2 * self.out)) for _ in range(self.turns)]
            yield Conversation(f"user {user}", begun, turns)


class Conversation(NamedTuple):
    """What is said before, and the questions, each with a script of the reply that is longer than it gets."""

    name: str
    begun: list[Message]
    turns: list[tuple[str, str]]


def words(random: Random, tokens: int) -> str:
    """Return English words that make about ``tokens`` tokens."""
    return " ".join(random.choice(_STOCK) for _ in range(tokens))


LOADS = {"short": Load(), "long": Load(users=20, turns=5, history=640, context=2048)}
"""The loads of the servers' race: many users with short prompts, and fewer whose prompts have some 1,100 tokens."""
