"""What a conversation with tasks is made of: turns that tell something, and turns that ask for it later."""

from __future__ import annotations

from typing import Literal

import msgspec

from experiments.measuring.workload import Turn

Split = Literal["settling", "reporting"]
"""What a setting, a threshold or a dictionary may be settled on, and what results are reported of. They share no
phrasing and no value."""

Teller = Literal["user", "agent"]


class ToldValue(msgspec.Struct, frozen=True, kw_only=True):
    """A value that was told: how it is asked for, the one right answer, and the words that told it, on one line.

    ``attribute`` says what the value is of: values of one attribute are what a wrong answer is likely to be.
    """

    attribute: str
    question: str
    answer: str
    evidence: str
    teller: Teller


class TellingTurn(msgspec.Struct, frozen=True, kw_only=True):
    """A turn that tells something: what the user says, the agent's scripted reply, and the value in one of them."""

    text: str
    reply: str
    fact: ToldValue


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """What a turn that asks is graded by. ``others`` are values of the same attribute that were told before.

    ``turns_ago`` says how many turns before it the value was told.
    """

    answer: str
    evidence: str
    others: tuple[str, ...]
    teller: Teller
    turns_ago: int


class TaskTurn(msgspec.Struct, frozen=True):
    """A turn of a conversation; ``check`` where it asks for something, None where it tells."""

    turn: Turn
    check: Check | None = None
