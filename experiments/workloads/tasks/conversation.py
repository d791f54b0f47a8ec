"""Conversations with tasks, turn by turn: nobody need hold one whole, so who measures memory measures none of it."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal, get_args

from experiments.measuring.workload import Turn
from experiments.workloads.tasks import code, research, support
from experiments.workloads.tasks.interface import Check, Split, TaskTurn, TellingTurn, ToldValue
from systems.errors import UnknownName
from systems.interface import Observed

Kind = Literal["support", "research", "code"]
KINDS: tuple[Kind, ...] = get_args(Kind)

MIXED = "many"
"""The workload of several conversations at once, of all kinds in turn."""

PERIOD = 6
"""Of so many turns `ASKING` ask, by their place among them."""

SOON, LATE = 3, 5
ASKING = (SOON, LATE)

SOON_TURNS = 3
"""A value that is needed soon was told so many turns before."""

LATE_TURNS = 20
"""A value that is needed late was told at least so many turns before; while there is none, the oldest is asked for."""

_REMEMBERED = 60  # values that may still be asked for
_OTHERS = 8  # values of an attribute that a wrong answer may name

_TELL: Mapping[Kind, Callable[[random.Random, Split, int], TellingTurn]] = {
    "support": support.told,
    "research": research.told,
    "code": code.told,
}
_ANSWERED = (
    "It is {answer}, as it was said before; nothing that came since has changed it, and I would use it as it stands in "
    "whatever comes next, unless you tell me that it was corrected somewhere else in the meantime."
)


def asks(place: int) -> bool:
    """Return whether the turn at this place asks for something: the same in every conversation."""
    return place % PERIOD in ASKING


def kinds(workload: str, sessions: int) -> Sequence[Kind]:
    """Return the kind of each session's conversation in a workload, one of `KINDS` or `MIXED`. Raises `UnknownName`."""
    if workload == MIXED:
        return [KINDS[session % len(KINDS)] for session in range(sessions)]
    if workload not in KINDS:
        raise UnknownName("workload of tasks", workload, (*KINDS, MIXED))
    return [workload] * sessions


def talk(kind: Kind, seed: int, number: int, split: Split = "reporting") -> Iterator[TaskTurn]:
    """Yield the turns of the ``number``-th conversation of a kind, without end; equal seeds yield equal turns."""
    rng = random.Random(f"tasks {kind} {seed} {number} {split}")
    recent: deque[tuple[int, ToldValue]] = deque(maxlen=_REMEMBERED)
    values: dict[str, deque[str]] = {}
    told = 0
    place = 0
    while True:
        if asks(place):
            wanted = _wanted(rng, recent, place)
            recent.remove(wanted)
            at, fact = wanted
            check = Check(
                answer=fact.answer,
                evidence=fact.evidence,
                others=tuple(value for value in values[fact.attribute] if value != fact.answer),
                teller=fact.teller,
                turns_ago=place - at,
            )
            reply = _ANSWERED.format(answer=fact.answer)
            yield TaskTurn(Turn(fact.question, reply, _observed(rng)), check)
        else:
            made = _TELL[kind](rng, split, told)
            told += 1
            recent.append((place, made.fact))
            values.setdefault(made.fact.attribute, deque(maxlen=_OTHERS)).append(made.fact.answer)
            yield TaskTurn(Turn(made.text, made.reply, _observed(rng)))
        place += 1


def _wanted(rng: random.Random, recent: Sequence[tuple[int, ToldValue]], place: int) -> tuple[int, ToldValue]:
    """Return where what the turn at ``place`` asks for was told, and what it is."""
    if place % PERIOD == SOON:
        return next(each for each in recent if place - each[0] == SOON_TURNS)
    late = [each for each in recent if place - each[0] >= LATE_TURNS]
    return rng.choice(late) if late else recent[0]


def _observed(rng: random.Random) -> Observed:
    return Observed(
        clock=f"2026-{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02} {rng.randrange(24):02}:{rng.randrange(60):02}",
        system=f"processor {rng.randrange(100)} %, memory {rng.randrange(20, 90)} % of 4.0 GiB, disk 50 %",
        emotion="neutral",
    )
